"""Label files of data sets, and how files are found."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Int32, Integer
from numpy.typing import NDArray
from PIL import Image

from napari_car.errors import DocumentError
from napari_car.io.decoded import check_pixel_count
from napari_car.io.images import MAX_PIXELS
from napari_car.io.outputs import write_bytes
from napari_car.io.pillow import pillow_limit

_MAX_LABEL = 2**31 - 1
_TIFF_SUFFIXES = (".tif", ".tiff")


def find_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by name without ending, sorted; none if there is no such folder."""
    if not folder.is_dir():
        return {}
    return {path.name.removesuffix(path.suffix): path for path in sorted(folder.iterdir()) if path.is_file()}


def find_inside(folder: Path, name: str, table: Path) -> Path:
    """Return a file in a folder that a table names, with ``/`` between folders; it need not be there.

    Raises
    ------
    DocumentError
        If the name leads out of the folder.
    """
    parts = name.replace("\\", "/").split("/")
    if "\0" in name or not parts[0] or ".." in parts or ":" in parts[0]:
        raise DocumentError(f"{table} names the file {name!r}, but only files in the data set's own folder are read.")
    return folder.joinpath(*parts)


def write_grey_png(path: Path, labels: Integer[np.ndarray, "H W"]) -> None:
    """Write labels up to 65,535 as grey PNG, of 8 bits if they fit, else of 16; raise OutputError if that fails."""
    dtype = np.uint8 if labels.max(initial=0) <= np.iinfo(np.uint8).max else np.uint16
    stream = BytesIO()
    Image.fromarray(labels.astype(dtype)).save(stream, format="PNG")
    write_bytes(path, stream.getvalue())


def read_labels(path: Path) -> Int32[np.ndarray, "H W"]:
    """Read whole numbers from the first page of a TIFF file, or a grey or palette image of another type.

    Raises
    ------
    DocumentError
        If the file cannot be read, or holds no such labels.
    """
    decode: Callable[[Path], NDArray[Any]] = _decode_tiff if path.suffix.lower() in _TIFF_SUFFIXES else _decode_other
    try:
        labels = decode(path)
    except FileNotFoundError as error:
        raise DocumentError(f"There is no label file {path}.") from error
    # A damaged file makes the decoders raise almost anything, from IndexError to zlib.error.
    except Exception as error:
        raise DocumentError(f"{path} cannot be read as labels: {error}.") from error
    if labels.ndim != 2 or labels.dtype.kind not in "iub":
        raise DocumentError(
            f"{path} holds pixels of shape {labels.shape} and type {labels.dtype}, but labels are one whole number per "
            "pixel."
        )
    lowest, highest = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if lowest < 0 or highest > _MAX_LABEL:
        raise DocumentError(f"{path} holds labels from {lowest} to {highest}: they must be from 0 to {_MAX_LABEL}.")
    return labels.astype(np.int32)


def _decode_tiff(path: Path) -> NDArray[Any]:
    """Return the pixels of the first page."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0].aspage()
        check_pixel_count(page.imagelength, page.imagewidth, MAX_PIXELS)
        return np.asarray(page.asarray())


def _decode_other(path: Path) -> NDArray[Any]:
    """Return the pixels, indices where there is a palette."""
    with pillow_limit(None), Image.open(path) as picture:
        check_pixel_count(picture.height, picture.width, MAX_PIXELS)
        return np.asarray(picture)
