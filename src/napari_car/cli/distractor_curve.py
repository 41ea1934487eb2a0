"""The distractor curve as the command line runs it."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_car.errors import ConfigError
from napari_car.evaluation.benchmarks.semantic import SemanticBenchmark, SemanticSample
from napari_car.evaluation.comparison import common_keys
from napari_car.evaluation.curve import N_ABSENT, Curve, Setting, measure_point
from napari_car.evaluation.curve_plot import draw_curve
from napari_car.evaluation.distractor_run import SHOWS_NOTHING, evaluate_asked
from napari_car.evaluation.distractors import DistractorPool, with_elsewhere
from napari_car.evaluation.experiments import WITH_RECURRENCE, WITHOUT_RECURRENCE, variant_id
from napari_car.evaluation.lanes import Lane, build_like
from napari_car.evaluation.store import EvaluationStore
from napari_car.io.outputs import write_bytes, write_json

from .display import Display
from .evaluation import Evaluation, identify, open_benchmark
from .evaluation_report import write_report
from .experiment import ExperimentOutcome, check_workers, run_lanes
from .experiment_report import NUMBERS_FILE, write_page

if TYPE_CHECKING:
    from napari_car.evaluation.lanes import Run
    from napari_car.evaluation.run import Sample
    from napari_car.segmenter import Segmenter

PLOT_FILE = "curve.svg"

SETTINGS = tuple(Setting(n_absent=n_absent, recurs=recurs) for n_absent in N_ABSENT for recurs in (True, False))


def run_distractor_curve(evaluation: Evaluation, out: Path, n_worst: int) -> ExperimentOutcome:
    """Evaluate what is left with each number of distractors, with and without recurrence, and report.

    Raises
    ------
    click.UsageError
        If it is to be done by workers.
    ConfigError
        If the benchmark has no classes, or the networks or options are not to be had.
    DocumentError
        If the data set is not as it should be.
    OutputError
        If a folder holds something else, is in use, or cannot be written.
    CheckpointError
        If the networks are not to be had.
    QueryError
        If a single query has nothing to be told apart from.
    """
    check_workers(evaluation)
    if evaluation.entry.kind != "semantic":
        raise ConfigError(
            f"{evaluation.entry.title} has expressions instead of classes: the experiment distractors needs classes."
        )
    benchmark = open_benchmark(evaluation.entry, evaluation.root, evaluation.split, evaluation.options)
    assert isinstance(benchmark, SemanticBenchmark)
    pool, benchmark = DistractorPool(benchmark, evaluation.config), with_elsewhere(benchmark)
    evaluation.networks.check_on_disk()
    outcome = ExperimentOutcome()
    with Display(0) as display:
        segmenter = evaluation.networks.load()
        lanes = [_make_lane(evaluation, benchmark, pool, setting, segmenter, out) for setting in SETTINGS]
        run_lanes(lanes, evaluation, benchmark, display, outcome)
    done = [lane.store.read() for lane in lanes]
    keys = common_keys(done)
    counted = [
        [record for key, record in records.items() if key in keys and SHOWS_NOTHING not in record.notes]
        for records in done
    ]
    if counted[0]:
        curve = Curve(
            header=lanes[0].store.header,
            title=benchmark.title if evaluation.entry.name == "folder" else evaluation.entry.title,
            n_images=len(counted[0]),
            n_blank=len(keys) - len(counted[0]),
            has_background=benchmark.has_background,
            points=tuple(
                measure_point(setting, benchmark, records) for setting, records in zip(SETTINGS, counted, strict=True)
            ),
        )
        plot = draw_curve(curve)
        write_bytes(out / PLOT_FILE, plot.encode("utf-8", "backslashreplace"))
        write_page(curve.make_page(plot, PLOT_FILE), out)
        write_json(out / NUMBERS_FILE, curve.to_dict())
        outcome.lines = curve.describe()
    for lane, records in zip(lanes, done, strict=True):
        if records:
            write_report(lane.store, benchmark, list(records.values()), n_worst)
    return outcome


def _make_lane(
    evaluation: Evaluation,
    benchmark: SemanticBenchmark,
    pool: DistractorPool,
    setting: Setting,
    segmenter: "Segmenter",
    out: Path,
) -> Lane:
    """Return the evaluation with some distractors."""
    config = evaluation.config.changed(WITH_RECURRENCE if setting.recurs else WITHOUT_RECURRENCE)
    header = evaluation.header(benchmark, identify(segmenter), config, variant_id("distractors", setting.name))

    def begin(sample: "Sample") -> "tuple[Run, int]":
        assert isinstance(sample, SemanticSample)
        truth = sample.read_truth()
        asked = pool.ask(sample.key, truth, setting.n_absent)
        # One that remembers nothing of the image: the time of each point is to be that of a run by itself.
        new = build_like(segmenter, segmenter.f, segmenter.g)
        return evaluate_asked(new, benchmark, sample, truth, asked, header.config), len(asked.queries)

    return Lane(title=setting.title, store=EvaluationStore.open(out / setting.name, header), begin=begin)
