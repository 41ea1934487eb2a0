"""Arrays that are read when they are indexed: of a file, or some axes of another one."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class PixelArray(Protocol):
    """What is needed of an array of pixels, in memory or not."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""

    @property
    def dtype(self) -> Any:
        """Type of the values."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return the pixels at an index of whole numbers and slices, one for each axis."""


class ArrayView:
    """Some axes of an array, in an order of one's own; what is read is what is indexed.

    Parameters
    ----------
    source : PixelArray
    axes : sequence of int
        Axes of the source that the view has, in its order.
    fixed : mapping of int to int
        Index along each axis of the source that the view has not.
    """

    def __init__(self, source: PixelArray, axes: Sequence[int], fixed: Mapping[int, int]) -> None:
        self._source, self._axes, self._fixed = source, tuple(axes), dict(fixed)
        self.shape = tuple(int(source.shape[axis]) for axis in axes)
        self.dtype: np.dtype[Any] = np.dtype(source.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        given = (*index, *[slice(None)] * (self.ndim - len(index)))
        places: dict[int, int | slice] = {**self._fixed, **dict(zip(self._axes, given, strict=True))}
        values = np.asarray(self._source[tuple(places[axis] for axis in sorted(places))])
        left = [axis for axis in sorted(places) if isinstance(places[axis], slice)]
        return values.transpose([left.index(axis) for axis in self._axes if axis in left])


class JoinedArrays:
    """Arrays of one shape as one, along a new axis; what is read is what is indexed.

    Parameters
    ----------
    arrays : sequence of PixelArray
        At least one.
    axis : int
        Place of the new axis.
    """

    def __init__(self, arrays: Sequence[PixelArray], axis: int) -> None:
        self._arrays, self._axis = tuple(arrays), axis
        shape = tuple(arrays[0].shape)
        self.shape = (*shape[:axis], len(arrays), *shape[axis:])
        self.dtype: np.dtype[Any] = np.dtype(arrays[0].dtype)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        wanted, rest = index[self._axis], (*index[: self._axis], *index[self._axis + 1 :])
        if not isinstance(wanted, slice):
            return np.asarray(self._arrays[wanted][rest])
        axis = sum(isinstance(place, slice) for place in index[: self._axis])
        return np.stack([np.asarray(array[rest]) for array in self._arrays[wanted]], axis=axis)
