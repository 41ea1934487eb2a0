"""Images of benchmarks: their pixels as the ground truth has them, and their size without decoding them."""

import struct
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from napari_car.errors import DocumentError
from napari_car.io.decoded import ORIENTATION_TAG, upright
from napari_car.io.images import read_image
from napari_car.io.pillow import pillow_limit

_HEADER_SUFFIXES = (".jpg", ".jpeg", ".png")
"""Files whose size Pillow reads from their first bytes, the same that :func:`read_image` gives them."""
_UNREADABLE = (OSError, SyntaxError, ValueError, struct.error)
"""What Pillow raises where the first bytes of a file, or its EXIF data, are damaged."""
_BACK = {6: 8, 8: 6}
"""EXIF orientations that another one undoes; all others undo themselves."""


def read_pixels(path: Path, *, is_upright: bool) -> UInt8[np.ndarray, "H W 3"]:
    """Read an image.

    Published benchmarks are labelled on the pixels as they are stored: their readers do not know of the EXIF
    orientation that some photographs have.

    Parameters
    ----------
    path : Path
    is_upright : bool
        Whether it is turned as its EXIF orientation says.

    Returns
    -------
    ndarray, (H, W, 3), uint8

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    rgb = read_image(path).rgb
    if is_upright:
        return rgb
    orientation = _read_orientation(path)
    return upright(rgb, _BACK.get(orientation, orientation))


def check_size(image: Path, size_px: tuple[int, ...], source: Path, *, is_upright: bool) -> None:
    """Check that an image has the size of its ground truth, rows first.

    Raises
    ------
    DocumentError
        If it has another one.
    ImageError
        If the image cannot be read.
    """
    height, width = _read_size(image, is_upright=is_upright)
    if (height, width) != size_px:
        raise DocumentError(
            f"{image} has {width} x {height} px, but its ground truth in {source} has {size_px[1]} x {size_px[0]} px: "
            "one of them is of another image, or was resized."
        )


def _read_size(path: Path, *, is_upright: bool) -> tuple[int, int]:
    """Return rows and columns, from the first bytes of the file where that is possible."""
    if path.suffix.lower() in _HEADER_SUFFIXES:
        try:
            with pillow_limit(None), Image.open(path) as picture:
                width, height = picture.size
        except _UNREADABLE:
            pass  # read_image says why
        else:
            is_turned = is_upright and _read_orientation(path) in (5, 6, 7, 8)
            return (width, height) if is_turned else (height, width)
    rgb = read_pixels(path, is_upright=is_upright)
    return rgb.shape[0], rgb.shape[1]


def _read_orientation(path: Path) -> int:
    """Return the EXIF orientation as :func:`read_image` applies it: 1, upright, if there is none that can be read."""
    try:
        with pillow_limit(None), Image.open(path) as picture:
            return int(picture.getexif().get(ORIENTATION_TAG, 1))
    except _UNREADABLE:  # read_image ignores damaged EXIF data, too
        return 1
