"""Which part of a label is corrected, and what becomes of the labels."""

import numpy as np
from jaxtyping import Bool, Int64
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
        Where the label is, in a part of the plane that holds all of the label.
    pointing : Pointing
        In px of the plane.
    corner : tuple of int
        Row and column of the first pixel of that part in the plane.

    Returns
    -------
    ndarray, (H, W), bool
        Connected parts that were pointed at or lie near a place that was, and those of which most lies in the box;
        empty if a new object is meant.
    """
    parts = find_parts(mask)
    meant = np.zeros(len(parts) + 1, dtype=bool)
    boxes = np.array([(box.top, box.left, box.bottom - 1, box.right - 1) for box in parts.boxes]).reshape(-1, 4)
    for row, col in _places(pointing) - corner:
        meant[_nearest(parts, boxes, row, col)] = True
    if pointing.box is not None:
        top, left, bottom, right = np.rint(np.array(pointing.box) - [*corner, *corner]).astype(int)
        box = Box(top, left, bottom + 1, right + 1).clipped(Box(0, 0, *mask.shape))
        if not box.is_empty:
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
    keeps_others: bool = True,
) -> Bool[np.ndarray, "H W"]:
    """Return which pixels of a window a correction changes: to the label where it is predicted, else to background.

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
    keeps_others : bool
        Leave pixels of other labels alone.
    """
    is_own = labels == id_
    grows = predicted & ~is_own
    if keeps_others:
        grows &= labels == 0
    return np.asarray(grows | (target & is_own & ~predicted))


def find_spared(
    changes: Bool[np.ndarray, "H W"], human: Bool[np.ndarray, "H W"], marks: Int64[np.ndarray, "K 2"]
) -> Bool[np.ndarray, "H W"]:
    """Return which of a person's pixels stay as they are, though a correction would change them.

    Parameters
    ----------
    changes : ndarray, (H, W), bool
        Which pixels of a window would change; see :func:`relabel`.
    human : ndarray, (H, W), bool
        A person's.
    marks : ndarray, (K, 2), int64
        Row and column of the places that were pointed at: a mark on a person's pixel that would change releases it, and
        those of the person's that would change and are connected with it.
    """
    spared = human & changes
    if not len(marks) or not spared.any():
        return np.asarray(spared)
    is_marked = np.zeros(spared.shape, dtype=bool)
    is_marked[marks[:, 0], marks[:, 1]] = True
    parts = find_parts(spared)
    return np.asarray(spared & ~parts.holding(is_marked)[parts.numbers])


def _places(pointing: Pointing) -> NDArray[np.float64]:
    """Return points, and the points of strokes, (K, 2)."""
    return Pointing(points=pointing.points, scribbles=pointing.scribbles).places


def _nearest(parts: ConnectedParts, boxes: NDArray[np.int64], row: float, col: float) -> int:
    """Return the part at a place or, within reach, near it; 0 for none.

    Parameters
    ----------
    parts : ConnectedParts
    boxes : ndarray, (n_parts, 4), int64
        Their boxes: first and last row and column.
    row, col : float
    """
    height, width = parts.numbers.shape
    at_row, at_col = round(row), round(col)
    if 0 <= at_row < height and 0 <= at_col < width and parts.numbers[at_row, at_col]:
        return int(parts.numbers[at_row, at_col])
    top, left, bottom, right = boxes.T
    # A box is never further than its part, and quick to ask.
    at_least = np.hypot(
        np.maximum(np.maximum(top - row, row - bottom), 0), np.maximum(np.maximum(left - col, col - right), 0)
    )
    reach = _NEAR * (np.maximum(bottom - top, right - left) + 1)
    best, nearest = 0, np.inf
    for index in np.argsort(at_least, kind="stable"):
        if at_least[index] >= nearest:
            break
        if at_least[index] <= reach[index]:
            box = parts.boxes[index]
            rows, cols = np.nonzero(parts.numbers[box.slices] == index + 1)
            distance = float(np.hypot(rows + box.top - row, cols + box.left - col).min())
            if distance <= reach[index] and distance < nearest:
                best, nearest = int(index) + 1, distance
    return best
