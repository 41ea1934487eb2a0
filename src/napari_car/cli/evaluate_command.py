"""``napari-car evaluate``: a benchmark in, scores beside the paper's out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_car.errors import ConfigError
from napari_car.evaluation.experiments import EXPERIMENTS
from napari_car.presets import PRESETS

from .checkpoints import checkpoint_options, choose_networks, network_options
from .options import EXIT_SOME_FAILED, SectionedCommand, debug_option, in_section
from .parameters import build_config, given_parameters, parameter_options
from .query_options import parameter_file_options

if TYPE_CHECKING:
    from napari_car.errors import CaRError

    from .evaluation import Evaluation, EvaluationOutcome
    from .experiment import ExperimentOutcome

DISTRACTORS = "distractors"
"""The experiment that no paper has."""

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_BENCHMARK = "Benchmark"
_PARAMETERS = "Parameters"
_OUTPUT = "Output"
_WORKERS = "More processes and machines"


@click.command(cls=SectionedCommand)
@click.argument("benchmark", metavar="BENCHMARK")
@in_section(
    _BENCHMARK, "--root", type=_FOLDER, required=True, metavar="DIR", help="Folder of the data set, in its own layout."
)
@in_section(_BENCHMARK, "--split", metavar="NAME", help="Part of the data set.  [default: the one of the paper]")
@in_section(
    _BENCHMARK,
    "--option",
    "choices",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the benchmark, such as unit=sentence of RefCOCO, or ontology=FILE of a folder. May be repeated.",
)
@in_section(
    _BENCHMARK, "--limit", type=click.IntRange(min=1), metavar="N", help="Evaluate the first N items of the split only."
)
@in_section(
    _BENCHMARK,
    "--shard",
    default="1/1",
    show_default=True,
    metavar="I/N",
    help="Evaluate every N-th item, from the I-th on. All shards may write into the same folder, at the same time.",
)
@in_section(
    _BENCHMARK,
    "--experiment",
    type=click.Choice([*EXPERIMENTS, DISTRACTORS]),
    metavar="NAME",
    help="Evaluate several variants side by side: recurrence, cam, backbones, prompts, thresholds or backgrounds, as "
    "in the paper's Tables 2 to 6, or distractors: the classes that are there, and more and more that are not.",
)
@in_section(
    _PARAMETERS,
    "--preset",
    type=click.Choice(list(PRESETS)),
    metavar="NAME",
    help="Parameters and networks to start from.  [default: the benchmark's]",
)
@parameter_file_options(_PARAMETERS)
@checkpoint_options
@network_options
@in_section(
    _OUTPUT,
    "--out",
    type=_FOLDER,
    required=True,
    metavar="DIR",
    help="Folder of the results: a new one, or one with which the evaluation goes on.",
)
@in_section(
    _OUTPUT,
    "--worst",
    "n_worst",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    metavar="N",
    help="How many of the worst items the page shows.",
)
@in_section(
    _WORKERS,
    "--workers",
    "n_workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Evaluate N items at a time, in as many processes on this machine. Each loads the networks.",
)
@in_section(
    _WORKERS,
    "--scheduler",
    metavar="ADDRESS",
    help="Let a dask.distributed cluster evaluate, whose scheduler has this address, such as tcp://HOST:8786. Its "
    "workers must find the data set under the same path.",
)
@debug_option
@click.pass_context
def evaluate(
    context: click.Context,
    /,
    benchmark: str,
    root: Path,
    split: str | None,
    choices: tuple[str, ...],
    limit: int | None,
    shard: str,
    experiment: str | None,
    preset: str | None,
    toml: Path | None,
    assignments: tuple[str, ...],
    out: Path,
    n_worst: int,
    n_workers: int | None,
    scheduler: str | None,
    **networks: Any,
) -> None:
    """Evaluate a benchmark, and compare with the paper.

    BENCHMARK is voc, voc-20, coco-object, context-60, context-59, context-459, ade-150, ade-847, refcoco, refcoco+,
    refcocog-umd, refcocog-google, gres, ref-davis, davis-frames, or folder: images and masks of your own, with an
    ontology.

    \b
    napari-car evaluate voc --root data/ --out voc/
    napari-car evaluate folder --root leaves/ --out leaves-evaluation/ --preset annotate
    napari-car evaluate coco-object --root data/ --out coco/ --shard 2/8
    napari-car evaluate voc --root data/ --out thresholds/ --experiment thresholds

    OUT gets report.md, report.html, result.json with all numbers, a line for each item, and the predictions. What is
    evaluated is not evaluated again, so an evaluation that was stopped goes on when it is repeated. An item that cannot
    be evaluated does not stop the others; it is listed at the end, and the exit code is 3.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.evaluation.benchmarks.catalogue import find_benchmark
    from napari_car.evaluation.shard import Shard

    from .cluster import choose_workers
    from .evaluation import Evaluation

    entry = find_benchmark(benchmark)
    workers = choose_workers(scheduler, n_workers)
    given = {"sam.enabled": True} if networks["sam"] else {}  # whoever names a SAM wants it
    name = preset or entry.preset
    config = build_config(name, toml, given | given_parameters(context), assignments, refer=False)
    config = config.changed({"mode": "semantic" if entry.kind == "semantic" else "referring"})
    folder = networks.pop("models_folder")
    chosen = choose_networks(name, folder=folder, with_sam=config.sam.enabled, **networks)
    for line in chosen.notices:
        click.echo(line)
    evaluation = Evaluation(
        entry=entry,
        root=root,
        split=split or entry.splits[0],
        options=dict(map(_parse_option, choices)),
        preset=name,
        config=config,
        networks=chosen,
        limit=limit,
        shard=Shard.parse(shard),
        workers=workers,
    )
    if experiment is None:
        _report(evaluation.run(out, n_worst), out)
    else:
        _report_experiment(_run_experiment(evaluation, experiment, out, n_worst), out)


