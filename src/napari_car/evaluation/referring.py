"""Evaluate expressions for one target each."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from napari_car.config import CaRConfig
from napari_car.core.labels import merge_expressions
from napari_car.queries import Query
from napari_car.results import Progress, Step

from .benchmarks.referring import ReferringSample
from .evaluated import Evaluated, Stopwatch
from .metrics.referring import ReferringTally

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation
    from napari_car.segmenter import Segmenter


def evaluate_expressions(
    segmenter: "Segmenter", sample: ReferringSample, config: CaRConfig
) -> Generator[Progress | Step, None, Evaluated]:
    """Segment what the expressions of an item mean, and compare it with its target.

    All expressions are asked together, as in the authors' evaluation, and compete in the mask classifier; the masks of
    those that survive become one.

    Parameters
    ----------
    segmenter : Segmenter
    sample : ReferringSample
    config : CaRConfig
        With mode "referring".

    Yields
    ------
    Progress, Step
        As :meth:`napari_car.Segmenter.run` does.

    Raises
    ------
    ImageError, DocumentError
        If image or target cannot be read.
    MissingExtraError
        If pycocotools is not installed.
    """
    watch = Stopwatch(n_frames=1)
    with watch.whole():
        image, truth = sample.read_image(), sample.read_truth()
        result = yield from segmenter.run(image, [Query(text) for text in sample.expressions], config)
        watch.note(result)
        mask = merge_survivors(result)
    tally = ReferringTally()
    tally.update(sample.key, mask, truth)
    return watch.evaluated(sample.key, {"referring": tally.to_dict()}, str(segmenter.f.device), mask.astype(np.uint16))


def merge_survivors(result: "Segmentation") -> Bool[np.ndarray, "H W"]:
    """Return one mask of all queries that survived."""
    masks = np.stack([result.mask(index) for index in range(len(result.queries))])
    scores = np.array([item.score if item.has_mask else 0.0 for item in result.queries])
    return merge_expressions(masks, scores, result.size_px)
