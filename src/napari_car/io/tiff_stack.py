"""TIFF files of several planes or channels, read page by page."""

import itertools
import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC

from napari_car.errors import ImageError
from napari_car.io.array_view import ArrayView, PixelArray
from napari_car.io.contrast import choose_limits
from napari_car.io.decoded import ORIENTATION_TAG
from napari_car.io.stack import ImageStack, StackChannel, default_colours
from napari_car.io.tiff import SIGNATURES, colours_are_decoded, count_planes

MAX_CHANNELS = 16
"""Of an axis of more, each place is a plane of its own: spectra, and what was called channels by mistake."""


_UNNAMED = {"Q": "plane", "I": "plane"}
"""Letters that tifffile gives axes of which the file says nothing."""


def open_tiff_stack(path: Path) -> ImageStack | None:
    """Open the first image of a TIFF file if it has several planes, or channels that are not red, green and blue.

    Returns
    -------
    ImageStack or None
        None if it is no TIFF file, cannot be opened, or is a single picture: :func:`napari_car.io.read_image` reads it,
        or says why not.

    Raises
    ------
    ImageError
        If the colours of a stack are coded in a way that is not undone for stacks.
    """
    if not _is_tiff(path):
        return None
    try:
        tiff = tifffile.TiffFile(path)
        series = tiff.series[0]
        is_stack = count_planes(series.axes, series.shape) > 1
    # Damaged files make the library raise almost anything.
    except Exception:  # noqa: BLE001
        return None
    tiff.close()
    if not is_stack:
        return None
    try:
        return _describe(path, tiff)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except Exception as error:
        raise ImageError(f"{path} cannot be read as a stack: {error or type(error).__name__}.") from error


class TiffPages:
    """The pixels of a series of a TIFF file; each page is decoded when something of it is asked for.

    The file is open only while it is read: nobody says when it is needed no more.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
    """

    def __init__(self, series: tifffile.TiffPageSeries) -> None:
        self._series = series
        self._n_leading = series.ndim - len(series.keyframe.shape)
        self._is_inverted = series.keyframe.photometric == PHOTOMETRIC.MINISWHITE
        # Pages share the place in the file.
        self._reading = threading.Lock()
        self.shape: tuple[int, ...] = tuple(series.shape)
        self.dtype: np.dtype[Any] = np.dtype(series.dtype).newbyteorder("=")

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        leading, rest = index[: self._n_leading], index[self._n_leading :]
        choices = [
            range(*place.indices(n)) if isinstance(place, slice) else (place,)
            for place, n in zip(leading, self.shape, strict=False)
        ]
        pages = [self._page(places)[rest] for places in itertools.product(*choices)]
        shape = [len(found) for found, place in zip(choices, leading, strict=True) if isinstance(place, slice)]
        return np.reshape(pages, (*shape, *pages[0].shape)) if shape else pages[0]

    def _page(self, places: tuple[int, ...]) -> NDArray[Any]:
        """Return a page."""
        number = int(np.ravel_multi_index(places, self.shape[: self._n_leading])) if places else 0
        with self._reading, _opened(self._series):
            page = self._series.pages[number]
            if page is None:  # a plane that the file leaves out
                return np.zeros(self.shape[self._n_leading :], self.dtype)
            array: NDArray[Any] = page.asarray()
        if self._is_inverted:
            return ~array if array.dtype.kind == "b" else 2**self._series.keyframe.bitspersample - 1 - array
        return array


@contextmanager
def _opened(series: tifffile.TiffPageSeries) -> Iterator[tifffile.FileHandle]:
    """Open the file of a series that was closed."""
    handle = series.keyframe.parent.filehandle
    handle.open()
    try:
        yield handle
    finally:
        handle.close()