evaluate.params += parameter_options()


def _parse_option(text: str) -> tuple[str, str]:
    """Split ``key=value``."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise ConfigError(f"--option {text}: write it as key=value.")
    return key.strip(), value.strip()


def _run_experiment(evaluation: "Evaluation", name: str, out: Path, n_worst: int) -> "ExperimentOutcome":
    """Run an ablation, or the distractor curve."""
    from .distractor_curve import run_distractor_curve
    from .experiment import run_ablation

    if name == DISTRACTORS:
        return run_distractor_curve(evaluation, out, n_worst)
    return run_ablation(evaluation, EXPERIMENTS[name], out, n_worst)


def _report_experiment(outcome: "ExperimentOutcome", out: Path) -> None:
    """Say what came out; exit code 3 if an item failed."""
    from .evaluation_report import PAGE_FILE
    from .experiment_report import NUMBERS_FILE

    for line in outcome.lines:
        click.echo(line)
    if outcome.lines:
        click.echo(f"The report is {out / PAGE_FILE}; the numbers are in {out / NUMBERS_FILE}.")
    _say_failed([(key, error) for (key, _), error in outcome.failed.items()])


def _report(outcome: "EvaluationOutcome", out: Path) -> None:
    """Say what came out; exit code 3 if an item failed."""
    from .evaluation_report import PAGE_FILE, RESULT_FILE

    if outcome.summary is not None:
        for line in outcome.lines:
            click.echo(line)
        click.echo(f"The report is {out / PAGE_FILE}; the numbers are in {out / RESULT_FILE}.")
    _say_failed(outcome.failed)


def _say_failed(failed: "list[tuple[str, CaRError]]") -> None:
    """List what failed, with exit code 3 if anything did."""
    for key, error in failed:
        click.echo(f"Failed: {key}: {error}", err=True)
    if failed:
        click.get_current_context().exit(EXIT_SOME_FAILED)
