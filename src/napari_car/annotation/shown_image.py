"""The picture that a run saw, made again from the image file."""

from collections.abc import Iterator, Mapping
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
from napari_car.io.images import MAX_PIXELS, reason_of
from napari_car.io.tiff import SIGNATURES

from .channel_settings import read_channel
from .frames import Frame, PlaneAxes
from .recorded_frame import RecordedFrame, hash_picture


@dataclass(frozen=True, slots=True, eq=False)
class ShownImage:
    """An image file, with how it was shown.

    Parameters
    ----------
    values : ndarray
        Of the file, perhaps with colours as the last axis.
    axes : PlaneAxes
        Which of its axes were rows and columns.
    channel : mapping or None
        How the values were shown; None: they are RGB and were taken as they are.
    max_side_px : int
        Longest side of a picture; larger ones were shrunk.
    """

    values: NDArray[Any]
    axes: PlaneAxes
    channel: Mapping[str, Any] | None
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
        shape, channel = _read_shape(record), _read_channel(record)
        shown = record.get("displayed_axes", [len(shape) - 2, len(shape) - 1])
        if not _are_axes(shown, len(shape)):
            raise DocumentError("the record of the run does not say which axes of the image were shown")
        axes = PlaneAxes(shape, *shown)
        sizes = []
        for values in _read_values(path, as_stored=channel is not None):
            size = values.shape[:-1] if channel is None or channel.get("rgb") else values.shape
            sizes.append(" x ".join(map(str, size)))
            found = cls(values, axes, channel, max_side_px)
            if size == shape and first.picture in ("", hash_picture(found.render(first.frame))):
                return found
        wanted = " x ".join(map(str, shape))
        if wanted not in sizes:
            raise DocumentError(f"{path} has {sizes[0]} px, but the image of the run had {wanted}")
        raise DocumentError(f"the picture of the run is not the one of {path}: one of the two was changed since")

    def render(self, frame: Frame) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture of a frame, at the size at which it is worked on.

        Raises
        ------
        DocumentError
            If the frame lies outside of the image, or how it was shown is not known; the text is the reason only.
        ImageError
            If it cannot be shown.
        """
        is_inside = frame.box.clipped(self.axes.whole) == frame.box and len(frame.plane) == len(self.axes.hidden_axes)
        if not is_inside or any(
            index >= self.axes.shape[axis] for axis, index in zip(self.axes.hidden_axes, frame.plane, strict=True)
        ):
            raise DocumentError("a part that was segmented lies outside of the image")
        part = self.values[self.axes.index(frame.plane, frame.box)]
        if self.axes.row_axis > self.axes.column_axis:
            part = part.swapaxes(0, 1)
        rgb = part if self.channel is None else compose_channels([read_channel(self.channel, part)])[0]
        return np.ascontiguousarray(bounded(rgb, self.max_side_px)[0])


def _read_shape(record: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of the image, without colours."""
    shape = record.get("shape")
    if not isinstance(shape, list) or len(shape) < 2 or not all(isinstance(side, int) and side > 0 for side in shape):
        raise DocumentError("the record of the run does not say how large the image was")
    return tuple(shape)


def _read_channel(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return how the only channel was shown; None if the file was segmented as it is."""
    channels = record.get("channels")
    if channels is None:
        return None
    if not isinstance(channels, list) or not channels or not all(isinstance(item, Mapping) for item in channels):
        raise DocumentError("the record of the run does not say how the image was shown")
    if len(channels) > 1:
        names = ", ".join(str(channel.get("name", "?")) for channel in channels)
        raise DocumentError(f"its picture was made of several layers ({names}), which are not in one file")
    if record.get("n_levels", 1) != 1:
        raise DocumentError("its picture was read from a pyramid of levels, which is not repeated")
    if "projection" in channels[0]:
        raise DocumentError("its picture was made of a thick slice, which is not repeated")
    return dict(channels[0])


def _are_axes(shown: Any, n_axes: int) -> bool:
    """Tell whether something names two axes."""
    return (
        isinstance(shown, list)
        and len(shown) == 2
        and all(isinstance(axis, int) and 0 <= axis < n_axes for axis in shown)
        and shown[0] != shown[1]
    )


def _read_values(path: Path, *, as_stored: bool) -> Iterator[NDArray[Any]]:
    """Yield the ways in which a file can be read: upright in 8-bit colours, and with the values that it holds."""
    refusal: ImageError | None = None
    try:
        loaded = read_image(path)
    except ImageError as error:  # a stack, perhaps
        refusal = error
    else:
        yield loaded.rgb
    if not as_stored:
        if refusal is not None:
            raise refusal
        return
    try:
        yield _read_stored(path)
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
