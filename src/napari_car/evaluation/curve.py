"""The distractor curve: how good masks and verdicts are with more and more queries for what is not there."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .benchmarks.semantic import SemanticBenchmark
from .experiment_page import ExperimentPage
from .items import ItemRecord
from .metrics.confusion import ConfusionMatrix
from .metrics.presence import Presence, PresenceTally
from .metrics.tally import mean
from .report_text import UNKNOWN, counted, percent
from .run_header import RunHeader

N_ABSENT = (0, 5, 20, 50, 200)
"""K: how many distractors are asked for besides what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One point of the curve before it is measured."""

    n_absent: int
    """K."""
    recurs: bool
    """Whether queries are dropped until all that are left stay, or once only."""

    @property
    def name(self) -> str:
        """Names its folder."""
        return f"{self.n_absent}-absent-{'with' if self.recurs else 'without'}-recurrence"

    @property
    def title(self) -> str:
        """What is said while it runs."""
        return f"{self.n_absent} absent, {'with' if self.recurs else 'without'} recurrence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was measured with some distractors; scores are fractions, None where there is nothing to divide by."""

    n_absent: int
    """K."""
    recurs: bool
    n_asked: float
    """Mean number of distractors that there were: less than K where there are no more."""
    mean_iou: float | None
    """Mean over the classes that have ground truth; pixels that are taken for a distractor are wrong."""
    precision: float | None
    """Of the queries that were found, the share that is there."""
    recall: float | None
    """Of the queries that are there, the share that was found."""
    false_alarm_rate: float | None
    """Of the distractors, the share that was found."""
    seconds: float
    """Median time of an image, without that for texts that are new."""
    n_steps: float
    """Mean number of time steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """All points, and what they were measured on.

    Parameters
    ----------
    header : RunHeader
        Of any point.
    title : str
        Of the benchmark.
    n_images : int
        Images of each point.
    n_blank : int
        Images that show none of the classes, which are left out.
    has_background : bool
        Whether background is one of the classes that are averaged.
    points : tuple of Point
    """

    header: RunHeader
    title: str
    n_images: int
    n_blank: int
    has_background: bool
    points: tuple[Point, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "experiment": "distractors",
            "benchmark": self.header.benchmark,
            "title": self.title,
            "split": self.header.split,
            "n_items": self.header.n_items,
            "n_images": self.n_images,
            "n_blank": self.n_blank,
            "preset": self.header.preset,
            "f": asdict(self.header.f),
            "g": asdict(self.header.g),
            "points": [asdict(point) for point in self.points],
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What limits the figures."""
        n_done, n_items = self.n_images + self.n_blank, self.header.n_items
        said = [f"Only {n_done:,} of {n_items:,} items are evaluated."] if n_done < n_items else []
        if self.n_blank:
            verbs = ("shows", "is") if self.n_blank == 1 else ("show", "are")
            said.append(f"{counted(self.n_blank, 'image')} {verbs[0]} none of the classes and {verbs[1]} left out.")
        said += [
            f"With K = {point.n_absent} there were only {point.n_asked:.1f} absent queries to ask for, in the mean."
            for point in self.points
            if point.recurs and point.n_asked < point.n_absent
        ]
        return tuple(said)

    def describe(self) -> list[str]:
        """Return lines for a terminal."""
        return [
            f"{self.title} ({self.header.split}), {counted(self.n_images, 'image')}, in percent:",
            *map(_describe_point, self.points),
            *self.warnings,
        ]

    def make_page(self, plot: str, plot_file: str) -> ExperimentPage:
        """Return the report, with a plot that is also in a file of its own."""
        rows = [
            (
                "with" if point.recurs else "without",
                str(point.n_absent),
                percent(point.mean_iou),
                percent(point.precision),
                percent(point.recall),
                percent(point.false_alarm_rate),
                f"{point.seconds:.3f}",
                f"{point.n_steps:.2f}",
            )
            for point in sorted(self.points, key=lambda point: not point.recurs)
        ]
        return ExperimentPage(
            title=f"{self.title}, {self.header.split}: distractors",
            sentences=(
                "Each image is asked for the classes that it shows, and for K that it does not. Preset "
                f"{self.header.preset}, f {self.header.f.name}, g {self.header.g.name}; "
                f"{counted(self.n_images, 'image')}.",
            ),
            warnings=self.warnings,
            columns=(
                "recurrence",
                "absent, K",
                "mIoU, %",
                "presence precision, %",
                "presence recall, %",
                "false alarms, %",
                "s per image",
                "steps",
            ),
            n_text_columns=1,
            rows=tuple(rows),
            best_rows=frozenset(),
            notes=(
                "mIoU is the mean over the classes that have ground truth"
                f"{', and background' if self.has_background else ''}; a pixel that is taken for a distractor is "
                "wrong. Presence precision is the share of the found queries that are there, recall the share of those "
                "that are there that are found, and false alarms the share of the absent ones that are found, over all "
                "images.",
                "Absent queries are other classes of the data set as long as there are any, then names of ADE20K-847 "
                "and Pascal Context 459 that share no word with a class. Of these no ground truth says that they are "
                "not there. Fewer absent queries are the first of more.",
                "Times are the median, each measured without anything that was computed of the image before; texts are "
                f"known. {UNKNOWN} stands where there is nothing to divide by.",
            ),
            plot=plot,
            plot_file=plot_file,
        )


def _describe_point(point: Point) -> str:
    """Say what was measured in a line."""
    return (
        f"  {point.n_absent} absent, {'with' if point.recurs else 'without'} recurrence: mIoU "
        f"{percent(point.mean_iou)}, presence precision {percent(point.precision)}, recall {percent(point.recall)}; "
        f"{point.seconds:.2f} s per image"
    )


def measure_point(setting: Setting, benchmark: SemanticBenchmark, records: Sequence[ItemRecord]) -> Point:
    """Sum up what was counted with some distractors.

    Parameters
    ----------
    setting : Setting
    benchmark : SemanticBenchmark
        As :func:`~.distractors.with_elsewhere` returns it.
    records : sequence of ItemRecord
        At least one, of images that show a class.
    """
    total = ConfusionMatrix(len(benchmark.classes) + 1)
    presences: list[Presence] = []
    for record in records:
        total = total.merge(ConfusionMatrix.from_dict(record.counts["confusion"]))
        presences += PresenceTally.from_dict(record.counts["presence"]).items
    presence = PresenceTally(presences).scores()
    return Point(
        n_absent=setting.n_absent,
        recurs=setting.recurs,
        n_asked=presence.n_absent / len(records),
        mean_iou=total.scores("scored" if benchmark.has_background else "not averaged").mean_iou,
        precision=presence.precision,
        recall=presence.recall,
        false_alarm_rate=presence.false_alarm_rate,
        seconds=statistics.median(_time_of(record.seconds) for record in records),
        n_steps=mean(record.n_steps for record in records) or 0.0,
    )


def _time_of(seconds: Mapping[str, float]) -> float:
    """Return what an image took with texts that are known."""
    return seconds.get("all", 0.0) - seconds.get("texts", 0.0)
