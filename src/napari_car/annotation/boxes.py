"""Where labels are on a plane."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from jaxtyping import Bool, Integer
from numpy.typing import NDArray
from scipy import ndimage

from napari_car.annotation.frames import Box

_BAND = 64  # rows that are compared at a time: they stay in the cache
_FEW = 8  # labels up to this number are looked for one by one, which is quicker


def find_boxes(labels: Integer[np.ndarray, "H W"], ids: Collection[int] | None = None) -> dict[int, Box]:
    """Return the smallest box around each label.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        0 is background.
    ids : collection of int, optional
        Labels in question; all that are there by default. Those that are not there, and 0, are left out.

    Returns
    -------
    dict of int to Box
        By label, ascending.
    """
    if ids is not None and len(ids) <= _FEW:
        found = {id_: find_box(labels, id_) for id_ in sorted(ids) if id_ > 0}
        return {id_: box for id_, box in found.items() if not box.is_empty}
    area = box_where(labels, lambda band: band > 0)
    if area.is_empty:
        return {}
    from skimage.segmentation import relabel_sequential  # takes a tenth of a second, which a window need not wait

    crop = np.maximum(labels[area.slices], 0)
    dense, _, label_of = relabel_sequential(crop)  # type: ignore[no-untyped-call]
    places = zip(np.asarray(label_of)[1:].tolist(), ndimage.find_objects(dense), strict=True)
    wanted = None if ids is None else set(ids)
    boxes = {}
    for id_, (rows, columns) in places:
        if wanted is None or id_ in wanted:
            box = Box(rows.start, columns.start, rows.stop, columns.stop)
            boxes[id_] = box.moved(area.top, area.left)
    return boxes


def find_box(labels: Integer[np.ndarray, "H W"], id_: int) -> Box:
    """Return the smallest box around a label; an empty one if it is not there."""
    return box_where(labels, lambda band: band == id_)


def box_of(mask: Bool[np.ndarray, "H W"]) -> Box:
    """Return the smallest box around the pixels of a mask; an empty one if it has none."""
    return box_where(mask, lambda band: band)


def with_margin(box: Box, margin_px: int, size_px: tuple[int, ...]) -> Box:
    """Return a box that is larger on each side, as far as the plane goes."""
    grown = Box(box.top - margin_px, box.left - margin_px, box.bottom + margin_px, box.right + margin_px)
    return grown.clipped(Box(0, 0, *size_px))


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around others; an empty one if there are none."""
    boxes = list(boxes)
    if not boxes:
        return Box(0, 0, 0, 0)
    return Box(
        min(box.top for box in boxes),
        min(box.left for box in boxes),
        max(box.bottom for box in boxes),
        max(box.right for box in boxes),
    )


def box_where(plane: NDArray[Any], test: Callable[[NDArray[Any]], NDArray[np.bool_]]) -> Box:
    """Return the smallest box around the pixels of a plane that pass a test, which gets some rows at a time."""
    rows, columns = np.zeros(plane.shape[0], dtype=bool), np.zeros(plane.shape[1], dtype=bool)
    for top in range(0, len(rows), _BAND):
        mask = test(plane[top : top + _BAND])
        rows[top : top + _BAND] = mask.any(axis=1)
        if rows[top : top + _BAND].any():
            columns |= mask.any(axis=0)
    if not rows.any():
        return Box(0, 0, 0, 0)
    return Box(
        int(rows.argmax()),
        int(columns.argmax()),
        len(rows) - int(rows[::-1].argmax()),
        len(columns) - int(columns[::-1].argmax()),
    )