def _is_tiff(path: Path) -> bool:
    """Tell whether a file begins as TIFF files do."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in SIGNATURES
    except (OSError, ValueError):
        return False


def _describe(path: Path, tiff: tifffile.TiffFile) -> ImageStack:
    """Return the stack that the first series of a file is."""
    series = tiff.series[0]
    with _opened(series):
        _check(series)
        has_all_pages = len(series.pages) == _count_pages(series)
        pixels: PixelArray = TiffPages(series) if has_all_pages else _map_file(path, series)
    axes = "".join(series.axes)
    sizes = series.shape
    channel_axis = axes.find("C")
    n_channels = sizes[channel_axis] if channel_axis >= 0 else 1
    if n_channels > MAX_CHANNELS or "S" in axes:
        channel_axis, n_channels = -1, 1
    shown = [
        axis for axis, letter in enumerate(axes) if letter not in "YXS" and axis != channel_axis and sizes[axis] > 1
    ]
    order = [*shown, *(axes.index(letter) for letter in "YXS" if letter in axes)]
    unused = {axis: 0 for axis in range(len(axes)) if axis not in order}
    names = [f"channel {number}" for number in range(n_channels)] if n_channels > 1 else [""]
    channels = []
    for place, (name, colour) in enumerate(zip(names, default_colours(n_channels), strict=True)):
        view = ArrayView(pixels, order, unused | ({channel_axis: place} if channel_axis >= 0 else {}))
        limits = choose_limits([view], len(shown))
        channels.append(StackChannel(name=name, levels=(view,), contrast_limits=limits, colour=colour))
    return ImageStack(
        path=path,
        channels=tuple(channels),
        is_rgb="S" in axes,
        axis_names=_name_axes("".join(axes[axis] for axis in shown)),
        notes=(f"first of {len(tiff.series)} images",) if len(tiff.series) > 1 else (),
    )


def _check(series: tifffile.TiffPageSeries) -> None:
    """Refuse what would be shown in wrong colours, or turned."""
    first = series.keyframe
    if not colours_are_decoded(first) or first.photometric in (PHOTOMETRIC.PALETTE, PHOTOMETRIC.SEPARATED):
        name = PHOTOMETRIC(first.photometric).name
        raise ImageError(f"this is a stack whose colours are coded as {name}: save it as grey values or RGB.")
    if first.tags.valueof(ORIENTATION_TAG, default=1) in range(2, 9):
        raise ImageError("this is a stack that is stored turned: save it upright.")
    if "S" in series.axes and series.shape[series.axes.index("S")] not in (3, 4):
        raise ImageError(
            f"this is a stack of pixels with {series.shape[series.axes.index('S')]} values (axes {series.axes}): save "
            "it as grey values, RGB, or channels."
        )


def _count_pages(series: tifffile.TiffPageSeries) -> int:
    """Return how many pages a stack needs."""
    return math.prod(series.shape[: series.ndim - len(series.keyframe.shape)])


def _map_file(path: Path, series: tifffile.TiffPageSeries) -> NDArray[Any]:
    """Return the pixels of a file in which all stand in one piece, with one page for all; read when they are used.

    Programs write stacks of more than 4 GB so.
    """
    first = series.keyframe
    if series.dataoffset is None or not first.is_memmappable or first.photometric == PHOTOMETRIC.MINISWHITE:
        n_pages = _count_pages(series)
        raise ImageError(f"the file has {len(series.pages)} pages, but its stack {n_pages}: it may be damaged.")
    dtype = np.dtype(first.parent.byteorder + series.dtype.char)
    n_bytes = series.dataoffset + math.prod(series.shape) * dtype.itemsize
    size = path.stat().st_size
    if size < n_bytes:
        raise ImageError(f"the file has {size} bytes, but its stack needs {n_bytes}: it is cut off.")
    return np.memmap(path, dtype=dtype, mode="r", offset=series.dataoffset, shape=tuple(series.shape))


def _name_axes(letters: str) -> tuple[str, ...]:
    """Return different names of the axes of a stack, then those of rows and columns."""
    seen = Counter[str]()
    names = []
    for letter in letters:
        name = _UNNAMED.get(letter, letter.lower())
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return (*names, "y", "x")
