"""Where a layer lies: its axes on the canvas, its data in the world, and a label layer exactly over it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import Dims
from napari.layers import Layer
from numpy.typing import ArrayLike, NDArray

SAME_PLACE_PX = 0.01
"""Layers whose corners differ by less than this lie exactly over each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """How data coordinates become world coordinates: ``matrix @ data + offset``.

    Parameters
    ----------
    matrix : array of float, shape (n, n)
    offset : array of float, shape (n,)
        In the units of the layer.
    units : tuple of pint.Unit
        Of the layer's axes.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    units: tuple[Any, ...]

    @classmethod
    def of(cls, layer: Layer) -> "Placement":
        """Return the placement of a layer's data, of multiscale data at full resolution."""
        offset = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), dtype=np.float64)
        images = [layer.data_to_world(unit) for unit in np.eye(layer.ndim)]
        return cls(np.array(images, dtype=np.float64).T - offset[:, np.newaxis], offset, tuple(layer.units))

    def at_level(self, factors: Sequence[float]) -> "Placement":
        """Return the placement of data whose pixels are larger by some factors, and cover the same area."""
        return Placement(
            self.matrix * np.asarray(factors), self.offset + self.matrix @ corner_shift(factors), self.units
        )

    def is_same_place(self, other: "Placement", shape: Sequence[int]) -> bool:
        """Tell whether another layer's data of the same shape lie exactly over this one's."""
        corners = np.array(list(itertools.product(*((-0.5, length - 0.5) for length in shape)))).T
        factors = [unit_factor(there, here) for there, here in zip(other.units, self.units, strict=True)]
        world = np.array(factors)[:, np.newaxis] * (other.matrix @ corners + other.offset[:, np.newaxis])
        back = np.linalg.solve(self.matrix, world - self.offset[:, np.newaxis])
        return bool(np.abs(back - corners).max() < SAME_PLACE_PX)

    def hidden_data(self, axes: Sequence[int], point: ArrayLike) -> NDArray[np.float64]:
        """Return where, in data coordinates, napari slices the layer.

        Parameters
        ----------
        axes : sequence of int
            The hidden axes.
        point : array-like
            World coordinates along them; those along the shown axes do not count, even if the layer is rotated out
            of the plane.
        """
        inverse = np.linalg.inv(self.matrix)
        rows = np.array(axes, dtype=np.intp)
        return np.asarray(inverse[np.ix_(rows, rows)] @ np.asarray(point) - (inverse @ self.offset)[rows])

    def hidden_lengths(self, axes: Sequence[int], lengths: ArrayLike) -> NDArray[np.float64]:
        """Return how long, in data coordinates, lengths along the hidden axes are."""
        return self.hidden_data(axes, lengths) - self.hidden_data(axes, np.zeros(len(axes)))

    def shown_data(self, axes: Sequence[int], points: ArrayLike) -> NDArray[np.float64]:
        """Return which data coordinates napari draws at some places of the canvas, (N, 2).

        Parameters
        ----------
        axes : sequence of int
            The two shown axes.
        points : array-like, shape (N, 2)
            World coordinates along them.
        """
        shown = np.array(axes, dtype=np.intp)
        relative = np.asarray(points, dtype=np.float64) - self.offset[shown]
        return np.asarray(np.linalg.solve(self.matrix[np.ix_(shown, shown)], relative.T).T, dtype=np.float64)


def corner_shift(factors: Sequence[float]) -> NDArray[np.float64]:
    """Return where, in px of the smaller pixels, the centre of the first larger pixel lies."""
    return np.asarray(factors, dtype=np.float64) / 2 - 0.5


def displayed_axes(dims: Dims, ndim: int) -> tuple[int, int]:
    """Return the axes of a layer that are rows and columns on the canvas; its axes are the last of the viewer's."""
    missing = dims.ndim - ndim
    row_axis, column_axis = [axis - missing for axis in dims.order if axis >= missing][-2:]
    return row_axis, column_axis


def world_factors(dims: Dims, units: Sequence[Any]) -> NDArray[np.float64]:
    """Return what the viewer's world coordinates are multiplied by to have the units of a layer's axes."""
    if dims.units is None or len(dims.units) < len(units):
        return np.ones(len(units))
    return np.array([unit_factor(*pair) for pair in zip(dims.units[-len(units) :], units, strict=True)])


def unit_factor(here: Any, there: Any) -> float:
    """Return how many of another unit one of this unit is; 1 if they do not measure the same, as napari has it."""
    return float((1.0 * here).to(there).magnitude) if here.is_compatible_with(there) else 1.0


def labels_transform(layer: Layer, factors: Sequence[float]) -> dict[str, Any]:
    """Return arguments of ``add_labels`` for labels exactly over a layer, with pixels larger by some factors."""
    affine = np.array(layer.affine.affine_matrix)
    shift = np.linalg.solve(affine[:-1, :-1], Placement.of(layer).matrix @ corner_shift(factors))
    return {
        "scale": np.asarray(layer.scale) * factors,
        "translate": np.asarray(layer.translate) + shift,
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": affine,
        "units": tuple(layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }
