"""Images of several planes or channels: read plane by plane, and painted as the window shows them at first."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from napari_car.errors import ImageError, ResourceError
from napari_car.io.array_view import ArrayView
from napari_car.io.colours import RGB
from napari_car.io.composite import TRANSPARENT, Blending, Channel, compose_channels

MAX_PLANE_PX = 2**28
"""Most pixels of a plane of a pyramid that are read, and labelled: labels of so many are 1 GiB."""

GREY: RGB = (255, 255, 255)

COLOUR_NAMES: dict[RGB, str] = {
    GREY: "gray",
    (255, 0, 0): "red",
    (0, 255, 0): "green",
    (0, 0, 255): "blue",
    (0, 255, 255): "cyan",
    (255, 0, 255): "magenta",
    (255, 255, 0): "yellow",
}
"""napari's names of the colour maps that go from black to one colour."""

_MAGENTA_GREEN: tuple[RGB, ...] = ((255, 0, 255), (0, 255, 0))
_RED_GREEN_BLUE: tuple[RGB, ...] = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_MANY: tuple[RGB, ...] = ((0, 255, 255), (255, 255, 0), (255, 0, 255), *_RED_GREEN_BLUE)
_LUT_LENGTH = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StackChannel:
    """A channel, and how it is shown."""

    name: str
    """Empty if it is the only one."""

    levels: tuple[ArrayView, ...]
    """Pixels from fine to coarse: axes of the stack, rows, columns, and colours if the image has some."""

    contrast_limits: tuple[float, float]
    """Values shown as black and as the full colour; ascending."""

    colour: RGB = GREY
    """Of the highest value; the lowest is black."""

    is_visible: bool = True

    @property
    def colour_name(self) -> str:
        """Name of the colour map, or the colour as ``#rrggbb``."""
        return COLOUR_NAMES.get(self.colour, "#" + bytes(self.colour).hex())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageStack:
    """An image of any number of planes and channels, on disk. Axes of one pixel are left out, channels are no axis."""

    path: Path
    """File, or folder of an OME-Zarr image."""

    channels: tuple[StackChannel, ...]
    """From bottom to top, at least one; one of them is visible."""

    is_rgb: bool
    """Whether the pixels of the only channel are colours."""

    axis_names: tuple[str, ...]
    """All different; the last two are rows and columns."""

    scale: tuple[float, ...] = ()
    """Size of a pixel of the finest level along each axis; empty: not known."""

    translate: tuple[float, ...] = ()
    """Place of its first pixel; empty: not known."""

    units: tuple[str, ...] = ()
    """Unit of each axis, spelled out; ``pixel`` where it has none; empty: not known."""

    notes: tuple[str, ...] = ()
    """What was chosen on the user's behalf, in words."""

    @property
    def n_levels(self) -> int:
        """Levels of its pyramid; 1 if it has none."""
        return len(self.channels[0].levels)

    def shape(self, level: int = 0) -> tuple[int, ...]:
        """Return the number of pixels along each axis, channels and colours left out."""
        shape = self.channels[0].levels[level].shape
        return shape[:-1] if self.is_rgb else shape

    @property
    def planes_shape(self) -> tuple[int, ...]:
        """Number of planes along each axis that is not shown; empty for a single plane."""
        return self.shape()[:-2]

    @property
    def is_plane(self) -> bool:
        """Whether it has one plane only."""
        return not self.planes_shape

    @property
    def shown(self) -> tuple[StackChannel, ...]:
        """Channels that are visible."""
        return tuple(channel for channel in self.channels if channel.is_visible)

    @property
    def blending(self) -> Blending:
        """How its channels are laid over each other."""
        return "additive" if len(self.channels) > 1 else "translucent"

    def layer_name(self, channel: StackChannel) -> str:
        """Return the name of a channel's layer."""
        return f"{self.path.stem}: {channel.name}" if len(self.channels) > 1 else self.path.stem

    def label_level(self, max_px: int = MAX_PLANE_PX) -> int:
        """Return the level whose size labels have; see :func:`finest_level`."""
        return finest_level([self.shape(level) for level in range(self.n_levels)], max_px)

    def with_limits(self, limits: tuple[float, float]) -> "ImageStack":
        """Return it with other values shown as black and white, in all channels."""
        channels = tuple(replace(channel, contrast_limits=limits) for channel in self.channels)
        return replace(self, channels=channels)

    def read_plane(
        self, plane: Sequence[int], level: int = 0, box: tuple[slice, slice] = (slice(None), slice(None))
    ) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[str, ...]]:
        """Paint a part of a plane; no other plane is read.

        Parameters
        ----------
        plane : sequence of int
            Index along each axis of the stack, at this level.
        level : int
        box : tuple of slice
            Rows and columns, in px of this level.

        Returns
        -------
        rgb
        notes
            What cannot be seen in the picture, in words.

        Raises
        ------
        ImageError
            If the pixels cannot be read or shown.
        ResourceError
            If there is no memory for them.
        """
        height, width = (len(range(*part.indices(n))) for part, n in zip(box, self.shape(level)[-2:], strict=True))
        if height * width > 2 * MAX_PLANE_PX:
            raise ImageError(
                f"{self.path} has planes of {width} x {height} px, and no level of fewer that could be read."
            )
        try:
            return compose_channels([self._channel(channel, (*plane, *box), level) for channel in self.shown])
        except MemoryError as error:
            raise ResourceError(f"There is not enough memory for {width} x {height} px of {self.path}.") from error
        except ImageError as error:
            raise ImageError(f"{self.path}: {error}") from error
        # Damaged files make the libraries raise almost anything.
        except Exception as error:
            raise ImageError(f"The pixels of {self.path} cannot be read: {error or type(error).__name__}.") from error

    def describe_channels(self) -> list[dict[str, Any]]:
        """Return what is seen of it, and how, as plain values fit for JSON, in the words of napari's layers."""
        return [
            {
                "name": self.layer_name(channel),
                "dtype": str(channel.levels[0].dtype),
                "rgb": self.is_rgb,
                "colormap": "" if self.is_rgb else channel.colour_name,
                "contrast_limits": list(channel.contrast_limits),
                "gamma": 1.0,
                "opacity": 1.0,
                "blending": self.blending,
                **({} if self.is_rgb else _describe_colours(channel.colour)),
            }
            for channel in self.shown
        ]

    def _channel(self, channel: StackChannel, index: tuple[int | slice, ...], level: int) -> Channel:
        """Read a part of a plane of a channel."""
        return Channel(
            values=channel.levels[level][index],
            contrast_limits=channel.contrast_limits,
            lut=None if self.is_rgb else _ramp(channel.colour),
            blending=self.blending,
        )


