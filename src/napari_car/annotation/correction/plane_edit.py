"""Changing a part of a plane, and describing what changed so that it can be written, undone and put into a stack."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int32, Integer

from napari_car.annotation.boxes import box_of, find_boxes, union, with_margin
from napari_car.annotation.frames import Box, PlaneAxes
from napari_car.annotation.proposal import Change


class PlaneEdit:
    """A plane that is being corrected; only the part around the labels in question is copied.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane, which is not changed.
    boxes : mapping of int to Box
        Where the labels in question are; see :meth:`around`.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are, whatever is painted.
    """

    def __init__(
        self,
        labels: Integer[np.ndarray, "H W"],
        boxes: Mapping[int, Box],
        protected: Bool[np.ndarray, "H W"] | None = None,
    ) -> None:
        self.boxes = boxes
        """Part of the plane that matters to each label: its box, and a margin."""
        self._part = union(boxes.values())
        self._before = labels[self._part.slices]
        self._after = np.array(self._before, dtype=np.int32)
        self._protected = None if protected is None else protected[self._part.slices]

    @classmethod
    def around(
        cls,
        labels: Integer[np.ndarray, "H W"],
        ids: Collection[int] | None,
        protected: Bool[np.ndarray, "H W"] | None = None,
        margin_px: int = 0,
    ) -> "PlaneEdit":
        """Return an edit of some labels, or of all, and of what is not further from them than the margin."""
        boxes = find_boxes(labels, ids)
        return cls(labels, {id_: with_margin(box, margin_px, labels.shape) for id_, box in boxes.items()}, protected)

    def labels(self, box: Box) -> Int32[np.ndarray, "h w"]:
        """Return the labels as they are by now in a part of what was copied; not to be written to."""
        return self._after[box.relative_to(self._part).slices]

    def is_protected(self, box: Box) -> Bool[np.ndarray, "h w"]:
        """Return which pixels of a part of what was copied stay as they are."""
        if self._protected is None:
            return np.zeros(box.size_px, dtype=bool)
        return self._protected[box.relative_to(self._part).slices]

    def paint(self, box: Box, where: Bool[np.ndarray, "h w"], label: int | Int32[np.ndarray, "h w"]) -> None:
        """Set pixels of a part of what was copied to a label, or to one each, except those that are protected."""
        if self._protected is not None:
            where = where & ~self.is_protected(box)
        np.copyto(self._after[box.relative_to(self._part).slices], label, where=where, casting="same_kind")

    def change(self) -> Change | None:
        """Return what changed, in the smallest block; None for nothing."""
        where = self._after != self._before
        block = box_of(where)
        if block.is_empty:
            return None
        place = block.moved(self._part.top, self._part.left)
        return Change(place.slices, self._after[block.slices].copy(), where[block.slices])


def place_change(change: Change, axes: PlaneAxes, plane: Sequence[int]) -> Change:
    """Return a change of a plane as one of the label map that the plane is shown from.

    Parameters
    ----------
    change : Change
        Of a plane as it is shown, (H, W).
    axes : PlaneAxes
        Which axes of the label map are shown.
    plane : sequence of int
        Index along each axis that is not.
    """
    rows, columns = (part for part in change.index if isinstance(part, slice))
    index = axes.index(plane, Box(rows.start, columns.start, rows.stop, columns.stop))
    return Change(index, axes.plane_of(change.labels), axes.plane_of(change.where))


def apply_change(change: Change | None, labels: Integer[np.ndarray, "..."]) -> Int32[np.ndarray, "..."]:
    """Return a copy of labels with a change made; None makes none."""
    after = np.array(labels, dtype=np.int32)
    if change is not None:
        np.copyto(after[change.index], change.labels, where=change.where)
    return after


def invert_change(change: Change, labels: Integer[np.ndarray, "..."]) -> Change:
    """Return what takes a change back; `labels` are those before it."""
    return Change(change.index, labels[change.index].astype(np.int32), change.where)
