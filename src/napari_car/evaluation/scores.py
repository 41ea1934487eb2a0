"""The scores of a benchmark from the counts of its items."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .benchmarks.published import Metric
from .benchmarks.referring import ReferringBenchmark
from .benchmarks.semantic import SemanticBenchmark
from .items import ItemRecord
from .metrics.confusion import ConfusionMatrix
from .metrics.flicker import FlickerTally
from .metrics.presence import PresenceTally
from .metrics.referring import ReferringTally
from .metrics.segmentation_scores import Background
from .metrics.tally import Tally, mean
from .metrics.video import VideoScores, VideoTally

T = TypeVar("T", bound=Tally[Any])
Values = Mapping[str, float | None]
"""Score of each item by its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A number that says how good predictions are.

    Parameters
    ----------
    name : str
    value : float or None
        A fraction; None where there is nothing to divide by.
    published_as : str or None
        What the paper calls it, if it reports it.
    """

    name: str
    value: float | None
    published_as: Metric | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """A class over the whole split.

    Parameters
    ----------
    name : str
    iou, accuracy : float or None
        Fractions, as of the first score; None where there is nothing to divide by.
    n_true_px, n_predicted_px : int
        Pixels of the ground truth and of the predictions that count.
    """

    name: str
    iou: float | None
    accuracy: float | None
    n_true_px: int
    n_predicted_px: int


def score_images(
    benchmark: SemanticBenchmark, records: Sequence[ItemRecord]
) -> tuple[list[Score], tuple[ClassScore, ...], Values]:
    """Return scores, those of the classes, and the mean IoU of the classes that each image holds.

    That is 0 for an image that holds none, and in which some were found.

    The first score is the released program's: with background as a class where that is scored, else without row and
    column of the background; see :func:`~.metrics.segmentation_scores.score_classes`.
    """
    total, values = ConfusionMatrix(len(benchmark.classes) + 1), {}
    for record in records:  # one at a time: with hundreds of classes, those of all images would fill the memory
        matrix = ConfusionMatrix.from_dict(record.counts["confusion"])
        total = total.merge(matrix)
        own = matrix.scores("not averaged")
        is_wrong = own.mean_iou is None and any(item.n_predicted for item in own.classes)
        values[record.key] = 0.0 if is_wrong else own.mean_iou
    kind: Background = "scored" if benchmark.has_background else "removed"
    main = total.scores(kind)
    other = total.scores("not averaged" if benchmark.has_background else "void")
    presence = _join(PresenceTally, [record.counts["presence"] for record in records]).scores()
    scores = [
        Score(name="mIoU", value=main.mean_iou, published_as="mIoU"),
        Score(
            name="mIoU without the background class"
            if benchmark.has_background
            else "mIoU, pixels taken for background count as missed",
            value=other.mean_iou,
        ),
        Score(name="pixel accuracy", value=main.pixel_accuracy),
        Score(name="mean accuracy", value=main.mean_accuracy),
        Score(name="frequency-weighted IoU", value=main.frequency_weighted_iou),
        Score(name="presence precision", value=presence.precision),
        Score(name="presence recall", value=presence.recall),
        Score(name="presence F1", value=presence.f1),
    ]
    names = ["background", *(item.name for item in benchmark.classes)]
    classes = tuple(
        ClassScore(
            name=names[item.label],
            iou=item.iou,
            accuracy=item.accuracy,
            n_true_px=int(item.n_true),
            n_predicted_px=int(item.n_predicted),
        )
        for item in main.classes
    )
    return scores, classes, values


def score_expressions(benchmark: ReferringBenchmark, records: Sequence[ItemRecord]) -> tuple[list[Score], Values]:
    """Return scores, and the IoU of each item; of gRefCOCO also those of GRES."""
    tally = _join(ReferringTally, [record.counts["referring"] for record in records])
    found = tally.scores()
    scores = [
        Score(name="mIoU", value=found.mean_iou, published_as="mIoU"),
        Score(name="overall IoU", value=found.overall_iou),
        *(Score(name=f"precision@{at:g}", value=value) for at, value in found.precision.items()),
    ]
    is_generalized = benchmark.name == "gres"
    if is_generalized:
        general = tally.generalized_scores()
        scores += [
            Score(name="gIoU", value=general.generalized_iou),
            Score(name="cIoU", value=general.cumulative_iou),
            Score(name="no-target accuracy", value=general.no_target_accuracy),
            Score(name="target accuracy", value=general.target_accuracy),
        ]
    return scores, {item.item: item.iou(float(is_generalized)) for item in tally.items}


def score_videos(records: Sequence[ItemRecord]) -> tuple[list[Score], Values]:
    """Return scores, the mean over annotators, and J&F of each video."""
    annotators = sorted({name for record in records for name in record.counts})
    by_annotator = [[record.counts[name] for record in records if name in record.counts] for name in annotators]
    videos = [_join(VideoTally, [own["video"] for own in counts]).scores() for counts in by_annotator]
    restless = [_join(FlickerTally, [own["flicker"] for own in counts]).scores() for counts in by_annotator]
    region, boundary = _find_statistics(videos, "region"), _find_statistics(videos, "boundary")
    scores = [
        Score(name="J&F", value=_mean(own.region_and_boundary for own in videos), published_as="J&F"),
        Score(name="J mean", value=region["mean"], published_as="J"),
        Score(name="J recall", value=region["recall"]),
        Score(name="J decay", value=region["decay"]),
        Score(name="F mean", value=boundary["mean"], published_as="F"),
        Score(name="F recall", value=boundary["recall"]),
        Score(name="F decay", value=boundary["decay"]),
        Score(name="flicker", value=_mean(own.flicker for own in restless)),
    ]
    return scores, {record.key: _score_video(record) for record in records}


def _score_video(record: ItemRecord) -> float | None:
    """Return J&F of one video, the mean over annotators."""
    videos = [_join(VideoTally, [own["video"]]).scores() for own in record.counts.values()]
    return _mean(own.region_and_boundary for own in videos)


def _find_statistics(videos: Sequence[VideoScores], measure: Literal["region", "boundary"]) -> dict[str, float | None]:
    """Return mean, recall and decay of a measure, each the mean over annotators."""
    found = [own for video in videos if (own := getattr(video, measure)) is not None]
    return {name: _mean(getattr(own, name) for own in found) for name in ("mean", "recall", "decay")}


def _join(kind: type[T], stored: Iterable[Mapping[str, Any]]) -> T:
    """Return one tally of several that are stored."""
    return kind(item for record in stored for item in kind.from_dict(record).items)


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of those that are known."""
    return mean(value for value in values if value is not None)
