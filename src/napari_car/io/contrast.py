"""Which values of a stack are shown as black and white: the same ones in all its planes."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_car.io.array_view import PixelArray
from napari_car.io.pixels import DEFAULT_PERCENTILES

_N_PLANES = 5
"""Planes of a stack that are looked at."""

_SIDE_PX = 256
"""Of a pyramid, the coarsest level is looked at whose planes have sides of at least this."""

_WINDOW_PX = 2048
"""Side of the middle of a larger plane that is looked at."""

_MAX_VALUES = 1_000_000
"""Values taken from a plane."""


def choose_limits(
    levels: Sequence[PixelArray], n_hidden: int, percentiles: tuple[float, float] = DEFAULT_PERCENTILES
) -> tuple[float, float]:
    """Return the values shown as black and white, from some planes of a stack.

    The rules are those of :func:`napari_car.io.to_rgb8`: 8 bits and floats in [0, 1] are never stretched.

    Parameters
    ----------
    levels : sequence of PixelArray
        From fine to coarse; rows and columns after the axes of the stack, then perhaps colours.
    n_hidden : int
        Number of axes of the stack.
    percentiles : tuple of float
        Of the finite values that were looked at.

    Returns
    -------
    tuple of float
        Ascending.
    """
    dtype = np.dtype(levels[0].dtype)
    if dtype == np.bool_:
        return 0.0, 1.0
    if dtype == np.uint8:
        return 0.0, 255.0
    values = np.concatenate(list(_sample(_level_for(levels, n_hidden), n_hidden)))
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if dtype.kind == "f" and low >= 0 and high <= 1:
        return 0.0, 1.0
    inner = (
        float(np.percentile(values, percentiles[0], method="lower")),
        float(np.percentile(values, percentiles[1], method="higher")),
    )
    if inner[0] < inner[1]:
        return inner
    # One value everywhere is shown as black.
    return (low, high) if low < high else (low, max(low + 1, float(np.nextafter(low, math.inf))))


def spread(length: int, n: int) -> list[int]:
    """Return up to `n` different indices that are spread evenly over an axis."""
    return sorted({(2 * place + 1) * length // (2 * n) for place in range(n)})


def _level_for(levels: Sequence[PixelArray], n_hidden: int) -> PixelArray:
    """Return the coarsest level that still shows what the image is like."""
    large = [level for level in levels if min(level.shape[n_hidden : n_hidden + 2]) >= _SIDE_PX]
    return large[-1] if large else levels[0]


def _sample(level: PixelArray, n_hidden: int) -> Iterator[NDArray[Any]]:
    """Yield values of some planes."""
    n_planes = math.prod(level.shape[:n_hidden])
    window = [_middle(length) for length in level.shape[n_hidden : n_hidden + 2]]
    for number in spread(n_planes, _N_PLANES):
        plane = tuple(map(int, np.unravel_index(number, level.shape[:n_hidden]))) if n_hidden else ()
        values: NDArray[Any] = np.asarray(level[(*plane, *window)])
        step = math.ceil(math.sqrt(values.size / _MAX_VALUES))
        yield values[::step, ::step].ravel()


def _middle(length: int) -> slice:
    """Return the middle of an axis, all of it if it is short."""
    first = max(0, (length - _WINDOW_PX) // 2)
    return slice(first, min(length, first + _WINDOW_PX))
