"""Paint the channels of an image over each other as napari's canvas shows them in two dimensions.

What napari 0.9 does, found out by comparing with its screenshots: values are brought to 0..1 by the contrast limits
and clipped, then raised to the power of gamma, then looked up in the colour map; of RGB images each colour is
brought to 0..1 and raised likewise. Opacity multiplies alpha. Channels are blended from bottom to top by OpenGL's
rules, and the lowest one is blended in a way of its own, so that it does not mix with the empty canvas.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from numpy.typing import NDArray

from napari_car.errors import ImageError

Blending = Literal["additive", "translucent", "translucent_no_depth", "minimum", "opaque", "multiplicative"]
"""How a channel is laid over those below it, by napari's names."""

RGBA = tuple[float, float, float, float]
"""Red, green, blue and alpha, each 0 to 1."""

TRANSPARENT: RGBA = (0.0, 0.0, 0.0, 0.0)

_TABLE_TYPES = (np.dtype(np.bool_), np.dtype(np.uint8), np.dtype(np.uint16))
"""Types with so few values that the colours of all of them are computed once and looked up."""

_BLOCK_PIXELS = 1 << 18
"""Pixels painted at a time: as floating point, a 100-megapixel image would take gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channel:
    """One layer of a picture: its values, and how they become colours."""

    values: NDArray[Any]
    """(H, W) or, RGB with or without alpha, (H, W, 3 or 4); bool, integer or floating point."""

    contrast_limits: tuple[float, float]
    """Values shown as the first and the last colour, or as none and all of red, green and blue; ascending."""

    gamma: float = 1.0
    """Exponent of the values between the contrast limits; above 0."""

    lut: Float32[np.ndarray, "n 4"] | None = None
    """Colour map: RGBA, 0 to 1, of n evenly spaced values from 0 to 1, the nearest is taken; None for RGB values."""

    opacity: float = 1.0
    """0 to 1."""

    blending: Blending = "translucent"
    """How it is laid over what is below."""

    nan_colour: RGBA = TRANSPARENT
    """Colour of NaN in grey values; in RGB values NaN is 0, also as alpha."""

    low_colour: RGBA | None = None
    """Colour of values at or below the lower contrast limit, if it is not the map's first."""

    high_colour: RGBA | None = None
    """Colour of values at or above the upper contrast limit, if it is not the map's last."""


