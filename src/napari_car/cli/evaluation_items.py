"""What there is to say of one item of a benchmark, from its counts alone."""

from typing import Any

import numpy as np

from napari_car.evaluation.benchmarks.catalogue import Benchmark
from napari_car.evaluation.benchmarks.referring import ReferringBenchmark
from napari_car.evaluation.benchmarks.semantic import SemanticBenchmark
from napari_car.evaluation.items import ItemRecord
from napari_car.evaluation.metrics.confusion import ConfusionMatrix
from napari_car.evaluation.metrics.referring import ReferringTally
from napari_car.evaluation.metrics.tally import mean
from napari_car.evaluation.metrics.video import VideoTally
from napari_car.evaluation.report_text import percent

_MAX_MISTAKES = 3


def describe_item(benchmark: Benchmark, record: ItemRecord) -> list[str]:
    """Say in sentences what went wrong with an item, and what was changed on the user's behalf."""
    if isinstance(benchmark, SemanticBenchmark):
        sentences = _describe_image(benchmark, record.counts)
    elif isinstance(benchmark, ReferringBenchmark):
        sentences = _describe_target(record.counts)
    else:
        sentences = _describe_video(record.counts)
    return [*sentences, *record.notes]


def rank_frames(record: ItemRecord, annotator: str) -> list[tuple[int, float]]:
    """Return the frames of a video with their J&F, by one annotator's expressions, the worst first."""
    by_frame: dict[int, list[float]] = {}
    for match in VideoTally.from_dict(record.counts[annotator]["video"]).items:
        by_frame.setdefault(match.frame, []).append((match.region + match.boundary) / 2)
    ranked = [(frame, mean(values) or 0.0) for frame, values in by_frame.items()]
    return sorted(ranked, key=lambda pair: (pair[1], pair[0]))


def _describe_image(benchmark: SemanticBenchmark, counts: Any) -> list[str]:
    """Name the most frequent confusions of classes."""
    pixels = ConfusionMatrix.from_dict(counts["confusion"]).counts
    n_pixels = pixels.sum()
    np.fill_diagonal(pixels, 0)
    if not pixels.any():
        return ["No pixel that is scored is wrong."]
    names = ["background", *(item.name for item in benchmark.classes)]
    cells = np.argwhere(pixels)
    cells = cells[np.argsort(-pixels[tuple(cells.T)], kind="stable")][:_MAX_MISTAKES]
    named = [f"{names[true]} taken for {names[found]}, {pixels[true, found]:,} px" for true, found in cells]
    return [f"Wrong most often, of {n_pixels:,} px: {'; '.join(named)}."]


def _describe_target(counts: Any) -> list[str]:
    """Say how large prediction and target are."""
    (item,) = ReferringTally.from_dict(counts["referring"]).items
    if not item.n_true:
        return [f"There is nothing to be found, and {item.n_predicted:,} px were."]
    return [f"{item.n_true:,} px are to be found, {item.n_predicted:,} px were; {item.n_both:,} px are right."]


def _describe_video(counts: Any) -> list[str]:
    """Say how well each annotator's expressions did."""
    scores = {name: VideoTally.from_dict(own["video"]).scores() for name, own in counts.items()}
    said = [f"{name} {percent(found.region_and_boundary)}" for name, found in scores.items()]
    return [f"J&F by annotator: {', '.join(said)}."]
