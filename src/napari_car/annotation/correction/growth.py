"""Grow and shrink labels."""

import math
from collections.abc import Collection

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Integer

from napari_car.annotation.boxes import union
from napari_car.annotation.frames import Box
from napari_car.annotation.proposal import Change
from napari_car.errors import ConfigError

from .connected_parts import find_parts
from .plane_edit import PlaneEdit

MAX_DISTANCE_PX = 500
"""OpenCV's distances tell all pixels apart up to this; above 880 px, it rounds some to the next distance (5.0)."""

_TOLERANCE_PX = 2e-4  # errors are below 1e-4 px, and distances between pixels at least 1e-3 px apart


def grow(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None = None,
    *,
    distance_px: float,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Add the background around labels up to a distance.

    A pixel that several labels could get goes to the nearest, of those to the lowest. What is near but cut off by
    another label or by protected pixels is not added.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    ids : collection of int, optional
        Labels in question; all by default.
    distance_px : float
        Euclidean, between the centres of pixels.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Change or None
        None if nothing changes, as in an empty plane.

    Raises
    ------
    ConfigError
        If the distance is negative or above :data:`MAX_DISTANCE_PX`.
    """
    _check(distance_px)
    edit = PlaneEdit.around(labels, ids, protected, math.ceil(distance_px))
    part = union(edit.boxes.values())
    nearest = np.full(part.size_px, distance_px + _TOLERANCE_PX, dtype=np.float32)
    for id_, box in edit.boxes.items():
        before = labels[box.slices]
        distance = measure_distance(before != id_)
        known = nearest[box.relative_to(part).slices]
        is_reached = (before == 0) & (distance < known)
        known[is_reached] = distance[is_reached]
        edit.paint(box, is_reached, id_)
    for id_, box in edit.boxes.items():
        _remove_cut_off(edit, id_, box, labels[box.slices] == id_)
    return edit.change()


def shrink(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None = None,
    *,
    distance_px: float,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Turn the pixels of labels that are near their outlines into background.

    Parameters
    ----------
    labels, ids, protected
        As for :func:`grow`.
    distance_px : float
        Pixels that are up to this far from one that is not the label's are removed. Euclidean, between the centres of
        pixels; the plane's border is no outline.

    Returns
    -------
    Change or None
        None if nothing changes, as in an empty plane.

    Raises
    ------
    ConfigError
        If the distance is negative or above :data:`MAX_DISTANCE_PX`.
    """
    _check(distance_px)
    edit = PlaneEdit.around(labels, ids, protected, 1)
    for id_, box in edit.boxes.items():
        own = labels[box.slices] == id_
        edit.paint(box, own & (measure_distance(own) <= distance_px + _TOLERANCE_PX), 0)
    return edit.change()


def measure_distance(mask: Bool[np.ndarray, "H W"]) -> Float32[np.ndarray, "H W"]:
    """Return the Euclidean distance of each pixel to the nearest outside the mask, in px; infinite if there is none."""
    if mask.all():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    return np.asarray(cv2.distanceTransform(pixels, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32)


def _remove_cut_off(edit: PlaneEdit, id_: int, box: Box, before: Bool[np.ndarray, "h w"]) -> None:
    """Take back what a label got that is not connected with what it had."""
    parts = find_parts(edit.labels(box) == id_)
    is_cut_off = ~parts.holding(before)
    is_cut_off[0] = False
    edit.paint(box, is_cut_off[parts.numbers], 0)


def _check(distance_px: float) -> None:
    """Raise ConfigError if a distance cannot be used."""
    if not 0 <= distance_px <= MAX_DISTANCE_PX:
        raise ConfigError(f"Labels can grow or shrink by 0 to {MAX_DISTANCE_PX:,} px, not by {distance_px} px.")
