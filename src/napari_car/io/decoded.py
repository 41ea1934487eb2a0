"""What a decoder hands on: the pixels as stored, and what must still be done to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8
from numpy.typing import NDArray

from napari_car.errors import ImageError

ORIENTATION_TAG = 274
"""Of EXIF and TIFF: how an image is turned."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """Grey or RGB pixels of any numeric type, perhaps with alpha, not yet rotated."""

    array: NDArray[Any]
    """Shape (H, W) or (H, W, C)."""

    alpha: bool | None
    """Whether the last channel is opacity; None leaves it to :func:`napari_car.io.pixels.to_rgb8`."""

    orientation: int
    """EXIF orientation, 1 (upright) to 8; other values count as upright."""

    dtype: str
    """Type of the stored values."""

    mode: str
    """The file format's name of the colour coding."""

    shape: tuple[int, ...]
    """Shape as stored."""

    notes: tuple[str, ...]
    """What decoding changed."""


def check_pixel_count(height: int, width: int, max_pixels: int) -> None:
    """Refuse an image that would fill the memory, before anything of it is decoded."""
    if height * width > max_pixels:
        raise ImageError(
            f"the image has {width} x {height} pixels, more than the {max_pixels / 1e6:g} million that are read: "
            "crop it or scale it down."
        )


def cmyk_to_rgb(cmyk: NDArray[Any]) -> UInt8[np.ndarray, "H W 3"]:
    """Convert cyan, magenta, yellow and black ink of 8 or 16 bits, without a colour profile."""
    if cmyk.dtype != np.uint8:
        cmyk = (cmyk >> (8 * (cmyk.dtype.itemsize - 1))).astype(np.uint8)
    rgb = np.empty((*cmyk.shape[:2], 3), dtype=np.uint8)
    paper = 255 - cmyk[..., 3].astype(np.uint16)
    for channel in range(3):
        rgb[..., channel] = ((255 - cmyk[..., channel]) * paper + 127) // 255
    return rgb


def upright(pixels: Shaped[np.ndarray, "H W *C"], orientation: int) -> Shaped[np.ndarray, "H2 W2 *C"]:
    """Turn and mirror an image as its EXIF orientation says; C-contiguous."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