def default_colours(n_channels: int) -> tuple[RGB, ...]:
    """Return colours of channels whose file names none: those of napari, but three channels are red, green and blue."""
    few = {1: (GREY,), 2: _MAGENTA_GREEN, 3: _RED_GREEN_BLUE}
    return few.get(n_channels) or tuple(itertools.islice(itertools.cycle(_MANY), n_channels))


def finest_level(shapes: Sequence[Sequence[int]], max_px: int) -> int:
    """Return the finest level whose planes, the last two axes, are small enough, or the coarsest."""
    sizes = [math.prod(shape[-2:]) for shape in shapes]
    return next((level for level, size in enumerate(sizes) if size <= max_px), len(sizes) - 1)


def scale_plane(full: Sequence[int], shape: Sequence[int], plane: Sequence[int]) -> tuple[int, ...]:
    """Return where a plane of an image of one shape is in a level of another: whose pixels hold its middle."""
    return tuple((2 * int(at) + 1) * n // (2 * whole) for at, whole, n in zip(plane, full, shape, strict=False))


def _describe_colours(colour: RGB) -> dict[str, Any]:
    """Return a colour map from black to a colour as plain values, in single precision as napari has it."""
    highest = [float(np.float32(part / 255)) for part in colour]
    return {
        "nan_colour": list(TRANSPARENT),
        "colours": [[0.0, 0.0, 0.0, 1.0], [*highest, 1.0]],
        "controls": [0.0, 1.0],
        "interpolation": "linear",
    }


def _ramp(colour: RGB) -> Float32[np.ndarray, "n 4"]:
    """Return a colour map from black to a colour."""
    lut = np.ones((_LUT_LENGTH, 4), dtype=np.float32)
    lut[:, :3] = np.linspace(0, 1, _LUT_LENGTH)[:, None] * np.array(colour) / 255
    return lut