def compose_channels(channels: Sequence[Channel]) -> tuple[UInt8[np.ndarray, "H W 3"], tuple[str, ...]]:
    """Paint channels over each other and over black, as napari's canvas does in two dimensions.

    Works on blocks of rows, so that a large plane needs no copy of itself in floating point.

    Parameters
    ----------
    channels : sequence of Channel
        From bottom to top; all of the same height and width.

    Returns
    -------
    rgb
        Shape (H, W, 3), C-contiguous; shares the memory of an RGB uint8 channel that alone is shown as it is.
    notes
        What cannot be seen in the picture, in words; empty if there is no such thing.

    Raises
    ------
    ImageError
        If there is no channel, one has no pixel or values that cannot be shown, or their sizes differ.
    """
    _check(channels)
    if len(channels) == 1 and _is_shown_unchanged(channels[0]):
        return np.ascontiguousarray(channels[0].values), ()
    height, width = channels[0].values.shape[:2]
    painters = [_painter(channel) for channel in channels]
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    n_nan = n_transparent = 0
    n_rows = max(1, _BLOCK_PIXELS // width)
    for first in range(0, height, n_rows):
        blocks = [channel.values[first : first + n_rows] for channel in channels]
        n_nan += sum(map(_count_nan, blocks))
        n_transparent += sum(map(_count_transparent, blocks))
        canvas = _lowest(painters[0](blocks[0]), channels[0].blending)
        for channel, paint, block in zip(channels[1:], painters[1:], blocks[1:], strict=True):
            canvas = _blended(canvas, paint(block), channel.blending)
        rgb[first : first + n_rows] = canvas[..., :3] * 255 + np.float32(0.5)
    return rgb, _notes(n_nan, n_transparent)


def _check(channels: Sequence[Channel]) -> None:
    """Refuse what no picture can be made of."""
    if not channels:
        raise ImageError("No image layer is visible: show one that is to be segmented.")
    size_px = channels[0].values.shape[:2]
    for channel in channels:
        shape, dtype = channel.values.shape, channel.values.dtype
        if dtype.kind not in "buif":
            raise ImageError(f"An image of type {dtype} cannot be shown: convert it to numbers that are real.")
        if len(shape) != 2 + (channel.lut is None) or (channel.lut is None and shape[2] not in (3, 4)):
            raise ImageError(f"Values of shape {shape} are neither a plane of grey values nor one of RGB colours.")
        if channel.values.size == 0:
            raise ImageError(f"The image of shape {shape} has no pixels.")
        if shape[:2] != size_px:
            raise ImageError(f"Channels of {size_px} and {shape[:2]} pixels cannot be laid over each other.")


def _is_shown_unchanged(channel: Channel) -> bool:
    """Tell whether the channel alone, over black, is what its values say."""
    return (
        channel.lut is None
        and channel.values.dtype == np.uint8
        and channel.values.shape[2] == 3
        and (*channel.contrast_limits, channel.gamma, channel.opacity) == (0, 255, 1, 1)
    )


def _painter(channel: Channel) -> Callable[[NDArray[Any]], Float32[np.ndarray, "h W 4"]]:
    """Return the function that turns a block of a channel's values into RGBA, opacity included."""
    if channel.lut is None:
        return lambda block: _rgb_colours(channel, block)
    dtype = channel.values.dtype.newbyteorder("=")
    if dtype in _TABLE_TYPES and channel.values.size >= (n_values := 256**dtype.itemsize):
        every_value = np.arange(n_values, dtype=np.uint8 if dtype == np.bool_ else dtype)
        table = _grey_colours(channel, every_value)
        return lambda block: np.take(table, block.astype(every_value.dtype, copy=False), axis=0)
    return lambda block: _grey_colours(channel, block)


def _grey_colours(channel: Channel, block: Shaped[np.ndarray, "*h"]) -> Float32[np.ndarray, "*h 4"]:
    """Look the values up in the colour map."""
    assert channel.lut is not None
    values = _normalised(channel, block)
    is_nan = np.isnan(values)
    index = np.rint(np.where(is_nan, 0, values) * (len(channel.lut) - 1)).astype(np.intp)
    colours: Float32[np.ndarray, "*h 4"] = channel.lut.astype(np.float32)[index]
    if channel.high_colour is not None:
        colours[values >= 1] = channel.high_colour
    if channel.low_colour is not None:
        colours[values <= 0] = channel.low_colour
    colours[is_nan] = channel.nan_colour
    colours[..., 3] *= channel.opacity
    return colours


def _rgb_colours(channel: Channel, block: Shaped[np.ndarray, "h W C"]) -> Float32[np.ndarray, "h W 4"]:
    """Take the values as colours; alpha is used as it is, whatever contrast limits and gamma are."""
    colours = np.empty((*block.shape[:2], 4), dtype=np.float32)
    colours[..., :3] = np.nan_to_num(_normalised(channel, block[..., :3]), nan=0)
    colours[..., 3] = channel.opacity
    if block.shape[2] == 4:
        colours[..., 3] *= _alpha(block)
    return colours


def _normalised(channel: Channel, block: NDArray[Any]) -> NDArray[np.float32 | np.float64]:
    """Bring values to 0..1 by contrast limits and gamma; NaN stays."""
    # Wide types hold values that differ by less than single precision can tell.
    is_narrow = block.dtype.itemsize <= 2 or block.dtype == np.float32
    low, high = channel.contrast_limits
    values: NDArray[Any] = np.clip(block.astype(np.float32 if is_narrow else np.float64), low, high)
    values = (values - low) / (high - low)
    if channel.gamma != 1:
        np.power(values, channel.gamma, out=values)
    return values


def _alpha(block: Shaped[np.ndarray, "h W 4"]) -> Float32[np.ndarray, "h W"]:
    """Return alpha from 0 to 1: textures of 8 and 16 bits are normalised, all other types are clipped."""
    dtype = np.dtype(np.uint8) if block.dtype == np.bool_ else block.dtype.newbyteorder("=")
    opaque = np.iinfo(dtype).max if dtype in _TABLE_TYPES else 1
    alpha: NDArray[np.float32] = np.nan_to_num(block[..., 3].astype(np.float32) / np.float32(opaque), nan=0)
    np.clip(alpha, 0, 1, out=alpha)
    return alpha


def _lowest(colours: Float32[np.ndarray, "h W 4"], blending: Blending) -> Float32[np.ndarray, "h W 4"]:
    """Lay the lowest channel over a black canvas, in place; "minimum" shows its colours whatever their alpha is."""
    if blending != "minimum":
        colours[..., :3] *= colours[..., 3:]
    colours[..., 3] = 1
    return colours


def _blended(
    canvas: Float32[np.ndarray, "h W 4"], colours: Float32[np.ndarray, "h W 4"], blending: Blending
) -> Float32[np.ndarray, "h W 4"]:
    """Lay colours over the canvas, in place, by the factors and equations that napari gives OpenGL for the mode."""
    if blending == "opaque":
        return colours
    if blending == "minimum":
        np.minimum(canvas, colours, out=canvas)
        return canvas
    below, alpha_below = canvas[..., :3], canvas[..., 3:]
    above, alpha = colours[..., :3], colours[..., 3:]
    if blending == "multiplicative":
        below *= above
    else:
        # Only below "opaque" and "minimum" has the canvas an alpha that is not 1.
        below *= alpha_below if blending == "additive" else 1 - alpha
        below += above * alpha
    alpha_below += alpha
    np.minimum(canvas, 1, out=canvas)
    return canvas


def _count_nan(block: NDArray[Any]) -> int:
    """Count the NaN values of a block."""
    return int(np.isnan(block).sum()) if block.dtype.kind == "f" else 0


def _count_transparent(block: NDArray[Any]) -> int:
    """Count the pixels of an RGBA block that are not opaque."""
    return int((_alpha(block) < 1).sum()) if block.ndim == 3 and block.shape[2] == 4 else 0


def _notes(n_nan: int, n_transparent: int) -> tuple[str, ...]:
    """Say what has no colour of its own."""
    notes = []
    if n_nan:
        notes.append(f"Values that are NaN ({n_nan}) are shown as the colour map says, black by default.")
    if n_transparent:
        notes.append(f"Transparent pixels ({n_transparent}) are laid over what is below them, or black.")
    return tuple(notes)
