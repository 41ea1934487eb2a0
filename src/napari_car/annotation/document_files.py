"""The TIFF files of a document: labels, whose pixels they are, and what they were before, plane by plane.

One page holds one plane, the last two axes; the other axes are run through in order, the last of them fastest.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Bool, Int32
from numpy.typing import NDArray

from napari_car.errors import DocumentError, OutputError, ResourceError
from napari_car.io.outputs import PartFile, explained, part_file
from napari_car.schema import Checked, within

from .label_layer import MAX_ID, LabelLayer, PixelSource

LABELS, HUMAN, AUTOMATIC = "labels", "human", "automatic"
"""Kinds of files; the names end in ``.labels.tif``, ``.human.tif`` and ``.automatic.tif``."""

HASH_DIGITS = 12
"""Of the hash, in the name: a new version never takes the name of the old one."""

SEPARATORS = frozenset("/\\\0")
"""Characters that stand between folders somewhere, or end a name."""

_BIG_TIFF_BYTES = 2**32 - 2**25
"""Pixels that might not fit into a TIFF file with 32-bit offsets."""
_PAGE_BYTES = 512
"""Bound on what a page needs beside its pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile(Checked):
    """A file as a document names it."""

    file: str
    """Its name, in the folder of the document."""
    bytes: int = within(0, 0)
    """Its size."""
    sha256: str
    """Hash of its content, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """The files of a layer by kind; None: no file, the rule of :class:`LabelLayer` holds."""

    labels: StoredFile
    human: StoredFile | None = None
    automatic: StoredFile | None = None

    @property
    def names(self) -> set[str]:
        """Names of the files."""
        return {stored.file for stored in (self.labels, self.human, self.automatic) if stored is not None}


Pages = Callable[[NDArray[Any]], NDArray[Any]]
PlaneReader = Callable[[tuple[int, ...]], NDArray[Any]]
"""Returns the plane at an index."""


class _LargeIds(Exception):  # noqa: N818
    """An id does not fit 16 bits."""


def write_files(document: Path, stem: str, layer: LabelLayer, names: set[str]) -> StoredLayer:
    """Write the files of a layer; each is whole before it has its name.

    Labels and automatic labels are uint16 if all ids fit, else int32; a person's pixels are bits. Automatic labels that
    are the labels get no file. Each plane of the labels is read once, once more if an id is larger than 65,535, and
    once more if there are automatic labels.

    Parameters
    ----------
    document : Path
        The files go to its folder.
    stem : str
        First part of their names.
    layer : LabelLayer
    names : set of str
        Each name is added before a file gets it, so that they are known when something fails.

    Raises
    ------
    OutputError
        If they cannot be written, or the labels are not ids.
    """
    sources = {LABELS: layer.labels}
    if layer.human is not None:
        sources[HUMAN] = layer.human
    if layer.automatic is not None and _differ(document, layer.automatic, layer.labels):
        sources[AUTOMATIC] = layer.automatic
    try:
        return _write_files(document, stem, sources, names, np.dtype(np.uint16))
    except _LargeIds:
        return _write_files(document, stem, sources, names, np.dtype(np.int32))


def read_labels(document: Path, stored: StoredFile, shape: tuple[int, ...]) -> Int32[np.ndarray, "..."]:
    """Read a label map of a known shape.

    Raises
    ------
    DocumentError
        If the file is missing, was changed, or holds something else.
    ResourceError
        If there is no memory for it.
    """
    return _read_pages(document, stored, shape, np.dtype(np.int32), _as_ids)


def read_human(document: Path, stored: StoredFile, shape: tuple[int, ...]) -> Bool[np.ndarray, "..."]:
    """Read which pixels are a person's; raises as :func:`read_labels` does."""
    return _read_pages(document, stored, shape, np.dtype(np.bool_), lambda page: page != 0)


def is_file_of(name: str, stem: str) -> bool:
    """Tell whether a name is one that :func:`write_files` gives to files of the document with this stem."""
    slug, _, ending = name.removeprefix(f"{stem}.").partition(".")
    digits, _, kind = ending.partition(".")
    is_hash = len(digits) == HASH_DIGITS and set(digits) <= set("0123456789abcdef")
    is_kind = kind in [f"{own}.tif" for own in (LABELS, HUMAN, AUTOMATIC)]
    return name.startswith(f"{stem}.") and bool(slug) and is_hash and is_kind


def _differ(document: Path, automatic: PixelSource, labels: PixelSource) -> bool:
    """Tell whether automatic labels are other than the labels anywhere."""
    return any(
        np.any(_read_plane(document, automatic, index) != _read_plane(document, labels, index))
        for index in np.ndindex(labels.shape[:-2])
    )


def _write_files(
    document: Path, stem: str, sources: Mapping[str, PixelSource], names: set[str], dtype: np.dtype[Any]
) -> StoredLayer:
    """Write a file of each kind, with ids of one type; raise _LargeIds if one does not fit."""
    with explained(document), ExitStack() as stack:
        parts = {kind: stack.enter_context(part_file(document.parent)) for kind in sources}
        files = [(part.stream, _plane_reader(document, kind, sources[kind], dtype)) for kind, part in parts.items()]
        _write_pages(sources[LABELS].shape, dtype, files)
        return StoredLayer(**{kind: _commit(document, stem, kind, part, names) for kind, part in parts.items()})


def _plane_reader(document: Path, kind: str, source: PixelSource, dtype: np.dtype[Any]) -> PlaneReader:
    """Return what gives the planes of a source as the file of a kind holds them."""
    return partial(_read_bits, document, source) if kind == HUMAN else partial(_read_ids, document, source, dtype)


