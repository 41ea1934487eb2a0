"""Turn the pixels of any numeric array into RGB uint8, and say what was changed."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8
from numpy.typing import NDArray

from napari_car.errors import ImageError
from napari_car.io.colours import RGB

DEFAULT_PERCENTILES = (0.1, 99.9)
"""Percentiles of the pixel values shown as black and white, for images that are not 8-bit."""

WHITE: RGB = (255, 255, 255)

_BLOCK_VALUES = 1 << 20
"""Values converted at a time: the intermediate float64 copy of a 100-megapixel image would take gigabytes."""

_SAMPLE_PIXELS = 4_000_000
"""Pixels from which percentiles are taken: every k-th row and column of a larger image."""


def to_rgb8(
    array: NDArray[Any],
    *,
    channel_axis: int = -1,
    alpha: bool | None = None,
    display_range: tuple[float, float] | None = None,
    percentiles: tuple[float, float] = DEFAULT_PERCENTILES,
    backdrop: RGB = WHITE,
) -> tuple[UInt8[np.ndarray, "H W 3"], tuple[str, ...]]:
    """Convert an image of any numeric type to RGB uint8.

    Contrast is decided by type and values, for all channels together:

    * uint8 is never stretched; False and True become 0 and 255;
    * floats that all lie in [0, 1] are multiplied by 255;
    * all else is mapped linearly from the values at `percentiles` to 0..255, because a 12-bit camera uses a
      sixteenth of 16 bits, and a single hot pixel would leave the rest black under the plain maximum. In images
      of fewer than about 1,000 pixels the default percentiles are the minimum and the maximum. If both
      percentiles fall on one value, the minimum and maximum are used.

    Parameters
    ----------
    array
        Shape (H, W) or, with `channel_axis` last, (H, W, C) with C of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4
        (RGB, alpha); bool, integer or floating point.
    channel_axis
        Axis of the channels of a three-dimensional array.
    alpha
        Whether the last of 2 or 4 channels is opacity. None: it is with 4 channels, and with 2 of 8 bits.
    display_range
        Values shown as black and white; they replace the rules above, for uint8 too.
    percentiles
        Lower and upper percentile of the finite values, 0 <= lower < upper <= 100; (0, 100) maps the full range.
    backdrop
        Colour seen through transparent pixels.

    Returns
    -------
    rgb
        Shape (H, W, 3), C-contiguous; shares the memory of `array` if it is that already.
    notes
        What was changed on the user's behalf, in words; empty if nothing was.

    Raises
    ------
    ImageError
        If the array has another number of axes or channels, no pixel, no finite value, or another type; if
        `display_range` or `percentiles` do not ascend.
    """
    pixels = _rows_cols_channels(np.asarray(array), channel_axis)
    _check_ascending(display_range, percentiles)
    n_channels = pixels.shape[2]
    if alpha is None:
        alpha = n_channels == 4 or (n_channels == 2 and pixels.dtype == np.uint8)
    n_colours = n_channels - 1 if alpha and n_channels in (2, 4) else n_channels
    if n_colours not in (1, 3):
        raise ImageError(
            f"The image has {n_channels} channels, but only 1 (grey) or 3 (red, green, blue) can be shown, "
            "with or without alpha: choose one channel or three of them."
        )
    values, notes = _to_uint8(pixels[..., :n_colours], display_range, percentiles)
    rgb = np.repeat(values, 3, axis=2) if n_colours == 1 else np.ascontiguousarray(values)
    if n_colours < n_channels:
        rgb, alpha_notes = _composite(rgb, pixels[..., -1], backdrop)
        notes += alpha_notes
    return rgb, notes


def _rows_cols_channels(array: NDArray[Any], channel_axis: int) -> Shaped[np.ndarray, "H W C"]:
    """Return the array with channels last, one channel if it had none."""
    if array.dtype.kind not in "buif":
        raise ImageError(f"An image of type {array.dtype} cannot be shown: convert it to numbers that are real.")
    if array.ndim not in (2, 3):
        raise ImageError(
            f"The image has {array.ndim} axes (shape {array.shape}), but rows and columns, or rows, columns and "
            "channels are needed: choose one plane of a stack."
        )
    if array.size == 0:
        raise ImageError(f"The image of shape {array.shape} has no pixels.")
    if array.ndim == 2:
        return array[..., np.newaxis]
    if not -3 <= channel_axis < 3:
        raise ImageError(f"channel_axis must be from -3 to 2 for an image of 3 axes, but is {channel_axis}.")
    if array.shape[channel_axis] > 4:
        raise ImageError(
            f"The image of shape {array.shape} has {array.shape[channel_axis]} channels (axis {channel_axis}), but "
            "at most 4 can be shown: choose one plane of a stack, or name another axis with channel_axis."
        )
    return np.moveaxis(array, channel_axis, -1)


def _check_ascending(display_range: tuple[float, float] | None, percentiles: tuple[float, float]) -> None:
    """Refuse ranges that are not finite and ascending."""
    if display_range is not None and not (
        display_range[0] < display_range[1] and all(map(math.isfinite, display_range))
    ):
        raise ImageError(f"display_range must ascend from one finite number to another, but is {display_range}.")
    if not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise ImageError(f"percentiles must ascend within 0 to 100, but are {percentiles}.")


def _to_uint8(
    values: Shaped[np.ndarray, "H W C"],
    display_range: tuple[float, float] | None,
    percentiles: tuple[float, float],
) -> tuple[UInt8[np.ndarray, "H W C"], tuple[str, ...]]:
    """Map values to 0..255 by the rules of :func:`to_rgb8`."""
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), ()
    if values.dtype == np.uint8 and display_range is None:
        return values, ()
    low, high, n_nan, n_infinite = _finite_range(values)
    if display_range is not None:
        (low, high), origin = display_range, ""
    else:
        low, high, origin = _choose_range(values, (low, high), percentiles)
    if low == high:
        notes = [f"every pixel has the value {low:g} and is shown as black"]
        high = math.inf
    else:
        kind = "float" if values.dtype.kind == "f" else f"{8 * values.dtype.itemsize}-bit"
        notes = [f"{kind} range {low:.6g}..{high:.6g}{origin} mapped to 0..255"]
    if n_nan:
        notes.append(f"NaN shown as black ({n_nan} values)")
    if n_infinite:
        notes.append(f"infinity shown as black or white ({n_infinite} values)")
    return _map_range(values, low, high), tuple(notes)


def _finite_range(values: Shaped[np.ndarray, "H W C"]) -> tuple[float, float, int, int]:
    """Return the least and greatest finite value and the numbers of NaN and infinite values."""
    if values.dtype.kind != "f":
        return float(values.min()), float(values.max()), 0, 0
    low, high, n_nan, n_infinite = math.inf, -math.inf, 0, 0
    for rows in _row_blocks(values.shape):
        block = values[rows]
        finite = block[np.isfinite(block)]
        n_nan += int(np.isnan(block).sum())
        n_infinite += int(np.isinf(block).sum())
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise ImageError("The image has no finite pixel value.")
    return low, high, n_nan, n_infinite


def _choose_range(
    values: Shaped[np.ndarray, "H W C"], full_range: tuple[float, float], percentiles: tuple[float, float]
) -> tuple[float, float, str]:
    """Return the values shown as black and white, and where they come from in words."""
    if values.dtype.kind == "f" and full_range[0] >= 0 and full_range[1] <= 1:
        return 0.0, 1.0, ""
    step = math.ceil(math.sqrt(values.shape[0] * values.shape[1] / _SAMPLE_PIXELS))
    sample = values[::step, ::step]
    if sample.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
    if percentiles != (0, 100) and sample.size:
        # Values that occur, not means of neighbours; rounding outwards makes small images use their full range.
        low = float(np.percentile(sample, percentiles[0], method="lower"))
        high = float(np.percentile(sample, percentiles[1], method="higher"))
        if low < high and (low, high) != full_range:
            return low, high, f" (percentiles {percentiles[0]:g} and {percentiles[1]:g})"
    return *full_range, ""


def _map_range(values: Shaped[np.ndarray, "H W C"], low: float, high: float) -> UInt8[np.ndarray, "H W C"]:
    """Map `low`..`high` linearly to 0..255, beyond them clipped, NaN to 0."""
    mapped = np.empty(values.shape, dtype=np.uint8)
    # Infinities less a finite number, and differences of values near the largest float, end in the clip.
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _row_blocks(values.shape):
            scaled = (values[rows].astype(np.float64) - low) * (255 / (high - low))
            mapped[rows] = np.nan_to_num(np.clip(scaled + 0.5, 0, 255), copy=False, nan=0)
    return mapped


def _composite(
    rgb: UInt8[np.ndarray, "H W 3"], alpha: Shaped[np.ndarray, "H W"], backdrop: RGB
) -> tuple[UInt8[np.ndarray, "H W 3"], tuple[str, ...]]:
    """Lay the image over `backdrop`; an alpha channel of zeros alone hides everything and is ignored."""
    opaque = _opaque_value(alpha.dtype)
    n_transparent = int((alpha < opaque).sum())
    if n_transparent == 0:
        return rgb, ()
    if not (alpha > 0).any():
        return rgb, ("alpha ignored: it is zero everywhere",)
    laid = np.empty_like(rgb)
    below = np.array(backdrop, dtype=np.float64)
    for rows in _row_blocks(rgb.shape):
        opacity = np.clip(np.nan_to_num(alpha[rows].astype(np.float64) / opaque, nan=0), 0, 1)[..., np.newaxis]
        laid[rows] = rgb[rows] * opacity + below * (1 - opacity) + 0.5
    share = 100 * n_transparent / alpha.size
    return laid, (f"alpha composited over {backdrop} ({share:.3g} % of the pixels are not opaque)",)


def _opaque_value(dtype: np.dtype[Any]) -> float:
    """Return the alpha of an opaque pixel."""
    if dtype.kind in "ui":
        return float(np.iinfo(dtype).max)
    return 1.0


def _row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices of rows that hold about ``_BLOCK_VALUES`` values each."""
    n_rows = max(1, _BLOCK_VALUES // math.prod(shape[1:]))
    for first in range(0, shape[0], n_rows):
        yield slice(first, first + n_rows)
