"""Which part of a label is corrected, and what becomes of the labels."""

import numpy as np
from jaxtyping import Bool, Int32
from numpy.typing import NDArray

from napari_car.annotation.correction.connected_parts import ConnectedParts, find_parts
from napari_car.annotation.frames import Box

from .pointing import Pointing

_NEAR = 0.5  # a place belongs to a part that is nearer than this share of the part's longer side


def find_target(mask: Bool[np.ndarray, "H W"], pointing: Pointing, corner: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """Return the parts of a label that are meant: a label may be many objects, and the others stay as they are.

    Parameters
    ----------
    mask : ndarray, (H, W), bool
        Where the label is, in a window.
    pointing : Pointing
        In px of the plane.
    corner : tuple of int
        Row and column of the window's first pixel in the plane.

    Returns
    -------
    ndarray, (H, W), bool
        Connected parts that were pointed at or lie near a place that was, and those of which most lies in the box;
        empty if a new object is meant.
    """
    parts = find_parts(mask)
    meant = np.zeros(len(parts) + 1, dtype=bool)
    for row, col in _places(pointing) - corner:
        meant[_nearest(parts, row, col)] = True
    if pointing.box is not None:
        top, left, bottom, right = np.rint(np.array(pointing.box) - [*corner, *corner]).astype(int)
        box = Box(top, left, bottom + 1, right + 1).clipped(Box(0, 0, *mask.shape))
        inside = np.bincount(parts.numbers[box.slices].ravel(), minlength=len(meant))
        meant |= inside > parts.areas_px / 2
    meant[0] = False
    return np.asarray(meant[parts.numbers])


def relabel(
    labels: NDArray[np.signedinteger],
    id_: int,
    target: Bool[np.ndarray, "H W"],
    predicted: Bool[np.ndarray, "H W"],
    *,
    human: Bool[np.ndarray, "H W"],
    keeps_others: bool,
    protect: bool,
) -> tuple[Int32[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Return what a correction makes of the labels of a window.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        As they are.
    id_ : int
        The label that is corrected.
    target : ndarray, (H, W), bool
        Its parts that are meant; see :func:`find_target`.
    predicted : ndarray, (H, W), bool
        What they become.
    human : ndarray, (H, W), bool
        A person's pixels.
    keeps_others : bool
        Leave pixels of other labels alone.
    protect : bool
        Leave a person's pixels alone.

    Returns
    -------
    labels : ndarray, (H, W), int32
        New labels: ``id_`` or 0.
    where : ndarray, (H, W), bool
        Which pixels get them.
    """
    is_own = labels == id_
    grows = predicted & ~is_own
    if keeps_others:
        grows &= labels == 0
    where = grows | (target & is_own & ~predicted)
    if protect:
        where &= ~human
    return np.where(predicted, np.int32(id_), np.int32(0)), where


def _places(pointing: Pointing) -> NDArray[np.float64]:
    """Return points, and the points of strokes, (K, 2)."""
    return Pointing(points=pointing.points, scribbles=pointing.scribbles).places


def _nearest(parts: ConnectedParts, row: float, col: float) -> int:
    """Return the part at a place or, within reach, near it; 0 for none."""
    height, width = parts.numbers.shape
    at = int(parts.numbers[int(np.clip(round(row), 0, height - 1)), int(np.clip(round(col), 0, width - 1))])
    if at:
        return at
    best, nearest = 0, np.inf
    for part, box in enumerate(parts.boxes, start=1):
        reach = _NEAR * max(box.size_px)
        # The box is never further than the part, and quick to ask.
        beside = max(box.left - col, col - (box.right - 1), 0.0)
        above = max(box.top - row, row - (box.bottom - 1), 0.0)
        if np.hypot(beside, above) > min(reach, nearest):
            continue
        rows, cols = np.nonzero(parts.numbers[box.slices] == part)
        distance = float(np.hypot(rows + box.top - row, cols + box.left - col).min())
        if distance <= reach and distance < nearest:
            best, nearest = part, distance
    return best
