"""An experiment as the command line runs it: variants of an evaluation, side by side, then one report on all."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from napari_car.errors import CaRError, DocumentError, ImageError, ResourceError
from napari_car.evaluation.comparison import Compared, Comparison, common_keys
from napari_car.evaluation.experiments import Experiment, Variant, check_networks, variant_id
from napari_car.evaluation.lanes import Lane, NetworkRoles, find_left
from napari_car.evaluation.run import count_queries, evaluate_item, keep
from napari_car.evaluation.store import EvaluationStore
from napari_car.evaluation.summary import summarise
from napari_car.io.outputs import write_json

from .display import Display
from .evaluation import Evaluation, identify, open_benchmark
from .evaluation_report import write_report
from .experiment_report import NUMBERS_FILE, write_page

if TYPE_CHECKING:
    from napari_car.evaluation.benchmarks.catalogue import Benchmark
    from napari_car.evaluation.lanes import Run
    from napari_car.evaluation.run import Sample


@dataclass(slots=True)
class ExperimentOutcome:
    """What came of an experiment."""

    lines: list[str] = field(default_factory=list)
    """What it says, for people; empty if no item is evaluated in all variants."""
    failed: dict[tuple[str, str], CaRError] = field(default_factory=dict)
    """Errors by item and text: what is wrong with an image is wrong in all variants, and said once."""


def check_workers(evaluation: Evaluation) -> None:
    """Refuse workers: variants share what they compute within one process."""
    if evaluation.workers is not None:
        raise click.UsageError(
            "--experiment evaluates in one process, in which variants share what they compute: leave out --workers "
            "and --scheduler, and share the items with --shard."
        )


def run_ablation(evaluation: Evaluation, experiment: Experiment, out: Path, n_worst: int) -> ExperimentOutcome:
    """Evaluate what is left in all variants, and report.

    Each variant has its own evaluation in a folder of its name; ``OUT`` gets one table of all.

    Raises
    ------
    click.UsageError
        If it is to be done by workers.
    DocumentError
        If the data set is not as it should be.
    OutputError
        If a folder holds something else, is in use, or cannot be written.
    CheckpointError, ConfigError
        If the networks or options are not to be had, or parameters of a variant cannot be.
    """
    check_workers(evaluation)
    check_networks(experiment, evaluation.networks.f, evaluation.networks.g)
    variants = experiment.find_variants(evaluation.entry.name, evaluation.config)
    benchmark = open_benchmark(evaluation.entry, evaluation.root, evaluation.split, evaluation.options)
    evaluation.networks.check_on_disk()
    outcome = ExperimentOutcome()
    with Display(0) as display:
        roles = NetworkRoles(evaluation.networks.load())
        lanes = [_make_lane(evaluation, experiment, benchmark, variant, roles, out) for variant in variants]
        run_lanes(lanes, evaluation, benchmark, display, outcome)
    done = [lane.store.read() for lane in lanes]
    if keys := common_keys(done):
        compared = [
            Compared(
                variant=variant,
                summary=summarise(lane.store.header, benchmark, [records[key] for key in records if key in keys]),
            )
            for variant, lane, records in zip(variants, lanes, done, strict=True)
        ]
        comparison = Comparison(experiment=experiment, compared=tuple(compared))
        write_page(comparison.make_page(), out)
        write_json(out / NUMBERS_FILE, comparison.to_dict())
        outcome.lines = comparison.describe()
    for lane, records in zip(lanes, done, strict=True):
        if records:
            write_report(lane.store, benchmark, list(records.values()), n_worst)
    return outcome


def run_lanes(
    lanes: Sequence[Lane], evaluation: Evaluation, benchmark: "Benchmark", display: Display, outcome: ExperimentOutcome
) -> None:
    """Evaluate what is left, all lanes of an item one after the other."""
    left = find_left(lanes, benchmark.samples[: evaluation.limit], evaluation.shard)
    display.expect(sum(len(numbers) for _, numbers in left))
    with ExitStack() as stack:
        writers = [stack.enter_context(lane.store.writer(evaluation.shard)) for lane in lanes]
        for sample, numbers in left:
            for number in numbers:
                try:
                    run, n_queries = lanes[number].begin(sample)
                    name = f"{sample.key}, {lanes[number].title}"
                    keep(display.follow(run, name, n_queries), writers[number])
                except (ImageError, DocumentError, ResourceError) as error:
                    outcome.failed.setdefault((sample.key, str(error)), error)
                display.advance()


def _make_lane(
    evaluation: Evaluation,
    experiment: Experiment,
    benchmark: "Benchmark",
    variant: Variant,
    roles: NetworkRoles,
    out: Path,
) -> Lane:
    """Return the evaluation of a variant."""
    segmenter, config = roles.segmenter(variant.networks), variant.apply(evaluation.config)
    header = evaluation.header(benchmark, identify(segmenter), config, variant_id(experiment.name, variant.name))

    def begin(sample: "Sample") -> "tuple[Run, int]":
        return evaluate_item(segmenter, benchmark, sample, header.config), count_queries(benchmark, sample)

    return Lane(title=variant.title, store=EvaluationStore.open(out / variant.name, header), begin=begin)
