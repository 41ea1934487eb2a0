"""Cut labels along a drawn line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int32, Integer
from numpy.typing import NDArray
from skimage.segmentation import watershed

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.frames import Box
from napari_car.errors import ConfigError

from .connected_parts import find_parts
from .growth import measure_distance
from .instance_table import InstanceTable
from .plane_edit import PlaneEdit
from .relabelling import Relabelling

SmallerSides = Literal["instance", "same label", "background"]
"""What all sides of a cut but the largest become."""

LinePixels = Literal["nearest side", "background"]
"""What the pixels under the line become."""

_TOLERANCE_PX = 1e-9


def cut(
    labels: Integer[np.ndarray, "H W"],
    id_: int,
    path: Float[np.ndarray, "K 2"],
    instances: InstanceTable,
    *,
    width_px: float,
    smaller_sides: SmallerSides = "instance",
    line_pixels: LinePixels = "nearest side",
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Relabelling:
    """Cut the connected parts of a label that a line goes right through.

    Of each of them, the largest side keeps the label. A part through which the line does not go right stays as it is,
    the pixels under the line, too.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    id_ : int
        The label.
    path : ndarray, (K, 2), float
        Corners of the line, (row, col) in px; whole numbers are the centres of pixels. They may lie off the plane.
    instances : InstanceTable
    width_px : float
        Pixels whose centre is within half of it are under the line. A line is never thinner than √2 px, or sides would
        touch at corners.
    smaller_sides : {"instance", "same label", "background"}
        What the other sides become: each a new instance of the same query, parts of the same label with the line
        between them, or nothing.
    line_pixels : {"nearest side", "background"}
        What the pixels under the line become: those of the side that is nearest, or background.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are; where they lie under the line, sides of the same label may remain connected.

    Returns
    -------
    Relabelling
        Without a change if the line goes through no part, as on an empty plane, or has no point.

    Raises
    ------
    ConfigError
        If the width is negative or not finite, or sides of the same label would have no line between them.
    QueryError
        If there are no ids left.
    """
    if not 0 <= width_px < np.inf:
        raise ConfigError(f"A line of {width_px} px cannot cut.")
    if smaller_sides == "same label" and line_pixels == "nearest side":
        raise ConfigError("Sides of the same label need a line of background between them.")
    edit = PlaneEdit(labels, find_boxes(labels, [id_]), protected)
    cuts = [found for box in edit.boxes.values() for found in _find_cuts(labels, id_, box, path, width_px)]
    n_smaller = sum(found.n_sides - 1 for found in cuts)
    more, new_ids = instances, tuple[int, ...]()
    if smaller_sides == "instance" and cuts:
        more, new_ids = instances.beyond(labels).added([instances.query_of(id_)] * n_smaller)
    become = iter(new_ids or [id_ if smaller_sides == "same label" else 0] * n_smaller)
    for found in cuts:
        sides = found.spread() if line_pixels == "nearest side" else found.sides
        label_of = [id_ if side == found.largest else next(become) for side in range(1, found.n_sides + 1)]
        edit.paint(found.place, found.part, np.array([0, *label_of], dtype=np.int32)[sides])
    return Relabelling.of(edit.change(), instances, more, new_ids)


def draw_line(path: Float[np.ndarray, "K 2"], width_px: float, size_px: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """Return which pixels of a plane are under a line, see :func:`cut`; one of a single point is a dot."""
    radius = max(width_px, np.sqrt(2)) / 2 + _TOLERANCE_PX
    line = np.zeros(size_px, dtype=bool)
    whole = Box(0, 0, *size_px)
    for start, stop in zip(path, path[1:] if len(path) > 1 else path, strict=False):
        top, left = np.floor(np.minimum(start, stop) - radius).astype(int)
        bottom, right = np.ceil(np.maximum(start, stop) + radius).astype(int) + 1
        box = Box(int(top), int(left), int(bottom), int(right)).clipped(whole)
        if not box.is_empty:
            line[box.slices] |= _distance(start, stop, box) <= radius
    return line


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A connected part that a line goes right through."""

    place: Box
    """Its box on the plane."""
    part: Bool[np.ndarray, "h w"]
    sides: Int32[np.ndarray, "h w"]
    """Number of the side, 0 under the line and outside the part."""
    n_sides: int
    largest: int
    """Number of the largest side."""

    def spread(self) -> Int32[np.ndarray, "h w"]:
        """Return the sides with the pixels under the line, each given to the nearest side that it is connected with."""
        distance = measure_distance(self.sides == 0)
        spread = watershed(  # type: ignore[no-untyped-call]
            distance, self.sides, connectivity=2, mask=self.part
        )
        return np.asarray(spread, dtype=np.int32)


def _find_cuts(
    labels: Integer[np.ndarray, "H W"], id_: int, box: Box, path: Float[np.ndarray, "K 2"], width_px: float
) -> Iterator[_Cut]:
    """Yield the connected parts of a label, which is in a box, that a line goes right through."""
    line = draw_line(np.asarray(path, dtype=np.float64).reshape(-1, 2) - [box.top, box.left], width_px, box.size_px)
    parts = find_parts(labels[box.slices] == id_)
    for number in np.nonzero(parts.holding(line))[0]:
        place = parts.boxes[number - 1]
        part = parts.numbers[place.slices] == number
        sides = find_parts(part & ~line[place.slices])
        if len(sides) > 1:
            yield _Cut(place.moved(box.top, box.left), part, sides.numbers, len(sides), sides.largest)


def _distance(start: NDArray[np.float64], stop: NDArray[np.float64], box: Box) -> Float[np.ndarray, "h w"]:
    """Return the distance of each pixel of a box to the straight line between two places."""
    rows, columns = np.arange(box.top, box.bottom)[:, None], np.arange(box.left, box.right)
    row, column = stop - start
    length = float(row**2 + column**2)
    along = ((rows - start[0]) * row + (columns - start[1]) * column) / (length or 1.0)
    along = np.clip(along, 0.0, 1.0)
    return np.asarray(np.hypot(rows - start[0] - along * row, columns - start[1] - along * column))
