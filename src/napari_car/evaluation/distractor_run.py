"""Evaluate images by the classes that they show and by distractors."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.survey import label_by_list
from napari_car.config import CaRConfig
from napari_car.results import Progress, Step

from .benchmarks.semantic import SemanticBenchmark, SemanticSample
from .benchmarks.truth import IGNORED
from .distractors import Asked
from .evaluated import Evaluated, Stopwatch
from .metrics.confusion import ConfusionMatrix
from .metrics.presence import PresenceTally
from .semantic import class_places, with_words

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

SHOWS_NOTHING = "It shows none of the classes and is left out."


def evaluate_asked(
    segmenter: "Segmenter",
    benchmark: SemanticBenchmark,
    sample: SemanticSample,
    truth: Int32[np.ndarray, "H W"],
    asked: Asked,
    config: CaRConfig,
) -> Generator[Progress | Step, None, Evaluated]:
    """Segment an image by some classes and distractors, and count.

    Parameters
    ----------
    segmenter : Segmenter
        That remembers nothing of the image, or its times are too short.
    benchmark : SemanticBenchmark
        As :func:`~.distractors.with_elsewhere` returns it.
    sample : SemanticSample
    truth : ndarray, (H, W), int32
        Class ids, with :data:`~.benchmarks.truth.IGNORED`.
    asked : Asked
    config : CaRConfig

    Yields
    ------
    Progress, Step
        As :meth:`napari_car.Segmenter.run` does.

    Returns
    -------
    Evaluated
        With nothing counted if the image shows none of the classes.

    Raises
    ------
    ImageError
        If the image cannot be read.
    QueryError
        If a single query has nothing to be told apart from.
    ResourceError
        If the device runs out of memory.
    """
    watch = Stopwatch(n_frames=1)
    device = str(segmenter.f.device)
    confusion, presence = ConfusionMatrix(len(benchmark.classes) + 1), PresenceTally()
    if not asked.n_present:
        watch.notes[SHOWS_NOTHING] = None
        counts = {"confusion": confusion.to_dict(), "presence": presence.to_dict()}
        return watch.evaluated(sample.key, counts, device, np.zeros_like(truth))
    with watch.whole():
        image = sample.read_image()
        result = yield from segmenter.run(image, asked.queries, with_words(config, benchmark))
        watch.note(result)
        result = label_by_list(result, asked.queries, asked.ids)
        labels = result.label_map
    places = class_places(benchmark)
    confusion.update(np.where(truth == IGNORED, IGNORED, places[np.maximum(truth, 0)]), places[labels])
    keys = [query.key for query in asked.queries]
    presence.update(
        sample.key,
        asked=keys,
        present=keys[: asked.n_present],
        found=[found.query.key for found in result.queries if found.has_mask],
    )
    counts = {"confusion": confusion.to_dict(), "presence": presence.to_dict()}
    return watch.evaluated(sample.key, counts, device, labels)
