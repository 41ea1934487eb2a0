"""Write results so that a file is either whole or not there."""

import dataclasses
import enum
import errno
import io
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Bool, Integer, UInt8
from PIL import Image

from napari_car.errors import OutputError
from napari_car.io.colours import RGB, query_colours

_TIFF_SUFFIXES = (".tif", ".tiff")
_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space or choose another folder",
    errno.EACCES: "permission is denied: choose a folder you may write to",
    errno.EPERM: "permission is denied: choose a folder you may write to",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
    errno.ENOTDIR: "a part of this path is a file, not a folder: choose another folder",
    errno.EEXIST: "a part of this path is a file, not a folder: choose another folder",
    errno.EISDIR: "there is a folder of this name: choose another name",
}
if hasattr(errno, "EDQUOT"):
    _ADVICE[errno.EDQUOT] = "your share of the disk is used up: free some space or choose another folder"


class PartFile:
    """A file that is being written: under a temporary name until it is whole.

    Parameters
    ----------
    path : Path
        The temporary name.
    stream : binary stream
        Can be written and read.
    """

    def __init__(self, path: Path, stream: io.BufferedRandom) -> None:
        self._path = path
        self.stream = stream

    def commit(self, path: Path) -> None:
        """Force the content to the disk and give the file its name, in the same folder; one that exists is replaced."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()  # Windows renames closed files only
        self._path.replace(path)


@contextmanager
def part_file(folder: Path) -> Iterator[PartFile]:
    """Open a temporary file in a folder, which is made if it is missing; what was not committed is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    # Short: the file's own name with an addition might be too long.
    path = folder / f".{secrets.token_hex(6)}.part"
    try:
        with path.open("x+b") as stream:
            yield PartFile(path, stream)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a write into OutputError, which names the path and says what to do."""
    try:
        yield
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        advice = _ADVICE.get(getattr(error, "errno", None) or 0, getattr(error, "strerror", None) or str(error))
        raise OutputError(f"{path} cannot be written: {advice}.") from error


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file in one step, replacing one that exists; make missing folders.

    The content goes to a temporary file beside it first, is forced to the disk, and is then renamed. When anything
    fails, the temporary file is removed and an older file stays as it was.

    Raises
    ------
    OutputError
        If the file cannot be written; the text names the path and what to do.
    """
    path = Path(path)
    with explained(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with part_file(path.parent) as part:
            part.stream.write(content)
            part.commit(path)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, so that files renamed before are there before those renamed after."""
    # Windows and some network drives cannot; they keep an order of their own.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_label_map(
    path: str | os.PathLike[str], labels: Integer[np.ndarray, "H W"], colours: Sequence[RGB] | None = None
) -> None:
    """Write a label map as TIFF or PNG, whichever the path ends in.

    TIFF is uint16 when all ids fit, else int32, with zlib compression. PNG is indexed by a palette up to id 255, so
    that viewers show it in colour and readers still get the ids, else 16-bit grey.

    Parameters
    ----------
    path
        Ends in .tif, .tiff or .png.
    labels
        Shape (H, W), 0 = background, ids up to 2**31 - 1 for TIFF and 65,535 for PNG.
    colours
        Colours of the ids from 1 in a palette PNG; None: those of :func:`napari_car.io.query_colours`.

    Raises
    ------
    OutputError
        If an id does not fit the format, the ending is another, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    lowest, highest = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    limit = 65535 if suffix == ".png" else 2**31 - 1
    if lowest < 0 or highest > limit:
        raise OutputError(
            f"{path} cannot be written: it holds ids from 0 to {limit}, but the label map has ids from {lowest} to "
            f"{highest}" + (": write a TIFF instead." if suffix == ".png" and lowest >= 0 else ".")
        )
    if suffix in _TIFF_SUFFIXES:
        stream = io.BytesIO()
        stored = labels.astype(np.uint16 if highest <= 65535 else np.int32)
        tifffile.imwrite(stream, stored, photometric="minisblack", compression="zlib")
        write_bytes(path, stream.getvalue())
    elif suffix == ".png" and highest <= 255:
        picture = Image.fromarray(labels.astype(np.uint8))
        picture.putpalette(_palette(query_colours(highest) if colours is None else colours))
        write_bytes(path, _png(picture))
    elif suffix == ".png":
        write_bytes(path, _png(Image.fromarray(labels.astype(np.uint16))))
    else:
        raise OutputError(f"{path} cannot be written: a label map ends in .tif, .tiff or .png.")


def write_mask(path: str | os.PathLike[str], mask: Bool[np.ndarray, "H W"]) -> None:
    """Write a mask as an 8-bit grey PNG of 0 and 255; raise OutputError if that fails."""
    write_bytes(path, _png(Image.fromarray(mask.astype(np.uint8) * np.uint8(255))))


def write_picture(path: str | os.PathLike[str], rgb: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write an RGB picture as PNG; raise OutputError if that fails."""
    write_bytes(path, _png(Image.fromarray(rgb)))


def write_json(path: str | os.PathLike[str], record: Mapping[str, Any]) -> None:
    """Write a record as JSON in UTF-8, indented, keys sorted.

    NumPy scalars and arrays, tuples, sets, paths, enumerations and dataclasses become what JSON has; NaN and infinity,
    which it has not, become null.

    Raises
    ------
    OutputError
        If a value is of another type, or the file cannot be written.
    """
    try:
        text = json.dumps(plain_json(record), ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    except TypeError as error:
        raise OutputError(f"{path} cannot be written: {error}.") from error
    # File names of a foreign encoding hold lone surrogates: written as \udcff they are valid JSON.
    write_bytes(path, f"{text}\n".encode("utf-8", "backslashreplace"))


def plain_json(value: Any) -> Any:
    """Return the value made of dict, list, str, int, finite float, bool and None; raise TypeError if it cannot be."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return _plain_collection(value)


def _plain_collection(value: Any) -> dict[str, Any] | list[Any]:
    """Return a dict or list of plain values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(plain_json(key)): plain_json(item) for key, item in value.items()}
    if isinstance(value, Set):
        value = sorted(value, key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain_json(item) for item in value]
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def _palette(colours: Sequence[RGB]) -> list[int]:
    """Return black for the background, then the colours, flat."""
    return [0, 0, 0, *(channel for colour in colours[:255] for channel in colour)]


def _png(picture: Image.Image) -> bytes:
    """Encode a picture as PNG."""
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()
