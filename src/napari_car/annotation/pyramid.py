"""Images that are there at several sizes: which of them is read for a part of one, and where the part is in it."""

from collections.abc import Sequence

import numpy as np

from napari_car.io.stack import scale_plane

from .frames import Box, Frame, PlaneAxes


def coarsest_level(
    shapes: Sequence[tuple[int, ...]], axes: PlaneAxes, label_level: int, box: Box, max_side_px: int
) -> int:
    """Return the coarsest level at which a box is large enough, at finest the one that labels have.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Of the levels, from fine to coarse.
    axes : PlaneAxes
        Of the labels.
    label_level : int
        The level of their shape.
    box : Box
        In px of the labels.
    max_side_px : int
        The longer side of the box is at least this at the level, unless it is shorter in the labels.
    """
    shown = (axes.row_axis, axes.column_axis)
    for level in reversed(range(label_level + 1, len(shapes))):
        shape = shapes[level]
        sides = [side * shape[axis] / axes.shape[axis] for side, axis in zip(box.size_px, shown, strict=True)]
        if max(sides) >= max_side_px:
            return level
    return label_level


def frame_at_level(shape: tuple[int, ...], axes: PlaneAxes, frame: Frame) -> tuple[PlaneAxes, tuple[int, ...], Box]:
    """Return the axes of a level of a shape, and plane and box of a frame there; the box holds at least one pixel."""
    there = PlaneAxes(shape, axes.row_axis, axes.column_axis)
    hidden = axes.hidden_axes
    plane = scale_plane([axes.shape[axis] for axis in hidden], [shape[axis] for axis in hidden], frame.plane)
    ratios = np.array(there.size_px) / axes.size_px
    corners = np.array([(frame.box.top, frame.box.left), (frame.box.bottom, frame.box.right)])
    first, stop = np.rint(corners * ratios).astype(int)
    first = np.minimum(first, np.array(there.size_px) - 1)
    stop = np.maximum(stop, first + 1)
    return there, plane, Box(int(first[0]), int(first[1]), int(stop[0]), int(stop[1]))


def describe_level(name: str, level: int, box: Box) -> str:
    """Say that a part of an image was read at a coarser level."""
    height, width = box.size_px
    return f"{name} was read at level {level} of its pyramid, where the region has {width} x {height} px."
