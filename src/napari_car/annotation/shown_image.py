"""The picture that a run saw, made again from the image file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import tifffile
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from napari_car.errors import DocumentError, ImageError, ResourceError
from napari_car.io import compose_channels, read_image
from napari_car.io.bounds import bounded
from napari_car.io.find import is_zarr
from napari_car.io.images import MAX_PIXELS, reason_of
from napari_car.io.stack import ImageStack
from napari_car.io.stacks import open_stack
from napari_car.io.tiff import SIGNATURES

from .channel_settings import read_channel
from .frames import Frame, PlaneAxes
from .pyramid import coarsest_level, frame_at_level
from .recorded_frame import RecordedFrame, hash_picture

Levels = tuple[Any, ...]
"""Pixels of a channel from fine to coarse, each like an array."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownImage:
    """An image file, with how it was shown.

    Parameters
    ----------
    pixels : tuple of tuple of array-like
        Levels of each channel, perhaps with colours as the last axis.
    axes : PlaneAxes
        Of the labels: which axes were rows and columns.
    level : int
        The level that has the shape of the labels.
    channels : tuple of mapping
        How each channel was shown; none: the values are RGB and were taken as they are.
    max_side_px : int
        Longest side of a picture; larger ones were shrunk.
    """

    pixels: tuple[Levels, ...]
    axes: PlaneAxes
    level: int
    channels: tuple[Mapping[str, Any], ...]
    max_side_px: int

    @classmethod
    def open(cls, path: Path, record: Mapping[str, Any], first: RecordedFrame, max_side_px: int) -> Self:
        """Read an image file so that it shows what a run saw.

        Parameters
        ----------
        path : Path
        record : mapping
            The ``image`` of the run's record.
        first : RecordedFrame
            One of its frames: its picture tells the ways apart in which a file can be read.
        max_side_px : int

        Raises
        ------
        DocumentError
            If the picture is not to be had from the file; the text is the reason only.
        ImageError, ResourceError
            If the file cannot be read.
        """
        shape, channels = _read_shape(record), _read_channels(record)
        level, n_levels = record.get("level", 0), record.get("n_levels", 1)
        shown = record.get("displayed_axes", [len(shape) - 2, len(shape) - 1])
        if not _are_axes(shown, len(shape)) or not isinstance(level, int) or not isinstance(n_levels, int):
            raise DocumentError("the record of the run does not say which axes and level of the image were shown")
        axes = PlaneAxes(shape, *shown)
        sizes: list[str] = []
        depths: set[int] = set()
        for pixels in _read_pixels(path, channels):
            found = cls(pixels, axes, level, channels, max_side_px)
            size = found._shapes[level] if level < len(pixels[0]) else ()
            sizes.append(" x ".join(map(str, size)))
            depths.add(len(pixels[0]))
            is_alike = size == shape and len(pixels[0]) == n_levels
            if is_alike and first.picture in ("", hash_picture(found.render(first.frame))):
                return found
        if depths and n_levels not in depths:
            raise DocumentError(f"its picture was read from a pyramid of {n_levels} levels, which {path} does not have")
        wanted = " x ".join(map(str, shape))
        if sizes and wanted not in sizes:
            raise DocumentError(f"{path} has {sizes[0]} px, but the image of the run had {wanted}")
        if len(channels) > 1:
            names = ", ".join(str(channel.get("name", "?")) for channel in channels)
            raise DocumentError(f"its picture was made of several layers ({names}), which are not those of {path}")
        raise DocumentError(f"the picture of the run is not the one of {path}: one of the two was changed since")

    def render(self, frame: Frame) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture of a frame, at the size at which it is worked on.

        Raises
        ------
        DocumentError
            If the frame lies outside of the image, or how it was shown is not known; the text is the reason only.
        ImageError
            If it cannot be read or shown.
        """
        is_inside = frame.box.clipped(self.axes.whole) == frame.box and len(frame.plane) == len(self.axes.hidden_axes)
        if not is_inside or any(
            index >= self.axes.shape[axis] for axis, index in zip(self.axes.hidden_axes, frame.plane, strict=True)
        ):
            raise DocumentError("a part that was segmented lies outside of the image")
        level = coarsest_level(self._shapes, self.axes, self.level, frame.box, self.max_side_px)
        there, plane, box = frame_at_level(self._shapes[level], self.axes, frame)
        parts = [np.asarray(levels[level][there.index(plane, box)]) for levels in self.pixels]
        if there.row_axis > there.column_axis:
            parts = [part.swapaxes(0, 1) for part in parts]
        rgb = parts[0]
        if self.channels:
            rgb, _ = compose_channels(
                [read_channel(channel, part) for channel, part in zip(self.channels, parts, strict=True)]
            )
        return np.ascontiguousarray(bounded(rgb, self.max_side_px)[0])

    @property
    def _shapes(self) -> list[tuple[int, ...]]:
        """Pixels along each axis of each level, without colours."""
        has_colours = not self.channels or bool(self.channels[0].get("rgb"))
        return [tuple(pixels.shape)[: -1 if has_colours else None] for pixels in self.pixels[0]]


def _read_shape(record: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of the image, without colours."""
    shape = record.get("shape")
    if not isinstance(shape, list) or len(shape) < 2 or not all(isinstance(side, int) and side > 0 for side in shape):
        raise DocumentError("the record of the run does not say how large the image was")
    return tuple(shape)


