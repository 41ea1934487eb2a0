"""Masks to label maps."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int32

MERGE_THRESHOLD = 0.5
MIN_MERGED_SHARE = 0.05


def painting_order(scores: Sequence[float], is_stuff: Sequence[bool]) -> list[int]:
    """Return the order in which masks are painted: stuff before things (appendix E), the most certain last."""
    return sorted(range(len(scores)), key=lambda i: (not is_stuff[i], scores[i]))


def paint_labels(
    masks: Iterable[Bool[np.ndarray, "H W"]], ids: Iterable[int], size_px: tuple[int, int]
) -> Int32[np.ndarray, "H W"]:
    """Paint masks over each other.

    Parameters
    ----------
    masks : iterable of ndarray, (H, W), bool
        In painting order; taken one at a time.
    ids : iterable of int
        Label of each mask, at least 1.
    size_px : tuple of int
        (H, W).

    Returns
    -------
    ndarray, (H, W), int32
        0 is background.
    """
    labels = np.zeros(size_px, dtype=np.int32)
    for mask, id_ in zip(masks, ids, strict=True):
        labels[mask] = id_
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
