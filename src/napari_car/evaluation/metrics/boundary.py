"""How well the outline of a mask matches that of another: the boundary measure F of DAVIS."""

import functools
import math

import cv2
import numpy as np
from jaxtyping import UInt8

from .pixels import Mask, count_pixels

BOUNDARY_THRESHOLD = 0.008
"""How far apart matching boundaries may be, as a fraction of the image's diagonal."""


def count_boundary_matches(prediction: Mask, truth: Mask) -> tuple[int, int, int, int]:
    """Count the boundary pixels of two masks, and those that have one of the other mask within reach.

    The reach is 0.008 of the image's diagonal, rounded up to whole pixels, measured between the centres of pixels
    (Perazzi et al.: "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016, section
    5.1, which matches boundaries one to one; as here, its official program approximates this by dilation).

    Parameters
    ----------
    prediction, truth : ndarray, (H, W), bool

    Returns
    -------
    tuple of int
        Boundary pixels of the prediction, those of them that match, boundary pixels of the truth, those of them that
        match.
    """
    height, width = truth.shape
    disk = _disk(math.ceil(BOUNDARY_THRESHOLD * math.sqrt(height**2 + width**2)))
    predicted, true = trace_boundary(prediction), trace_boundary(truth)
    near_predicted, near_true = (_dilate(boundary, disk) for boundary in (predicted, true))
    return (
        count_pixels(predicted),
        count_pixels(predicted & near_true),
        count_pixels(true),
        count_pixels(true & near_predicted),
    )


def boundary_f(n_predicted: int, n_predicted_matched: int, n_true: int, n_true_matched: int) -> float:
    """Return the boundary measure F = 2 P R / (P + R) in [0, 1]; see :func:`count_boundary_matches`.

    P is the share of the prediction's boundary that matches, R that of the truth's. A mask without boundary is matched
    by another one without (F = 1), and by no other (F = 0).
    """
    if not n_predicted or not n_true:
        return float(n_predicted == n_true)
    precision, recall = n_predicted_matched / n_predicted, n_true_matched / n_true
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def trace_boundary(mask: Mask) -> Mask:
    """Return the pixels that differ from the one to the right, below, or below to the right.

    So a boundary is one pixel wide, half a pixel up and left of where the mask changes (``seg2bmap`` of David Martin,
    2003, which DAVIS uses). The image's edge is no boundary.
    """
    # What lies beyond the last row and column is what lies in them.
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = padded[:-1, :-1]
    boundary: Mask = (here != padded[:-1, 1:]) | (here != padded[1:, :-1]) | (here != padded[1:, 1:])
    return boundary


def _dilate(boundary: Mask, disk: UInt8[np.ndarray, "k k"]) -> Mask:
    """Return the pixels that have one of a boundary within reach."""
    dilated: np.ndarray = cv2.dilate(boundary.view(np.uint8), disk)
    return dilated.astype(np.bool_)


@functools.lru_cache(maxsize=16)
def _disk(radius_px: int) -> UInt8[np.ndarray, "k k"]:
    """Return the pixels that are at most a radius from the middle one."""
    squares = np.arange(-radius_px, radius_px + 1) ** 2
    return (squares[:, None] + squares <= radius_px**2).astype(np.uint8)
