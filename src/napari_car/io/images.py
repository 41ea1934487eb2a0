"""Read an image file, or the folder of an OME-Zarr image, into RGB uint8."""

import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8

from napari_car.errors import ImageError
from napari_car.io.colours import RGB
from napari_car.io.decoded import Decoded, check_pixel_count, upright
from napari_car.io.find import is_zarr
from napari_car.io.ome_zarr import open_ome_zarr
from napari_car.io.pillow import decode_by_pillow
from napari_car.io.pixels import DEFAULT_PERCENTILES, WHITE, to_rgb8
from napari_car.io.stack import MAX_PLANE_PX, ImageStack, scale_plane
from napari_car.io.tiff import SIGNATURES, decode_tiff

MAX_PIXELS = 500_000_000
"""Default limit of rows times columns: 1.5 GB as RGB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedImage:
    """An image as the segmenter takes it, and what it was in its file."""

    rgb: UInt8[np.ndarray, "H W 3"]
    """Upright, C-contiguous."""

    path: Path
    """The file, or the folder of an OME-Zarr image."""

    original_dtype: str
    """Type of the stored values, such as ``uint16``."""

    original_mode: str
    """Colour coding: Pillow's mode (``L``, ``RGBA``, ...), TIFF's photometric interpretation, or ``2 CHANNELS``."""

    original_shape: tuple[int, ...]
    """Shape as stored, before rotation and conversion."""

    notes: tuple[str, ...]
    """What was changed on the user's behalf, in words."""


def read_image(
    path: str | os.PathLike[str],
    *,
    page: int | None = None,
    display_range: tuple[float, float] | None = None,
    percentiles: tuple[float, float] = DEFAULT_PERCENTILES,
    backdrop: RGB = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> LoadedImage:
    """Read an image file of any format that Pillow or tifffile decodes.

    EXIF orientation is applied. Of an animation the first frame is taken, of a TIFF with several separate images the
    first; a stack is refused unless `page` is given, since a plane chosen silently would be a wrong result. Of a very
    large OME-Zarr image, a coarser level of its pyramid is read. Embedded colour profiles are not applied: CLIP was
    trained on images read without them.

    Parameters
    ----------
    path
        The file, or the folder of an OME-Zarr image.
    page
        Page of a TIFF file, frame of an animation or plane of an OME-Zarr image, from 0.
    display_range, percentiles, backdrop
        Contrast, and the colour seen through transparent pixels; see :func:`napari_car.io.to_rgb8`. What an OME-Zarr
        image itself says of its contrast goes before `percentiles`.
    max_pixels
        Greatest number of rows times columns.

    Raises
    ------
    ImageError
        If there is no such file, it may not be read, is no image, is damaged or too large, or its pixels cannot
        be shown; a :class:`~napari_car.errors.MissingReaderError` if that needs a library that is not installed.
    """
    path = Path(path)
    if is_zarr(path):
        return _read_zarr(open_ome_zarr(path, percentiles), page, display_range, max_pixels)
    with _open(path) as stream:
        try:
            decoded = _decode(stream, page, max_pixels)
            rgb, notes = to_rgb8(
                decoded.array,
                alpha=decoded.alpha,
                display_range=display_range,
                percentiles=percentiles,
                backdrop=backdrop,
            )
        except ImageError as error:
            text = str(error)
            raise ImageError(f"{path}: {text[0].lower()}{text[1:]}") from error
        except MemoryError as error:
            raise ImageError(f"{path} is too large for this computer's memory.") from error
        # A damaged file makes the decoders raise almost anything, from IndexError to zlib.error.
        except Exception as error:
            raise ImageError(f"{path} cannot be read as an image: {reason_of(error)}.") from error
    return LoadedImage(
        rgb=upright(rgb, decoded.orientation),
        path=path,
        original_dtype=decoded.dtype,
        original_mode=decoded.mode,
        original_shape=decoded.shape,
        notes=decoded.notes + notes,
    )


def _read_zarr(
    stack: ImageStack, page: int | None, display_range: tuple[float, float] | None, max_pixels: int
) -> LoadedImage:
    """Read a plane of an OME-Zarr image."""
    n_planes = math.prod(stack.planes_shape)
    if page is None and n_planes > 1:
        raise ImageError(
            f"{stack.path}: this is a stack of {n_planes} planes (axes {''.join(stack.axis_names)}, shape "
            f"{stack.shape()}): in Python, read one by read_image(path, page=0)."
        )
    if page is not None and not 0 <= page < n_planes:
        raise ImageError(f"{stack.path}: the image has planes 0 to {n_planes - 1}, but no plane {page}.")
    level = stack.label_level(min(max_pixels, MAX_PLANE_PX))
    height, width = stack.shape(level)[-2:]
    try:
        check_pixel_count(height, width, max_pixels)
    except ImageError as error:
        raise ImageError(f"{stack.path}: {error}") from error
    shown = stack if display_range is None else stack.with_limits(display_range)
    plane = [int(place) for place in np.unravel_index(page or 0, stack.planes_shape)] if n_planes > 1 else []
    rgb, notes = shown.read_plane(scale_plane(stack.shape(), stack.shape(level), plane), level)
    size_notes = (f"level {level} of the pyramid, {width} x {height} px",) if level else ()
    return LoadedImage(
        rgb=rgb,
        path=stack.path,
        original_dtype=str(stack.channels[0].levels[0].dtype),
        original_mode=f"{len(stack.channels)} CHANNELS",
        original_shape=stack.shape(),
        notes=(*stack.notes, *size_notes, *notes),
    )


def _open(path: Path) -> BinaryIO:
    """Open a regular file of at least one byte."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path} is a folder, not an image file.")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{path} is not a regular file.")
        if status.st_size == 0:
            raise ImageError(f"{path} is empty.")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError(f"There is no file {path}.") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read: permission is denied.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ImageError(f"{str(path)!r} cannot be opened: {reason_of(error)}.") from error


def _decode(stream: BinaryIO, page: int | None, max_pixels: int) -> Decoded:
    """Decode TIFF by tifffile, and by Pillow all else and what tifffile leaves."""
    signature = stream.read(4)
    stream.seek(0)
    if signature in SIGNATURES:
        decoded = decode_tiff(stream, page=page, max_pixels=max_pixels)
        if decoded is not None:
            return decoded
        stream.seek(0)
    return decode_by_pillow(stream, page=page, max_pixels=max_pixels)


def reason_of(error: Exception) -> str:
    """Return the first line of an error's text, or its name."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    first_line = text.strip().split("\n")[0].rstrip(". ")
    return shorten(first_line, 200) or type(error).__name__
