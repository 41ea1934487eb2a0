"""Correct several labels of a plane by one change."""

from collections.abc import Callable, Collection

import numpy as np
from jaxtyping import Bool, Integer

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.frames import Box
from napari_car.annotation.proposal import Change

from .connected_parts import find_parts
from .instance_table import InstanceTable
from .plane_edit import PlaneEdit
from .relabelling import Relabelling

Step = Callable[[Integer[np.ndarray, "h w"], int, Box, InstanceTable], Relabelling]
"""Takes the part of the plane around a label, the label, the box of the part, and the instances that there are by now;
changes no other label."""


def relabel_each(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None,
    instances: InstanceTable,
    step: Step,
    *,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Relabelling:
    """Relabel one label after another.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    ids : collection of int or None
        The labels; None: all that are there.
    instances : InstanceTable
        Gives no id that is on the plane; see :meth:`InstanceTable.beyond`.
    step : callable
        What is done to each.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.
    """
    boxes = find_boxes(labels, ids)
    edit, more, new_ids = PlaneEdit(labels, boxes, protected), instances, list[int]()
    for id_, box in boxes.items():
        done = step(labels[box.slices], id_, box, more)
        if done.change is not None:
            rows, columns = (part for part in done.change.index if isinstance(part, slice))
            place = Box(rows.start, columns.start, rows.stop, columns.stop).moved(box.top, box.left)
            edit.paint(place, done.change.where, done.change.labels)
            more = done.instances
            new_ids += done.new_ids
    return Relabelling.of(edit.change(), instances, more, new_ids)


def count_changed_parts(labels: Integer[np.ndarray, "H W"], change: Change) -> int:
    """Return in how many connected parts of labels, as they were before it, a change has changed a pixel."""
    where = np.zeros(labels.shape, dtype=bool)
    where[change.index] = change.where
    n_parts = 0
    for id_, box in find_boxes(labels, np.unique(labels[where]).tolist()).items():
        own = labels[box.slices] == id_
        n_parts += int(np.count_nonzero(find_parts(own).holding(own & where[box.slices])))
    return n_parts
