"""Decode one plane of a TIFF file, as microscopes and cameras write them."""

import math
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from napari_car.errors import ImageError
from napari_car.io.decoded import ORIENTATION_TAG, Decoded, check_pixel_count, cmyk_to_rgb
from napari_car.io.pixels import to_rgb8

SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""First bytes of TIFF and BigTIFF in both byte orders."""

_GREY = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
_ALPHA = (EXTRASAMPLE.UNASSALPHA, EXTRASAMPLE.ASSOCALPHA)


def decode_tiff(stream: BinaryIO, *, page: int | None, max_pixels: int) -> Decoded | None:
    """Decode the first image of a TIFF file, or one page of it.

    Parameters
    ----------
    stream
        The open file.
    page
        Page of a stack, from 0. None: the only one; a stack is refused.
    max_pixels
        Greatest number of rows times columns.

    Returns
    -------
    Decoded or None
        None if the colours are coded in a way tifffile does not undo, and Pillow should be tried.

    Raises
    ------
    ImageError
        If the file holds a stack and no page was named, no such page, or too many pixels.
    """
    with tifffile.TiffFile(stream) as tiff:
        series: tifffile.TiffPageSeries | tifffile.TiffPage
        if page is None:
            series = tiff.series[0]
            notes = _refuse_stack(series.axes, series.shape, len(tiff.series))
        elif 0 <= page < len(tiff.pages):
            series = tiff.pages[page].aspage()
            notes = (f"page {page} of 0 to {len(tiff.pages) - 1}",)
        else:
            raise ImageError(f"the file has pages 0 to {len(tiff.pages) - 1}, but no page {page}.")
        first = series.keyframe
        if not colours_are_decoded(first):
            return None
        check_pixel_count(first.imagelength, first.imagewidth, max_pixels)
        array, channels = _channels_last(series.asarray(), series.axes)
        orientation = first.tags.valueof(ORIENTATION_TAG, default=1)
        dtype = array.dtype.name
        if orientation in range(2, 9):
            notes = ("EXIF rotation applied", *notes)
        array, alpha, colour_notes = _to_grey_or_rgb(array, first, channels)
        return Decoded(
            array=array,
            alpha=alpha,
            orientation=orientation,
            dtype=dtype,
            mode=PHOTOMETRIC(first.photometric).name,
            shape=series.shape,
            notes=notes + colour_notes,
        )


def count_planes(axes: str, shape: tuple[int, ...]) -> int:
    """Count the planes of a series; three channels are one, red, green and blue."""
    sizes = zip(axes, shape, strict=True)
    return math.prod(size for axis, size in sizes if axis not in "YXS" and (axis, size) != ("C", 3))


def _refuse_stack(axes: str, shape: tuple[int, ...], n_series: int) -> tuple[str, ...]:
    """Raise if there is more than one plane to choose from; note the images that are left out."""
    n_planes = count_planes(axes, shape)
    if n_planes > 1:
        raise ImageError(
            f"this is a stack of {n_planes} planes (axes {axes}, shape {shape}): save the plane to be segmented "
            "as a file of its own, or, in Python, read it by read_image(path, page=0)."
        )
    return (f"first of {n_series} images",) if n_series > 1 else ()


def colours_are_decoded(page: Any) -> bool:
    """Tell whether tifffile hands out grey, RGB, CMYK or palette indices for this page."""
    if page.photometric == PHOTOMETRIC.YCBCR:
        return bool(page.compression in (COMPRESSION.JPEG, COMPRESSION.OJPEG))
    return page.photometric in (*_GREY, PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE, PHOTOMETRIC.SEPARATED)


def _channels_last(array: NDArray[Any], axes: str) -> tuple[NDArray[Any], str]:
    """Order axes as rows, columns, channels; also return which kinds of channel axis there are."""
    for axis in [axis for axis in axes if axis not in "YXSC"]:
        array = array.squeeze(axes.index(axis))
        axes = axes.replace(axis, "", 1)
    order = [axes.index(axis) for axis in "YXCS" if axis in axes]
    channels = "".join(axis for axis in "CS" if axis in axes)
    array = array.transpose(order)
    if channels == "CS":
        array = array.reshape(*array.shape[:2], -1)
    return array, channels


def _to_grey_or_rgb(array: NDArray[Any], page: Any, channels: str) -> tuple[NDArray[Any], bool | None, tuple[str, ...]]:
    """Undo palette, CMYK and inverted grey; return pixels, whether the last channel is alpha, and notes."""
    if page.photometric == PHOTOMETRIC.PALETTE:
        # 16 bits per colour; ImageJ and others fill both bytes.
        return (page.colormap[:, array] >> 8).astype(np.uint8).transpose(1, 2, 0), None, ("palette expanded",)
    if page.photometric == PHOTOMETRIC.SEPARATED:
        return cmyk_to_rgb(array), None, ("CMYK converted",)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        array = ~array if array.dtype.kind == "b" else 2**page.bitspersample - 1 - array
        return array, None, ("inverted: the file counts white as 0",)
    if channels == "C" and array.shape[2] == 3:
        # Fluorescence channels differ in brightness by orders of magnitude: each has a contrast of its own.
        shown = [to_rgb8(array[..., channel]) for channel in range(3)]
        notes = [f"channel {i}: {note}" for i, (_, channel_notes) in enumerate(shown) for note in channel_notes]
        rgb = np.stack([channel_rgb[..., 0] for channel_rgb, _ in shown], axis=2)
        return rgb, None, ("3 channels shown as red, green and blue", *notes)
    n_colours = 3 if page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) else 1
    n_extra = array.shape[2] - n_colours if array.ndim == 3 else 0
    if channels == "S" and n_extra > 0 and n_extra == len(page.extrasamples):
        if page.extrasamples[0] in _ALPHA:
            array = array[..., : n_colours + 1]
            return _unassociated(array) if page.extrasamples[0] == EXTRASAMPLE.ASSOCALPHA else array, True, ()
        if n_colours == 3:
            return array[..., :3], False, (f"{n_extra} channels beside red, green and blue ignored",)
    return array, False, ()


def _unassociated(array: NDArray[Any]) -> NDArray[Any]:
    """Divide colours by the alpha they were multiplied with."""
    opaque = np.iinfo(array.dtype).max if array.dtype.kind in "ui" else 1.0
    alpha = array[..., -1:].astype(np.float64) / opaque
    colours = np.minimum(
        np.divide(array[..., :-1], alpha, out=np.zeros(array[..., :-1].shape), where=alpha > 0), opaque
    )
    return np.concatenate([(colours + 0.5 * (array.dtype.kind in "ui")).astype(array.dtype), array[..., -1:]], axis=2)