def _write_pages(
    shape: tuple[int, ...], dtype: np.dtype[Any], files: Sequence[tuple[BufferedRandom, PlaneReader]]
) -> None:
    """Write plane after plane, each into all open files."""
    n_pixels, n_pages = math.prod(shape), math.prod(shape[:-2])
    is_big = n_pixels * dtype.itemsize + n_pages * _PAGE_BYTES > _BIG_TIFF_BYTES
    with ExitStack() as stack:
        writers = [
            (stack.enter_context(tifffile.TiffWriter(stream, bigtiff=is_big, shaped=False)), read)
            for stream, read in files
        ]
        for number, index in enumerate(np.ndindex(shape[:-2])):
            # The first page tells programs that know it the shape of the whole.
            description = json.dumps({"shape": shape}) if number == 0 else None
            for writer, read in writers:
                writer.write(
                    read(index), photometric="minisblack", compression="zlib", metadata=None, description=description
                )


def _read_ids(document: Path, labels: PixelSource, dtype: np.dtype[Any], index: tuple[int, ...]) -> NDArray[Any]:
    """Return a plane of labels in a type that holds its ids."""
    plane = _read_plane(document, labels, index)
    if plane.dtype.kind not in "iub":
        raise OutputError(f"{document} cannot be written: labels must be whole numbers, not {plane.dtype}.")
    lowest, highest = int(plane.min()), int(plane.max())
    if lowest < 0 or highest > MAX_ID:
        raise OutputError(
            f"{document} cannot be written: labels are from 0 to {MAX_ID}, but here from {lowest} to {highest}."
        )
    if highest > np.iinfo(dtype).max:
        raise _LargeIds
    return plane.astype(dtype)


def _read_bits(document: Path, human: PixelSource, index: tuple[int, ...]) -> NDArray[Any]:
    """Return a plane of bits."""
    return _read_plane(document, human, index).astype(np.bool_)


def _read_plane(document: Path, source: PixelSource, index: tuple[int, ...]) -> NDArray[Any]:
    """Return a plane in memory."""
    try:
        return np.asarray(source[index])
    # What is computed when it is asked for can fail in any way.
    except Exception as error:
        raise OutputError(f"{document} cannot be written: its labels cannot be computed: {error!r}.") from error


def _commit(document: Path, stem: str, kind: str, part: PartFile, names: set[str]) -> StoredFile:
    """Give a file that is written the name of its content."""
    n_bytes = part.stream.seek(0, 2)
    part.stream.seek(0)
    digest = hashlib.file_digest(part.stream, "sha256").hexdigest()
    name = f"{stem}.{digest[:HASH_DIGITS]}.{kind}.tif"
    names.add(name)
    part.commit(document.with_name(name))
    return StoredFile(file=name, bytes=n_bytes, sha256=digest)


def _read_pages(
    document: Path, stored: StoredFile, shape: tuple[int, ...], dtype: np.dtype[Any], convert: Pages
) -> NDArray[Any]:
    """Read all pages into one array."""
    path = _checked_path(document, stored.file)
    try:
        with path.open("rb") as stream:
            _check_content(stored, stream)
            with tifffile.TiffFile(stream) as tiff:
                _check_shape(stored, tiff, shape)
                pixels = np.empty(shape, dtype)
                for index, page in zip(np.ndindex(shape[:-2]), tiff.pages, strict=True):
                    pixels[index] = convert(page.asarray())
                return pixels
    except DocumentError:
        raise
    except MemoryError as error:
        raise ResourceError(f"There is too little memory for the labels of {document}.") from error
    # A damaged file makes the decoders raise almost anything, from IndexError to zlib.error.
    except Exception as error:
        raise DocumentError(f"its file {path.name} cannot be decoded: {error}") from error


def _checked_path(document: Path, name: str) -> Path:
    """Return the path of a file in the document's folder; refuse every other place, and what is no file."""
    is_plain = Path(name).name == name and not set(name) & SEPARATORS
    if not is_plain or not name.endswith(".tif"):
        raise DocumentError(f"it refers to {name!r}, but only TIFF files in its own folder are allowed")
    path = document.with_name(name)
    if not path.is_file():
        raise DocumentError(f"its file {name} is missing: put it into the same folder")
    return path


def _check_content(stored: StoredFile, stream: BufferedReader) -> None:
    """Raise DocumentError unless a file is the one that was written; leave it at its start."""
    n_bytes = stream.seek(0, 2)
    if n_bytes < stored.bytes:
        raise DocumentError(f"its file {stored.file} has {n_bytes} of {stored.bytes} bytes: copy it here once more")
    stream.seek(0)
    if hashlib.file_digest(stream, "sha256").hexdigest() != stored.sha256.lower():
        raise DocumentError(
            f"another program has changed its file {stored.file}: put back the one that was saved with it, or open the "
            "TIFF file by itself as labels"
        )
    stream.seek(0)


def _check_shape(stored: StoredFile, tiff: tifffile.TiffFile, shape: tuple[int, ...]) -> None:
    """Raise DocumentError unless a file has the pages of an array of this shape."""
    if len(tiff.pages) != math.prod(shape[:-2]) or {page.shape for page in tiff.pages} != {shape[-2:]}:
        raise DocumentError(f"its file {stored.file} does not hold pixels of the shape {shape}")


def _as_ids(page: NDArray[Any]) -> NDArray[Any]:
    """Return a page that holds ids and nothing else."""
    if page.dtype.kind not in "iub":
        raise DocumentError(f"a label file holds pixels of the type {page.dtype}, not ids")
    lowest, highest = int(page.min()), int(page.max())
    if lowest < 0 or highest > MAX_ID:
        raise DocumentError(f"a label file holds numbers from {lowest} to {highest}, but ids are from 0 to {MAX_ID}")
    return page
