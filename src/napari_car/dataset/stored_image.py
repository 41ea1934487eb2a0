"""Files of images, and folders of OME-Zarr images, of which parts are written with the pixels as they are stored."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image
from tifffile import PHOTOMETRIC

from napari_car.annotation.frames import Box
from napari_car.annotation.image_planes import ImagePlanes
from napari_car.errors import ImageError, OutputError
from napari_car.io.array_view import JoinedArrays, PixelArray
from napari_car.io.decoded import ORIENTATION_TAG, check_pixel_count, upright
from napari_car.io.find import is_zarr
from napari_car.io.images import MAX_PIXELS, read_image, reason_of
from napari_car.io.ome_zarr import open_ome_zarr
from napari_car.io.outputs import write_bytes
from napari_car.io.pillow import decode_by_pillow
from napari_car.io.tiff import SIGNATURES, colours_are_decoded

_PNG_TYPES = ("bool", "uint8", "uint16")


class StoredImage:
    """The file of an image. Its pixels are read when they are first asked for, and kept for further parts.

    Those of OME-Zarr images are read part by part, at the level that labels have.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def pixels(self) -> "StoredPixels":
        """All of them, upright; ImageError if they cannot be read."""
        if is_zarr(self.path):
            return _read_zarr(self.path)
        try:
            with self.path.open("rb") as stream:
                signature = stream.read(4)
                stream.seek(0)
                found = _read_tiff(stream) if signature in SIGNATURES else None
                stream.seek(0)
                return found or _read_other(stream)
        except ImageError as error:
            raise ImageError(f"{self.path}: {error}") from error
        # A damaged file makes the decoders raise almost anything, from IndexError to zlib.error.
        except Exception as error:
            raise ImageError(f"{self.path} cannot be read as an image: {reason_of(error)}.") from error

    @cached_property
    def rgb(self) -> UInt8[np.ndarray, "H W 3"]:
        """The image as it is shown; ImageError if it cannot be read, or is a stack."""
        if self.planes is None or self.planes.axes.hidden_axes:
            return read_image(self.path).rgb
        return self.planes.render_whole(())

    @cached_property
    def planes(self) -> ImagePlanes | None:
        """The image as the dock shows it, if it has planes or channels; ImageError if it cannot be read."""
        return ImagePlanes.open(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class StoredPixels:
    """Pixels as they are stored, and what a TIFF file must say of them.

    Parameters
    ----------
    array : ndarray or PixelArray
        Axes as named, upright.
    axes : str
        A letter for each axis: ``Y`` and ``X`` after all others but ``S``, samples of a colour; ``C`` for channels, and
        small letters, which all differ, for others.
    notes : mapping of str to object
        Arguments of ``tifffile.imwrite``.
    """

    array: PixelArray
    axes: str
    notes: Mapping[str, Any] = field(default_factory=dict)

    def find_stack_axes(self, shape: tuple[int, ...]) -> str:
        """Return the axes along which labels of a shape go from plane to plane; ImageError if these do not fit.

        Channels may be such an axis, or belong to each plane.
        """
        sizes = dict(zip(self.axes, self.array.shape, strict=True))
        others = "".join(axis for axis in self.axes if axis not in "YXS")
        for stack_axes in (others.replace("C", ""), others):
            if tuple(sizes[axis] for axis in f"{stack_axes}YX") == shape:
                return stack_axes
        found = " x ".join(str(sizes[axis]) for axis in f"{others}YX")
        raise ImageError(f"the image has {found} px, but its labels {' x '.join(map(str, shape))} px: label it anew.")

    def cut(self, stack_axes: str, plane: tuple[int, ...], box: Box) -> "StoredPixels":
        """Return a part of one plane."""
        places = dict(zip(stack_axes, plane, strict=True)) | dict(zip("YX", box.slices, strict=True))
        array = np.asarray(self.array[tuple(places.get(axis, slice(None)) for axis in self.axes)])
        return replace(self, array=array, axes="".join(axis for axis in self.axes if axis not in stack_axes))

    def write(self, folder: Path, name: str) -> Path:
        """Write them as PNG, or as TIFF if they come from one or PNG cannot hold them; OutputError if that fails."""
        if self.notes or self.array.dtype.name not in _PNG_TYPES:
            path = folder / f"{name}.tif"
            notes = self.notes or {"photometric": PHOTOMETRIC.MINISBLACK}
            stream = io.BytesIO()
            pixels = np.ascontiguousarray(self.array)
            tifffile.imwrite(stream, pixels, compression="zlib", metadata={"axes": self.axes}, **notes)
            write_bytes(path, stream.getvalue())
        else:
            path = folder / f"{name}.png"
            write_bytes(path, _encode_png(np.ascontiguousarray(self.array)))
        return path


@dataclass(frozen=True, slots=True, eq=False)
class ImagePart:
    """A part of one plane of an image's file.

    Parameters
    ----------
    stored : StoredImage
    shape : tuple of int
        That the labels of the whole file have: its planes, height and width.
    plane : tuple of int
        Index of the plane; empty where there is only one.
    box : Box
    """

    stored: StoredImage
    shape: tuple[int, ...]
    plane: tuple[int, ...]
    box: Box

    def moved_to(self, box: Box) -> "ImagePart":
        """Return another part, whose box is counted from the corner of this one."""
        return replace(self, box=box.moved(self.box.top, self.box.left))

    def write(self, folder: Path, name: str) -> Path:
        """Write it with the pixels as they are stored; return the path.

        Raises
        ------
        ImageError
            If the image cannot be read, or has another shape than its labels.
        OutputError
            If it cannot be written.
        """
        return self.stored.pixels.cut(self.find_stack_axes(), self.plane, self.box).write(folder, name)

    def read_rgb(self) -> UInt8[np.ndarray, "h w 3"]:
        """Return it with the contrast of the whole plane, or stack if it has channels; errors as for :meth:`write`."""
        if not self.plane:
            rgb = self.stored.rgb
        elif is_zarr(self.stored.path) or set(self.stored.pixels.axes) - {*self.find_stack_axes(), *"YXS"}:
            rgb = self._paint_channels()
        else:
            page = int(np.ravel_multi_index(self.plane, self.shape[:-2]))
            rgb = read_image(self.stored.path, page=page).rgb
        if rgb.shape[:2] != self.shape[-2:]:
            raise ImageError(
                f"{self.stored.path} has {rgb.shape[0]} x {rgb.shape[1]} px, but its labels have {self.shape[-2]} x "
                f"{self.shape[-1]} px: label it anew."
            )
        return rgb[self.box.slices]

    def _paint_channels(self) -> UInt8[np.ndarray, "H W 3"]:
        """Return the whole plane as the dock shows it at first."""
        self.find_stack_axes()
        planes = self.stored.planes
        if planes is None or planes.axes.shape != self.shape:
            raise OutputError(
                f"{self.stored.path} is a stack of channels, and each has labels of its own: choose another format."
            )
        return planes.render_whole(self.plane)

    def find_stack_axes(self) -> str:
        """Return the axes of the plane's index; ImageError if the image has another shape than its labels."""
        pixels = self.stored.pixels
        try:
            return pixels.find_stack_axes(self.shape)
        except ImageError as error:
            raise ImageError(f"{self.stored.path}: {error}") from error


def whole_part(path: Path, shape: tuple[int, ...]) -> ImagePart:
    """Return all of the file of an image with one plane."""
    return ImagePart(StoredImage(path), shape, (), Box(0, 0, *shape))


def _read_tiff(stream: BinaryIO) -> StoredPixels | None:
    """Return the first image of a TIFF file; None if tifffile does not undo the way its colours are coded."""
    with tifffile.TiffFile(stream) as tiff:
        series = tiff.series[0]
        page = series.keyframe
        if not colours_are_decoded(page):
            return None
        check_pixel_count(series.size // (page.imagewidth * page.samplesperpixel), page.imagewidth, MAX_PIXELS)
        array = series.asarray()
        # Axes without a name have all the same letter.
        axes = "".join(axis if axis in "YXSC" else chr(ord("a") + place) for place, axis in enumerate(series.axes))
        for axis in [axis for axis in axes if axis not in "YXS" and array.shape[axes.index(axis)] == 1]:
            array, axes = array.squeeze(axes.index(axis)), axes.replace(axis, "", 1)
        ordered = "".join(axis for axis in axes if axis not in "YXS") + ("YXS" if "S" in axes else "YX")
        array = array.transpose([axes.index(axis) for axis in ordered])
        orientation = page.tags.valueof(ORIENTATION_TAG, default=1)
        if orientation in range(2, 9):
            places = (ordered.index("Y"), ordered.index("X"))
            array = np.moveaxis(upright(np.moveaxis(array, places, (0, 1)), orientation), (0, 1), places)
        is_jpeg = page.photometric == PHOTOMETRIC.YCBCR  # which tifffile turns into RGB
        notes: dict[str, Any] = {"photometric": PHOTOMETRIC.RGB if is_jpeg else page.photometric}
        if page.photometric == PHOTOMETRIC.PALETTE:
            notes["colormap"] = page.colormap
        if "S" in ordered:
            notes |= {"planarconfig": "contig", "extrasamples": page.extrasamples}
        return StoredPixels(array, ordered, notes)


def _read_zarr(path: Path) -> StoredPixels:
    """Return an OME-Zarr image at the level that labels have."""
    stack = open_ome_zarr(path)
    level = stack.label_level()
    n_hidden = len(stack.planes_shape)
    letters = "".join(chr(ord("a") + place) for place in range(n_hidden))
    arrays = [channel.levels[level] for channel in stack.channels]
    if len(arrays) == 1:
        return StoredPixels(arrays[0], f"{letters}YX")
    return StoredPixels(JoinedArrays(arrays, n_hidden), f"{letters}CYX", {"photometric": PHOTOMETRIC.MINISBLACK})


def _read_other(stream: BinaryIO) -> StoredPixels:
    """Return the first frame of what Pillow reads; palettes are expanded."""
    decoded = decode_by_pillow(stream, page=None, max_pixels=MAX_PIXELS)
    array = upright(decoded.array, decoded.orientation)
    return StoredPixels(array, "YXS"[: array.ndim])


def _encode_png(pixels: NDArray[Any]) -> bytes:
    """Encode pixels of one, 8 or 16 bits; Pillow has no colours of 16 bits."""
    if pixels.dtype != np.bool_:
        return bytes(imagecodecs.png_encode(pixels))
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()
