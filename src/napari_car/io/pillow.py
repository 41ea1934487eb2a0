"""Decode one frame of PNG, JPEG and the other formats that Pillow reads."""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import imagecodecs
import numpy as np
from jaxtyping import Shaped
from PIL import Image, UnidentifiedImageError

from napari_car.errors import ImageError
from napari_car.io.decoded import ORIENTATION_TAG, Decoded, check_pixel_count

_BAND_PIXELS = 1 << 22
_CONVERTED_MODES = {
    "P": "palette expanded",
    "PA": "palette expanded",
    "CMYK": "CMYK converted",
    "YCbCr": "YCbCr converted",
    "HSV": "HSV converted",
}
_pillow_limit_lock = threading.Lock()


def decode_by_pillow(stream: BinaryIO, *, page: int | None, max_pixels: int) -> Decoded:
    """Decode one frame of what Pillow reads.

    Parameters
    ----------
    stream
        The open file.
    page
        Frame of an animation, from 0. None: the first.
    max_pixels
        Greatest number of rows times columns.

    Raises
    ------
    ImageError
        If the format or its colours are unknown, there is no such frame, or too many pixels.
    """
    with pillow_limit(None):
        image = _identify(stream)
    check_pixel_count(image.height, image.width, max_pixels)
    with pillow_limit(max_pixels):
        notes = _seek_frame(image, page)
        shape: tuple[int, ...] = (image.height, image.width)
        if (n_bands := len(image.getbands())) > 1:
            shape = (*shape, n_bands)
        mode = image.mode
        array, alpha, colour_notes = _grey_or_rgb(image, stream)
        orientation, exif_notes = _orientation(image)
    return Decoded(
        array=array,
        alpha=alpha,
        orientation=orientation,
        dtype=array.dtype.name,
        mode=mode,
        shape=shape,
        notes=notes + exif_notes + colour_notes,
    )


def _identify(stream: BinaryIO) -> Image.Image:
    """Open an image without decoding its pixels."""
    Image.init()
    # EPS is a program: Pillow would have Ghostscript run it.
    formats = [name for name in Image.OPEN if name != "EPS"]
    try:
        return Image.open(stream, formats=formats)
    except UnidentifiedImageError as error:
        raise ImageError("this is no image of a known format (PNG, JPEG, TIFF, BMP, GIF, WebP and others).") from error


def _seek_frame(image: Image.Image, page: int | None) -> tuple[str, ...]:
    """Go to a frame, the first if none is named; note that there are others."""
    n_frames: int = getattr(image, "n_frames", 1)
    if page is not None and not 0 <= page < n_frames:
        raise ImageError(f"the file has frames 0 to {n_frames - 1}, but no frame {page}.")
    image.seek(page or 0)
    if n_frames == 1:
        return ()
    return (f"first of {n_frames} frames" if page is None else f"frame {page} of 0 to {n_frames - 1}",)


def _orientation(image: Image.Image) -> tuple[int, tuple[str, ...]]:
    """Return the EXIF orientation, upright if there is none, and a note."""
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, struct.error):
        return 1, ("EXIF data ignored: they are damaged",)
    return orientation, ("EXIF rotation applied",) if orientation in range(2, 9) else ()


def _grey_or_rgb(
    image: Image.Image, stream: BinaryIO
) -> tuple[Shaped[np.ndarray, "H W *C"], bool | None, tuple[str, ...]]:
    """Return grey or RGB pixels, whether the last channel is alpha, and notes."""
    if image.format == "PNG" and _is_deep_colour_png(stream):
        # Pillow would drop the lower byte.
        position = stream.tell()
        stream.seek(0)
        array = imagecodecs.png_decode(stream.read())
        stream.seek(position)
        return array, array.shape[2] in (2, 4), ()
    note = _CONVERTED_MODES.get(image.mode)
    if image.has_transparency_data:
        target = "LA" if image.mode in ("LA", "La") else "RGBA"
        return _to_array(image, target), True, (note,) if note else ()
    if note:
        return _to_array(image, "RGB"), False, (note,)
    if image.mode in ("1", "L", "RGB", "F") or image.mode.startswith("I"):
        return _to_array(image, image.mode), False, ()
    raise ImageError(f"colours of mode {image.mode} cannot be shown: save the image as RGB.")


def _is_deep_colour_png(stream: BinaryIO) -> bool:
    """Tell whether a PNG stores 16 bits per channel and more than one channel."""
    position = stream.tell()
    stream.seek(24)  # behind the signature, and length, name, width and height of the first chunk
    bit_depth, colour_type = stream.read(2)
    stream.seek(position)
    return bit_depth == 16 and colour_type in (2, 4, 6)


def _to_array(image: Image.Image, mode: str) -> Shaped[np.ndarray, "H W *C"]:
    """Copy pixels band by band: at once, Pillow would hold several copies of a 100-megapixel image."""
    n_rows = max(1, _BAND_PIXELS // image.width)
    bands = (
        np.asarray(image.crop((0, top, image.width, min(top + n_rows, image.height))).convert(mode))
        for top in range(0, image.height, n_rows)
    )
    first = next(bands)
    array = np.empty((image.height, *first.shape[1:]), dtype=first.dtype)
    top = 0
    for band in (first, *bands):
        array[top : top + len(band)] = band
        top += len(band)
    return array


@contextmanager
def pillow_limit(max_pixels: int | None) -> Iterator[None]:
    """Replace Pillow's limit of 89 million pixels, which is one variable for the whole program."""
    with _pillow_limit_lock:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max_pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
