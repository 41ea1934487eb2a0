"""Which slice of a layer the sliders of the viewer show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from napari.components import Dims
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_car.errors import ImageError

from .placement import Placement, world_factors


@dataclass(frozen=True, slots=True, eq=False)
class ShownSlice:
    """A slice through the hidden axes of a layer.

    Parameters
    ----------
    axes : tuple of int
        The hidden axes.
    indices : array of int
        Nearest index along each of them, at full resolution.
    margins : tuple of (float, float)
        How far the slice reaches to the left and right of the index along each of them, in px at full resolution;
        thick slices are projected.
    """

    axes: tuple[int, ...]
    indices: NDArray[np.int64]
    margins: tuple[tuple[float, float], ...]

    def plane(self, full_shape: NDArray[np.int64], shape: NDArray[np.int64]) -> tuple[int, ...]:
        """Return its indices in a level of multiscale data, given shapes of the finest level and of this one."""
        hidden = list(self.axes)
        return tuple(map(int, (2 * self.indices + 1) * shape[hidden] // (2 * full_shape[hidden])))


def shown_slice(dims: Dims, layer: Image | Labels, axes: Sequence[int]) -> ShownSlice:
    """Return the slice of a layer that is shown.

    Parameters
    ----------
    dims : Dims
        Of the viewer.
    layer : Image or Labels
    axes : sequence of int
        Its hidden axes.

    Raises
    ------
    ImageError
        If the slice is outside of the layer.
    """
    hidden, placement, factors = list(axes), Placement.of(layer), world_factors(dims, layer.units)
    point, left, right = (
        (np.asarray(values, dtype=np.float64)[dims.ndim - layer.ndim :] * factors)[hidden]
        for values in (dims.point, dims.margin_left, dims.margin_right)
    )
    place = placement.hidden_data(hidden, point)
    if str(layer.projection_mode) == "none":
        left, right = np.zeros_like(left), np.zeros_like(right)
    before, after = (placement.hidden_lengths(hidden, lengths) for lengths in (left, right))
    last = np.array(layer.level_shapes[0])[hidden] - 1
    # napari's own rule, rounding included.
    if (np.round(place + after) < 0).any() or (np.round(place - before) > last).any():
        raise ImageError(f"{layer.name} is not shown at this slice: move the sliders to where it is.")
    indices = np.clip(np.round(place), 0, last).astype(np.int64)
    if (before != 0).any() or (after != 0).any():
        before, after = indices - (place - before), place + after - indices
    return ShownSlice(tuple(hidden), indices, tuple(zip(before.tolist(), after.tolist(), strict=True)))
