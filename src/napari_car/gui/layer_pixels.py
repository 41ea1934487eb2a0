"""Pixels and display settings of an image layer, copied so that a worker thread may use them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils import Colormap
from numpy.typing import NDArray

from napari_car.annotation.channel_settings import LUT_PLACES
from napari_car.annotation.frames import Box, PlaneAxes
from napari_car.io import Channel
from napari_car.schema import plain

MAX_COLOURS = 16
"""Colour maps with no more colours are written down with a run; others would make the records long."""

_PROJECTIONS: dict[str, Callable[..., Any]] = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}


@dataclass(frozen=True, slots=True, eq=False)
class LayerPixels:
    """What is needed of an image layer to paint one of its planes.

    Parameters
    ----------
    name : str
    levels : tuple of array-like
        From fine to coarse; one, if the layer is not multiscale. Indexed before they become numpy arrays.
    is_rgb : bool
        Whether they have a colour axis, which is the last.
    settings : mapping
        Arguments of :class:`~napari_car.io.Channel` besides its values.
    colormap : Colormap or None
        None for RGB images.
    projection : str
        How thick slices become planes; "none" if slices are not thick.
    margins : tuple of (float, float)
        How far thick slices reach to the left and right along each hidden axis, in px of the finest level.
    """

    name: str
    levels: tuple[Any, ...]
    is_rgb: bool
    settings: Mapping[str, Any]
    colormap: Colormap | None
    projection: str
    margins: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, layer: Image, margins: Sequence[tuple[float, float]]) -> "LayerPixels":
        """Copy the settings of a layer, and hold on to its data."""
        is_thick = any(map(any, margins)) and str(layer.projection_mode) in _PROJECTIONS
        settings = {
            "contrast_limits": (float(layer.contrast_limits[0]), float(layer.contrast_limits[1])),
            "gamma": float(layer.gamma),
            "opacity": float(layer.opacity),
            "blending": str(layer.blending),
        }
        return cls(
            name=layer.name,
            levels=tuple(layer.data) if layer.multiscale else (layer.data,),
            is_rgb=bool(layer.rgb),
            settings=settings if layer.rgb else settings | _colours(layer.colormap),
            colormap=None if layer.rgb else layer.colormap,
            projection=str(layer.projection_mode) if is_thick else "none",
            margins=tuple(margins),
        )

    def shape(self, level: int) -> tuple[int, ...]:
        """Return the shape of a level, without colour axis."""
        shape = tuple(int(length) for length in self.levels[level].shape)
        return shape[:-1] if self.is_rgb else shape

    def channel(self, level: int, axes: PlaneAxes, plane: Sequence[int], box: Box) -> Channel:
        """Read a part of a plane.

        Parameters
        ----------
        level : int
        axes : PlaneAxes
            Of this level.
        plane : sequence of int
            Index along each hidden axis, at this level.
        box : Box
            In px of this level.
        """
        index = list(axes.index(plane))
        index[axes.row_axis], index[axes.column_axis] = box.slices
        if self.projection != "none":
            for axis, place, margins in zip(axes.hidden_axes, plane, self.margins, strict=True):
                index[axis] = _thick_slice(place, margins, self.shape(0)[axis] / axes.shape[axis])
        # Indexing comes first: lazy arrays then compute or read this part only.
        values: NDArray[Any] = np.asarray(self.levels[level][tuple(index)])
        if self.projection != "none":
            values = _PROJECTIONS[self.projection](values, axis=axes.hidden_axes)
        shown = values.swapaxes(0, 1) if axes.row_axis > axes.column_axis else values
        return Channel(values=shown, **self.settings)

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values, fit for JSON."""
        about = {"name": self.name, "dtype": str(self.levels[0].dtype), "rgb": self.is_rgb}
        about["colormap"] = "" if self.colormap is None else str(self.colormap.name)
        # The table of colours is in the record as the colour map that it was made from.
        settings = {name: value for name, value in self.settings.items() if name != "lut"}
        colours = {} if self.colormap is None else describe_colour_map(self.colormap)
        thick = {} if self.projection == "none" else {"projection": self.projection, "margins": self.margins}
        described: dict[str, Any] = plain(about | settings | colours | thick)
        return described


def describe_colour_map(colormap: Colormap) -> dict[str, Any]:
    """Return the colours of a colour map, if they are few, as plain values; no program needs napari to repeat them."""
    if len(colormap.colors) > MAX_COLOURS:
        return {}
    return {
        "colours": np.asarray(colormap.colors, dtype=np.float64).tolist(),
        "controls": np.asarray(colormap.controls, dtype=np.float64).tolist(),
        "interpolation": str(colormap.interpolation),
    }


def _colours(colormap: Colormap) -> dict[str, Any]:
    """Return the arguments of a channel that a colour map gives."""
    colours = {"nan": colormap.nan_color, "low": colormap.low_color, "high": colormap.high_color}
    return {"lut": colormap.map(LUT_PLACES).astype(np.float32)} | {
        f"{name}_colour": tuple(map(float, colour)) for name, colour in colours.items() if colour is not None
    }


def _thick_slice(place: int, margins: tuple[float, float], factor: float) -> slice:
    """Return what a thick slice takes of a hidden axis, by napari's rules of rounding."""
    left, right = (margin / factor for margin in margins)
    first, last = max(round(place - left), 0), max(round(place + right), 0)
    if np.isclose(last, place + right):
        last += 1
    return slice(first, max(last, first + 1))
