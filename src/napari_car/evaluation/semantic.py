"""Evaluate images with a label for every pixel."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.survey import label_by_list
from napari_car.config import CaRConfig
from napari_car.results import Progress, Step

from .benchmarks.semantic import SemanticBenchmark, SemanticSample
from .benchmarks.truth import IGNORED
from .evaluated import Evaluated, Stopwatch
from .metrics.confusion import ConfusionMatrix
from .metrics.presence import PresenceTally

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation
    from napari_car.segmenter import Segmenter


def with_words(config: CaRConfig, benchmark: SemanticBenchmark) -> CaRConfig:
    """Return parameters with the benchmark's own distractors, too."""
    words = (*config.proposals.background_words, *benchmark.background_words)
    return config.changed({"proposals.background_words": tuple(dict.fromkeys(words))})


def evaluate_image(
    segmenter: "Segmenter", benchmark: SemanticBenchmark, sample: SemanticSample, config: CaRConfig
) -> Generator[Progress | Step, None, Evaluated]:
    """Segment an image by all classes of its benchmark, and count.

    Parameters
    ----------
    segmenter : Segmenter
    benchmark : SemanticBenchmark
    sample : SemanticSample
    config : CaRConfig

    Yields
    ------
    Progress, Step
        As :meth:`napari_car.Segmenter.run` does.

    Raises
    ------
    ImageError, DocumentError
        If image or mask cannot be read.
    ResourceError
        If the device runs out of memory.
    """
    watch = Stopwatch(n_frames=1)
    with watch.whole():
        image, truth = sample.read_image(), sample.read_truth()
        result = yield from segmenter.run(image, benchmark.queries, with_words(config, benchmark))
        watch.note(result)
        result = label_by_list(result, benchmark.queries, benchmark.query_ids)
        labels = result.label_map
    counts = count_image(benchmark, sample.key, truth, labels, result)
    return watch.evaluated(sample.key, counts, str(segmenter.f.device), labels)


def count_image(
    benchmark: SemanticBenchmark,
    key: str,
    truth: Int32[np.ndarray, "H W"],
    labels: Int32[np.ndarray, "H W"],
    result: "Segmentation",
) -> dict[str, Any]:
    """Return the tallies of one image, by metric.

    Parameters
    ----------
    benchmark : SemanticBenchmark
    key : str
        Name of the image.
    truth, labels : ndarray, (H, W), int32
        Class ids, of the ground truth with :data:`~.benchmarks.truth.IGNORED`.
    result : Segmentation
        With class ids.
    """
    ids = [item.id for item in benchmark.classes]
    places = class_places(benchmark)
    confusion = ConfusionMatrix(len(ids) + 1)
    confusion.update(np.where(truth == IGNORED, IGNORED, places[np.maximum(truth, 0)]), places[labels])
    presence = PresenceTally()
    presence.update(
        key,
        asked=[str(id_) for id_ in ids],
        present=[str(id_) for id_ in np.unique(truth) if id_ > 0],
        found=[str(found.id) for found in result.queries if found.has_mask],
    )
    return {"confusion": confusion.to_dict(), "presence": presence.to_dict()}


def class_places(benchmark: SemanticBenchmark) -> Int32[np.ndarray, " ids"]:
    """Return the row of the confusion matrix of each class id: ids may have gaps, 0 is background."""
    places = np.zeros(max(item.id for item in benchmark.classes) + 1, dtype=np.int32)
    for row, item in enumerate(benchmark.classes, start=1):
        places[item.id] = row
    return places
