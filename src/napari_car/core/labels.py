"""Masks to label maps."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int32

MERGE_THRESHOLD = 0.5
MIN_MERGED_SHARE = 0.05


def assemble_labels(
    masks: Sequence[Bool[np.ndarray, "H W"]],
    scores: Sequence[float],
    ids: Sequence[int],
    is_stuff: Sequence[bool],
    size_px: tuple[int, int],
) -> Int32[np.ndarray, "H W"]:
    """Paint masks over each other, stuff before things, and the most certain last.

    Parameters
    ----------
    masks : sequence of ndarray, (H, W), bool
    scores : sequence of float
        Certainty of each mask; masks are painted in ascending order.
    ids : sequence of int
        Label of each mask, at least 1.
    is_stuff : sequence of bool
        Masks that things are painted over (paper, appendix E).
    size_px : tuple of int
        (H, W), for the case of no mask.

    Returns
    -------
    ndarray, (H, W), int32
        0 is background.
    """
    labels = np.zeros(size_px, dtype=np.int32)
    for index in sorted(range(len(masks)), key=lambda i: (not is_stuff[i], scores[i])):
        labels[masks[index]] = ids[index]
    return labels


def merge_expressions(
    masks: Bool[np.ndarray, "N H W"], scores: Float[np.ndarray, " N"], size_px: tuple[int, int]
) -> Bool[np.ndarray, "H2 W2"]:
    """Merge the masks of several expressions of one target (released evaluation of referring expressions).

    Parameters
    ----------
    masks : ndarray, (N, H, W), bool
    scores : ndarray, (N,)
        Weights; dropped expressions have 0.
    size_px : tuple of int
        Height and width of the result.

    Returns
    -------
    ndarray, bool
        Where the score-weighted mean reaches 0.5; the union of all masks where that covers at most 5 % of the image.
    """
    height, width = size_px
    resized = np.stack([cv2.resize(mask.astype(np.float32), (width, height)) for mask in masks])
    weights = scores.astype(np.float32)
    total = float(weights.sum())
    if total > 0:
        mean = np.asarray(np.tensordot(weights, resized, axes=1) / np.float32(total))
        if np.count_nonzero(mean >= MERGE_THRESHOLD) > MIN_MERGED_SHARE * mean.size:
            return np.asarray(mean >= MERGE_THRESHOLD)
    union: Bool[np.ndarray, "H2 W2"] = np.asarray((resized > MERGE_THRESHOLD).any(axis=0))
    return union
