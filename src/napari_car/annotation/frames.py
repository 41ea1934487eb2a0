"""Frames: the two-dimensional pieces of an image, possibly of many axes, that are segmented one after another."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from napari_car.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, ends exclusive.

    Parameters
    ----------
    top, left, bottom, right : int
        In px of the image at full resolution; rows ``top`` to ``bottom - 1``, columns ``left`` to ``right - 1``.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.bottom <= self.top or self.right <= self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of its pixels in an image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def clipped(self, other: "Box") -> "Box":
        """Return the part inside another box; it may be empty."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def relative_to(self, other: "Box") -> "Box":
        """Return the same pixels counted from another box's corner."""
        return self.moved(-other.top, -other.left)

    def moved(self, rows: int, columns: int) -> "Box":
        """Return the box so many rows further down and columns to the right."""
        return Box(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of one plane.

    Parameters
    ----------
    plane : tuple of int
        Index along each axis that is not shown, in the order of these axes; empty for a plain image.
    box : Box
        Pixels that are segmented.
    kept : Box
        Pixels whose result is kept; less than ``box`` where tiles overlap.
    """

    plane: tuple[int, ...]
    box: Box
    kept: Box


@dataclass(frozen=True, slots=True)
class PlaneAxes:
    """Which axes of an array are shown as rows and columns.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array, without a colour axis.
    row_axis, column_axis : int
        Axes shown as rows and columns; in any order.
    """

    shape: tuple[int, ...]
    row_axis: int
    column_axis: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of a plane."""
        return self.shape[self.row_axis], self.shape[self.column_axis]

    @property
    def whole(self) -> Box:
        """All pixels of a plane."""
        return Box(0, 0, *self.size_px)

    @property
    def hidden_axes(self) -> tuple[int, ...]:
        """Axes that are not shown, ascending."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in (self.row_axis, self.column_axis))

    def index(self, plane: Sequence[int], box: Box | None = None) -> tuple[int | slice, ...]:
        """Return the index of a plane, or of a part of it, in the array, shown axes in the array's own order."""
        places = iter(plane)
        rows, columns = (slice(None), slice(None)) if box is None else box.slices
        shown = {self.row_axis: rows, self.column_axis: columns}
        return tuple(shown[axis] if axis in shown else next(places) for axis in range(len(self.shape)))

    def place(self, plane: Sequence[int]) -> tuple[int, ...]:
        """Return the index of the first pixel of a plane along each axis of the array."""
        places = iter(plane)
        return tuple(next(places) if axis in self.hidden_axes else 0 for axis in range(len(self.shape)))

    def plane(self, array: NDArray[Any], plane: Sequence[int], box: Box | None = None) -> NDArray[Any]:
        """Return a plane, or a part of it, as a view, (H, W): rows and columns as they are shown."""
        return self.plane_of(array[self.index(plane, box)])

    def plane_of(self, shown: NDArray[Any]) -> NDArray[Any]:
        """Return a plane whose axes are in the array's own order as it is shown, (H, W), or the other way round."""
        return shown.T if self.row_axis > self.column_axis else shown


def planes_along(axes: PlaneAxes, current: Sequence[int], ranges: dict[int, range]) -> list[tuple[int, ...]]:
    """Return the planes of a stack or time series that are to be segmented.

    Parameters
    ----------
    axes : PlaneAxes
    current : sequence of int
        The plane that is shown: an index along each hidden axis.
    ranges : dict of int to range
        Hidden axes along which more than the current plane is wanted.
    """
    choices: Iterable[Iterable[int]] = (
        ranges.get(axis, range(here, here + 1)) for axis, here in zip(axes.hidden_axes, current, strict=True)
    )
    return list(itertools.product(*choices))


def cut_frames(
    planes: Iterable[tuple[int, ...]], region: Box, tile_px: int = 0, overlap_px: int = 0
) -> tuple[Frame, ...]:
    """Cut a region of some planes into frames.

    Parameters
    ----------
    planes : iterable of tuple of int
    region : Box
        Not empty.
    tile_px : int
        Longest side of a tile; 0: the region is one frame.
    overlap_px : int
        By how much neighbouring tiles overlap at least, so that an object at an edge is seen whole in one of them;
        the seam is in the middle of the overlap.

    Raises
    ------
    ConfigError
        If the region is empty, or tiles overlap by half or more.
    """
    if region.is_empty:
        raise ConfigError("The region holds no pixel of the image: draw it over the image.")
    if tile_px and not 0 <= 2 * overlap_px < tile_px:
        raise ConfigError(f"Tiles of {tile_px} px cannot overlap by {overlap_px} px: less than half is possible.")
    rows = _cut(region.top, region.bottom, tile_px, overlap_px)
    columns = _cut(region.left, region.right, tile_px, overlap_px)
    return tuple(
        Frame(plane, Box(row[0], column[0], row[1], column[1]), Box(row[2], column[2], row[3], column[3]))
        for plane in planes
        for row in rows
        for column in columns
    )


def _cut(start: int, stop: int, tile: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Cut a range into tiles of equal length; return start, stop, and what is kept of each."""
    length = stop - start
    if not tile or length <= tile:
        return [(start, stop, start, stop)]
    n_tiles = -(-(length - overlap) // (tile - overlap))
    starts = [start + round(i * (length - tile) / (n_tiles - 1)) for i in range(n_tiles)]
    seams = [start, *((a + tile + b) // 2 for a, b in itertools.pairwise(starts)), stop]
    return [(a, a + tile, seams[i], seams[i + 1]) for i, a in enumerate(starts)]