def _read_channels(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return how each channel was shown; none if the file was segmented as it is."""
    channels = record.get("channels")
    if channels is None:
        return ()
    if not isinstance(channels, list) or not channels or not all(isinstance(item, Mapping) for item in channels):
        raise DocumentError("the record of the run does not say how the image was shown")
    if any("projection" in channel for channel in channels):
        raise DocumentError("its picture was made of a thick slice, which is not repeated")
    return tuple(channels)


def _are_axes(shown: Any, n_axes: int) -> bool:
    """Tell whether something names two axes."""
    return (
        isinstance(shown, list)
        and len(shown) == 2
        and all(isinstance(axis, int) and 0 <= axis < n_axes for axis in shown)
        and shown[0] != shown[1]
    )


def _read_pixels(path: Path, channels: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Levels, ...]]:
    """Yield the ways in which a file can be read.

    Upright in 8-bit colours; as a stack with its channels and levels; and with the values that it holds.
    """
    refusal: ImageError | None = None
    if not path.exists() or (len(channels) <= 1 and not is_zarr(path)):
        try:
            yield ((read_image(path).rgb,),)
        except ImageError as error:  # a stack, perhaps
            refusal = error
    if channels and path.exists():
        stack = open_stack(path)
        if stack is not None:
            yield _choose_channels(stack, channels)
            return
        if len(channels) == 1:
            yield ((_read_values(path, refusal),),)
            return
    if refusal is not None:
        raise refusal


def _choose_channels(stack: ImageStack, channels: Sequence[Mapping[str, Any]]) -> tuple[Levels, ...]:
    """Return the pixels of the channels that were shown: those of their names, else those that are shown at first."""
    by_name = {stack.layer_name(channel): channel.levels for channel in stack.channels}
    names = [channel.get("name") for channel in channels]
    if all(name in by_name for name in names):
        return tuple(by_name[str(name)] for name in names)
    if len(stack.shown) != len(channels):
        raise DocumentError(
            f"its picture was made of {len(channels)} channels, and {stack.path} shows {len(stack.shown)}"
        )
    return tuple(channel.levels for channel in stack.shown)


def _read_values(path: Path, refusal: ImageError | None) -> NDArray[Any]:
    """Return the values that a file holds, or raise why it could not be read before."""
    try:
        return _read_stored(path)
    except MemoryError as error:
        raise ResourceError(f"There is not enough memory for {path}.") from error
    # A damaged file makes the decoders raise almost anything.
    except Exception as error:
        if refusal is not None:
            raise refusal from error
        raise ImageError(f"{path} cannot be read as an image: {reason_of(error)}.") from error


def _read_stored(path: Path) -> NDArray[Any]:
    """Return the values of a file as napari reads them: not turned, not stretched; stacks as a whole."""
    with path.open("rb") as stream:
        is_tiff = stream.read(4) in SIGNATURES
    if is_tiff:
        stored: NDArray[Any] = tifffile.imread(path)
        return stored
    with Image.open(path) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ImageError(f"{path} has more than {MAX_PIXELS / 1e6:g} million pixels.")
        return np.asarray(picture)
