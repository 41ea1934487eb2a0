"""Label stacks and videos, written picture by picture."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import numpy as np
import tifffile
from jaxtyping import Integer, UInt8

from napari_car.errors import MissingExtraError, OutputError

from .outputs import explained

if TYPE_CHECKING:
    import av

_PREFERRED_CODECS = ("libx264", "mpeg4")


class LabelStack:
    """A TIFF of several pages, one label map (H, W) each, as napari and ImageJ show a stack.

    Parameters
    ----------
    path : Path
        It is a whole TIFF after each page.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size_px: tuple[int, ...] = ()
        with explained(path):
            self._writer = tifffile.TiffWriter(path, bigtiff=True)

    def append(self, labels: Integer[np.ndarray, "H W"]) -> None:
        """Write a page.

        Raises
        ------
        OutputError
            If it is not of the size of the others, a label is above 65,535, or it cannot be written.
        """
        self._size_px = self._size_px or labels.shape
        if labels.shape != self._size_px:
            height, width = self._size_px
            raise OutputError(
                f"A frame of {labels.shape[1]} x {labels.shape[0]} px does not fit into the stack of {width} x "
                f"{height} px: choose --labels png, a file for each frame."
            )
        if labels.max(initial=0) > np.iinfo(np.uint16).max:
            raise OutputError(f"{self._path} cannot be written: it holds labels up to 65,535.")
        with explained(self._path):
            # Without metadata pages are one series; shaped metadata would make each a series of its own.
            self._writer.write(
                labels.astype(np.uint16), photometric="minisblack", compression="zlib", metadata=None, contiguous=False
            )

    def close(self) -> None:
        """End the file."""
        with explained(self._path):
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class VideoFile:
    """An MP4 of pictures that are all of one size.

    Parameters
    ----------
    path : Path
    rate_hz : float
        Pictures per second.

    Raises
    ------
    MissingExtraError
        If the library that encodes it is not installed.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path, rate_hz: float) -> None:
        try:
            import av
        except ImportError as error:
            raise MissingExtraError(
                'Videos are written by PyAV, which is not installed; run: pip install "napari-car[video]".'
            ) from error
        self._path = path
        self._size_px: tuple[int, int] | None = None
        self._to_av = av.VideoFrame.from_ndarray
        with explained(path):
            self._container = av.open(path, mode="w", format="mp4")
        codec = next(name for name in _PREFERRED_CODECS if name in av.codecs_available)
        added = self._container.add_stream(codec, rate=Fraction(rate_hz).limit_denominator(1001))
        self._stream = cast("av.VideoStream", added)
        self._stream.pix_fmt = "yuv420p"  # which all players know

    def append(self, rgb: UInt8[np.ndarray, "H W 3"]) -> None:
        """Add a picture; colours are coarser by two, so that sides must be even: a last row or column is repeated."""
        height, width = rgb.shape[:2]
        even = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._size_px is None:
            self._size_px = (height, width)
            self._stream.height, self._stream.width = even.shape[:2]
        if (height, width) != self._size_px:
            raise OutputError(f"{self._path} cannot be written: its pictures are not all of one size.")
        with explained(self._path):
            self._container.mux(self._stream.encode(self._to_av(even, format="rgb24")))

    def close(self) -> None:
        """Write what is still in the encoder, and end the file."""
        with explained(self._path):
            if self._size_px is not None:
                self._container.mux(self._stream.encode())
            self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
