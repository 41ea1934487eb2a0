"""What an evaluation says: scores beside the paper's, classes, speed, and the worst items."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from napari_car.errors import ConfigError

from .benchmarks.catalogue import Benchmark, BenchmarkEntry, find_benchmark
from .benchmarks.published import Metric
from .benchmarks.referring import ReferringBenchmark
from .benchmarks.semantic import SemanticBenchmark
from .experiments import find_figure
from .items import ItemRecord
from .run_header import RunHeader
from .scores import ClassScore, Score, Values, score_expressions, score_images, score_videos


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A score, and what the paper says.

    Parameters
    ----------
    score : Score
    paper : float or None
        The paper's figure as a fraction; None: it has none.
    """

    score: Score
    paper: float | None

    @property
    def difference(self) -> float | None:
        """By how much ours is higher."""
        if self.paper is None or self.score.value is None:
            return None
        return self.score.value - self.paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What the items took.

    Parameters
    ----------
    seconds : float
        Median wall time of a picture, reading and scoring included; items of several frames count by frame.
    stages : mapping of str to float
        Mean time of each stage per picture, in s.
    memory_mb : float or None
        Highest memory, in MiB.
    n_steps : float
        Mean number of time steps per picture.
    """

    seconds: float
    stages: Mapping[str, float]
    memory_mb: float | None
    n_steps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An item and its own score; None where it has none."""

    record: ItemRecord
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """All that an evaluation says.

    Parameters
    ----------
    header : RunHeader
    title : str
        Of the benchmark.
    n_done : int
        Items that were evaluated, of ``header.n_items``.
    n_published : int or None
        How many items the split has as published; None if that is not known.
    rows : tuple of Row
        The first is the one that the paper reports.
    classes : tuple of ClassScore
        Of semantic benchmarks.
    speed : Speed
    ranked : tuple of Ranked
        All items, the worst first.
    """

    header: RunHeader
    title: str
    n_done: int
    n_published: int | None
    rows: tuple[Row, ...]
    classes: tuple[ClassScore, ...]
    speed: Speed
    ranked: tuple[Ranked, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all items of the split are evaluated."""
        return self.n_done == self.header.n_items

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "title": self.title,
            "n_done": self.n_done,
            "n_items": self.header.n_items,
            "n_published": self.n_published,
            "scores": [asdict(row.score) | {"paper": row.paper, "difference": row.difference} for row in self.rows],
            "classes": [asdict(item) for item in self.classes],
            "speed": asdict(self.speed),
            "items": [{"key": item.record.key, "value": item.value} for item in self.ranked],
            "run": self.header.to_dict(),
        }


def summarise(header: RunHeader, benchmark: Benchmark, records: Sequence[ItemRecord]) -> EvaluationSummary:
    """Sum up what was evaluated.

    Parameters
    ----------
    header : RunHeader
    benchmark : Benchmark
        The one that was evaluated; its classes have the names.
    records : sequence of ItemRecord
        At least one, in any order.

    Raises
    ------
    ConfigError
        If counts are not those of the benchmark.
    """
    entry = find_benchmark(header.benchmark)
    try:
        scores, classes, values = _score(benchmark, records)
    except (AttributeError, KeyError, TypeError) as error:  # the files of a folder can hold anything
        raise ConfigError(f"What was counted is not of {entry.title}: {error}.") from error
    ranked = [Ranked(record=record, value=values.get(record.key)) for record in records]
    ranked.sort(key=lambda item: (item.value is None, item.value or 0.0, item.record.key))
    return EvaluationSummary(
        header=header,
        title=benchmark.title if entry.name == "folder" else entry.title,
        n_done=len(records),
        n_published=entry.sizes.get(header.split),
        rows=tuple(Row(score=score, paper=_paper(entry, header, score)) for score in scores),
        classes=classes,
        speed=_measure(records),
        ranked=tuple(ranked),
    )


def _score(benchmark: Benchmark, records: Sequence[ItemRecord]) -> tuple[list[Score], tuple[ClassScore, ...], Values]:
    """Return scores, those of classes if there are any, and that of each item."""
    if isinstance(benchmark, SemanticBenchmark):
        return score_images(benchmark, records)
    if isinstance(benchmark, ReferringBenchmark):
        scores, values = score_expressions(benchmark, records)
    else:
        scores, values = score_videos(records)
    return scores, (), values


def _paper(entry: BenchmarkEntry, header: RunHeader, score: Score) -> float | None:
    """Return the paper's figure for a score."""
    if score.published_as is None:
        return None
    metric: Metric = score.published_as
    percent = entry.figure(header.split, metric, with_sam=header.config.sam.enabled)
    if header.variant and percent is not None:  # of the split that the paper has
        percent = None if header.config.sam.enabled else find_figure(header.variant, header.benchmark)
    return None if percent is None else percent / 100


def _measure(records: Sequence[ItemRecord]) -> Speed:
    """Return what the items took."""
    n_frames = sum(record.n_frames for record in records)
    stages = dict.fromkeys(stage for record in records for stage in record.seconds if stage != "all")
    memories = [record.memory_mb for record in records if record.memory_mb is not None]
    return Speed(
        seconds=statistics.median(record.seconds.get("all", 0.0) / max(1, record.n_frames) for record in records),
        stages={stage: sum(record.seconds.get(stage, 0.0) for record in records) / n_frames for stage in stages},
        memory_mb=max(memories, default=None),
        n_steps=sum(record.n_steps for record in records) / n_frames,
    )
