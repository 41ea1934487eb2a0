"""Frames of a video, one after another: from a video file, or from a folder of images."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from napari_car.errors import ImageError, MissingExtraError

from .find import IMAGE_SUFFIXES, find_images
from .images import read_image, reason_of

if TYPE_CHECKING:
    import av

_ANIMATED_SUFFIXES = frozenset([".gif"])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceFrame:
    """A frame as it was read.

    Parameters
    ----------
    index : int
        Its place in the video, from 0.
    name : str
        File of an image; empty for a video file.
    time_s : float or None
        When it is shown, in a video file that says so.
    rgb : ndarray, (H, W, 3), uint8
    notes : tuple of str
        What was changed on the user's behalf.
    """

    index: int
    name: str
    time_s: float | None
    rgb: UInt8[np.ndarray, "H W 3"]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Which frames of a video are taken.

    Parameters
    ----------
    start : int
        The first one, from 0.
    end : int or None
        The one before which to stop; None: go on to the end.
    every : int
        Take one of so many.
    """

    start: int = 0
    end: int | None = None
    every: int = 1

    def of(self, items: Iterator[Any]) -> Iterator[tuple[int, Any]]:
        """Return the chosen items with their place."""
        return islice(enumerate(items), self.start, self.end, self.every)

    def count(self, n_frames: int) -> int:
        """Return how many of a number of frames are taken."""
        return len(range(n_frames)[self.start : self.end : self.every])


class Video:
    """A video file or a folder of frames; opening it reads nothing but its head.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ImageError
        If there is no such video, it holds no picture, or cannot be read.
    MissingExtraError
        If it is a video file, and the library that decodes it is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._images: list[Path] = []
        self.rate_hz: float | None = None
        """Frames per second; None where they are images, or the file does not say."""
        self.n_frames: int | None
        """As the file's head says it; None if it does not."""
        if path.is_dir():
            self._images = sorted(find_images([path]), key=_natural)
            self.n_frames = len(self._images)
            return
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES - _ANIMATED_SUFFIXES and path.exists():
            raise ImageError(f"{path} is an image, not a video: name the folder that its frames are in.")
        with _open(path) as container:
            stream = _stream(container, path)
            self.n_frames = stream.frames or None
            self.rate_hz = float(stream.average_rate) if stream.average_rate else None

    def frames(self, chosen: FrameRange) -> Iterator[SourceFrame]:
        """Yield frames as they are asked for.

        Raises
        ------
        ImageError
            At the frame that cannot be read, or after the last one if the file says that there are more.
        """
        return self._read(chosen) if self._images else self._decode(chosen)

    def _read(self, chosen: FrameRange) -> Iterator[SourceFrame]:
        """Read the images of a folder."""
        for index, path in chosen.of(iter(self._images)):
            image = read_image(path)
            yield SourceFrame(index=index, name=path.name, time_s=None, rgb=image.rgb, notes=image.notes)

    def _decode(self, chosen: FrameRange) -> Iterator[SourceFrame]:
        """Decode a video file."""
        for index, frame in chosen.of(self._pictures()):
            yield SourceFrame(index=index, name="", time_s=frame.time, rgb=_upright(frame))

    def _pictures(self) -> "Iterator[av.VideoFrame]":
        """Yield all pictures of a video file, then refuse an end before the end."""
        import av

        n_decoded = 0
        with _open(self.path) as container:
            stream = _stream(container, self.path)
            try:
                for packet in container.demux(stream):
                    for frame in packet.decode():
                        n_decoded += 1
                        yield frame
            except av.FFmpegError as error:
                for frame in _left_in_decoder(stream):
                    n_decoded += 1
                    yield frame
                where = f"after {n_decoded} frames" if n_decoded else "so that no frame can be read"
                raise ImageError(f"{self.path} is damaged, {where}: {_said(error)}.") from error
        if not n_decoded:
            raise ImageError(f"{self.path} holds no frame that can be read.")
        if n_decoded < (self.n_frames or 0):
            raise ImageError(f"{self.path} ends after {n_decoded} of {self.n_frames} frames: it is cut off or damaged.")


def _open(path: Path) -> "av.container.InputContainer":
    """Open a video file."""
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            'Video files are read by PyAV, which is not installed; run: pip install "napari-car[video]". A folder of '
            "frames needs nothing more."
        ) from error
    if not path.exists():
        raise ImageError(f"There is no file or folder {path}.")
    try:
        # An absolute path, so that no name is taken for an address or a device.
        return av.open(f"file:{path.resolve()}", mode="r")
    except (av.FFmpegError, OSError) as error:
        raise ImageError(f"{path} cannot be read as a video: {_said(error)}.") from error


def _stream(container: "av.container.InputContainer", path: Path) -> "av.VideoStream":
    """Return the pictures of a video file."""
    if container.streams.video:
        return container.streams.video[0]
    found = "only sound or text" if len(container.streams) else "nor anything else: it is cut off or damaged"
    raise ImageError(f"{path} holds no pictures, {found}.")


def _left_in_decoder(stream: "av.VideoStream") -> "list[av.VideoFrame]":
    """Return the pictures that waited for others that come first, as far as they can still be had."""
    import av

    try:
        return stream.decode(None)
    except av.FFmpegError:
        return []


def _said(error: Exception) -> str:
    """Return what the decoder says, without its error number."""
    return getattr(error, "strerror", None) or reason_of(error)


def _upright(frame: "av.VideoFrame") -> UInt8[np.ndarray, "H W 3"]:
    """Return a frame as players show it: cameras that were held upright say so in the file."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4))


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """Return a key by which ``frame10`` comes after ``frame9``."""
    parts = re.split(r"(\d+)", path.name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
