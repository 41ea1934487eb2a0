"""Tell objects that touch apart: a watershed of the distance to the outline, from its deepest points.

References
----------
P. Soille, "Morphological Image Analysis: Principles and Applications", 2nd ed., Springer 2003: h-maxima in chapter 6,
the watershed in chapter 9.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy.typing import NDArray
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from napari_car.schema import Checked, within

from .connected_parts import ConnectedParts, find_parts
from .growth import measure_distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting(Checked):
    """When a connected mask counts as several objects."""

    min_depth_px: float = within(1.0, 0.0)
    """The neck between two objects is narrower than the smaller of them by more than this; half widths, in px."""
    min_distance_px: float = within(5.0, 0.0)
    """Smallest distance between the middles of two objects, in px; of those that are nearer, the widest counts."""


def count_in_part(part: Bool[np.ndarray, "H W"], splitting: Splitting) -> int:
    """Return how many objects :func:`split_part` makes of a connected mask, without making them."""
    return len(_find_middles(_measure_depth(part), splitting)[1])


def split_part(part: Bool[np.ndarray, "H W"], splitting: Splitting) -> Int32[np.ndarray, "H W"]:
    """Split a connected mask into objects.

    Parameters
    ----------
    part : ndarray, (H, W), bool
        Connected by sides or corners of pixels, and not empty. What lies beyond counts as outside of it.
    splitting : Splitting

    Returns
    -------
    ndarray, (H, W), int32
        Objects from 1, which cover the mask; 0 outside.
    """
    depth = _measure_depth(part)
    peaks, middles = _find_middles(depth, splitting)
    if len(middles) == 1:
        return part.astype(np.int32)
    markers = np.zeros(len(peaks) + 1, dtype=np.int32)
    markers[middles] = np.arange(1, len(middles) + 1)
    objects = watershed(  # type: ignore[no-untyped-call]
        -depth, markers[peaks.numbers], connectivity=2, mask=part
    )
    return np.asarray(objects, dtype=np.int32)


def _measure_depth(part: Bool[np.ndarray, "H W"]) -> Float32[np.ndarray, "H W"]:
    """Return the distance of each pixel to the nearest outside, in px."""
    return measure_distance(np.pad(part, 1))[1:-1, 1:-1]


def _find_middles(depth: Float32[np.ndarray, "H W"], splitting: Splitting) -> tuple[ConnectedParts, NDArray[np.intp]]:
    """Return the h-maxima of depths, and the numbers of those that are the middles of objects, the deepest first."""
    # Two maxima have a neck between them, which is 1 px deep at least.
    if depth.max() <= splitting.min_depth_px + 1:
        return find_parts(depth == depth.max()), np.array([1])
    peaks = _find_peaks(depth)
    if len(peaks) > 1 and splitting.min_depth_px:
        lowered = depth - np.float32(splitting.min_depth_px)
        peaks = _find_peaks(np.asarray(reconstruction(lowered, depth)))  # type: ignore[no-untyped-call]
    deepest_first, places = _sort_peaks(depth, peaks)
    kept: list[int] = []
    for peak in deepest_first:
        if np.all(np.hypot(*(places[kept] - places[peak]).T) >= splitting.min_distance_px):
            kept.append(peak)
    return peaks, np.array(kept) + 1


def _find_peaks(heights: Float32[np.ndarray, "H W"]) -> ConnectedParts:
    """Return the places that are higher than all around them."""
    return find_parts(np.asarray(local_maxima(heights), dtype=bool))  # type: ignore[no-untyped-call]


def _sort_peaks(
    depth: Float32[np.ndarray, "H W"], peaks: ConnectedParts
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the order of peaks by depth, the deepest first, and their middles, (n_peaks, 2)."""
    rows, columns = np.nonzero(peaks.numbers)
    numbers = peaks.numbers[rows, columns] - 1
    areas = peaks.areas_px[1:]
    places = np.stack([np.bincount(numbers, weights=axis) / areas for axis in (rows, columns)], axis=1)
    depths = np.zeros(len(peaks))
    np.maximum.at(depths, numbers, depth[rows, columns])
    return np.argsort(-depths, kind="stable"), places
