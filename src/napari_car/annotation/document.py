"""Documents: label layers in files of their own, with all that an image file of labels would lose.

A document ``cells.car.json`` is a JSON file (strict, in UTF-8) with TIFF files beside it::

    cells.car.json
    cells.nuclei.0f3a9c27d41b.labels.tif
    cells.nuclei.77e01b52c8aa.human.tif
    cells.nuclei.c54d80e6f192.automatic.tif

The JSON names everything else:

``format``, ``version``
    ``"napari-car"`` and 1. A reader refuses larger versions, and passes over keys that it does not know.
``written_by``
    Program and version, for people.
``created``, ``saved``
    When it was written first and last, as ``2026-11-30T09:15:02+00:00``; missing if that is not known.
``spent_s``
    Seconds that people have worked on it, as far as that was measured.
``layers``
    A list, from the lowest layer to the highest. Each has

    ``name``, ``shape``
        Name of the layer; pixels along each of its two or more axes.
    ``labels``
        The TIFF file of the ids, as ``file`` (a plain name, in the same folder), ``bytes`` and ``sha256``. uint16 or
        int32, zlib, one page for each plane of the last two axes. Its name holds the layer's and the beginning of
        its hash.
    ``human``
        The TIFF file, of one bit per pixel, of what a person has painted or erased; ``null``: all pixels but the
        background.
    ``automatic``
        The TIFF file of the ids that the program wrote last, of the type of the labels'. It counts at a person's pixels
        only, whatever it holds elsewhere, and where it is equal to the labels there, it is not known what was written.
        ``null``: that is known of none of them.
    ``colours``, ``other_colour``, ``colour_cycle``
        Colour by id, as ``"#rrggbb"`` or ``"#rrggbbaa"``; that of other ids; or, instead of colours by id, those of
        the ids from 1, over and over.
    ``features``
        The table of labels, as ``columns`` and ``rows``; ``null`` where a value is missing. ``index`` is the id,
        ``class`` its name.
    ``transform``
        ``scale``, ``translate``, ``rotate``, ``shear``, ``affine``, ``units``, ``axis_labels``, as
        :class:`~napari_car.annotation.label_layer.Transform` has them; what is missing is none.
    ``display``
        ``opacity``, ``contour``, ``blending``, ``visible``.
    ``provenance``
        What the labels come from: name of the ``image``, ``queries``, ``runs``; and what was corrected: the table of
        ``instances``, which queries were ``checked``, the ``agreement`` of each with its automatic labels.

A document is replaced in one step. TIFF files with new content have new names, so they stand beside the old ones until
the JSON, which is written last and renamed into its place, names them; then the old ones are removed. Wherever that
is interrupted, the JSON that is there, old or new, names files that are whole. What was interrupted leaves at worst a
file that nothing names.
"""

import dataclasses
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_car import __version__
from napari_car.errors import DocumentError, OutputError
from napari_car.io.outputs import sync_folder, write_bytes
from napari_car.io.slugs import unique_slugs

from .document_files import SEPARATORS, is_file_of, read_human, read_labels, write_files
from .document_json import History, LayerRecord, layer_record, parse_text, write_text
from .label_layer import LabelLayer

SUFFIX = ".car.json"

# Two writers of one document would remove each other's files.
_writing = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """What a document holds."""

    layers: tuple[LabelLayer, ...]
    """From the lowest to the highest."""
    written_by: str = ""
    """Program and version that wrote it; empty before it is written."""
    created: str = ""
    """When it was written first, in ISO 8601; empty before it is written, or if that is not known."""
    saved: str = ""
    """When it was written last, in ISO 8601; empty before it is written, or if that is not known."""
    spent_s: float = 0.0
    """Time that people have worked on it, in seconds."""

    @property
    def is_corrected(self) -> bool:
        """Whether a person has worked on one of its layers."""
        return any(layer.is_corrected for layer in self.layers)


def write_document(path: str | os.PathLike[str], document: Document) -> tuple[Path, ...]:
    """Write a document, replacing one that exists, in one step.

    Parameters
    ----------
    path
        Ends in ``.car.json``.
    document : Document
        It keeps the time when it was written first, if it has one.

    Returns
    -------
    tuple of Path
        Its files, the JSON first.

    Raises
    ------
    OutputError
        If it cannot be written, or the labels are not ids; an older document stays as it was.
    """
    path = Path(path)
    stem = _checked_stem(path)
    with _writing:
        before, new = _names_in(path) or set(), set[str]()
        try:
            slugs = unique_slugs([layer.name for layer in document.layers])
            records = [
                layer_record(layer, write_files(path, f"{stem}.{slug}", layer, new))
                for layer, slug in zip(document.layers, slugs, strict=True)
            ]
            now = datetime.now(tz=UTC).isoformat(timespec="seconds")
            history = History(f"napari-car {__version__}", document.created or now, now, document.spent_s)
            text = write_text(records, history)
            sync_folder(path.parent)
            # File names of a foreign encoding hold lone surrogates: written as \udcff they are valid JSON.
            write_bytes(path, text.encode("utf-8", "backslashreplace"))
            sync_folder(path.parent)
        finally:
            _remove_unused(path, stem, before | new)
    return path, *(path.with_name(name) for name in sorted(new))


def read_document(path: str | os.PathLike[str]) -> Document:
    """Read a document with all its pixels.

    Raises
    ------
    DocumentError
        If it is not there, not a document, or of a newer napari-car, or one of its files is missing or was changed.
    ResourceError
        If there is no memory for it.
    """
    path = Path(path)
    with _explained(path):
        records, history = parse_text(_read_text(path))
        layers = tuple(_read_layer(path, record) for record in records)
    return Document(layers=layers, **dataclasses.asdict(history))


def read_records(path: str | os.PathLike[str]) -> tuple[tuple[LayerRecord, ...], History]:
    """Read what a document says of its layers and of itself, without any pixels; DocumentError if it cannot be read."""
    path = Path(path)
    with _explained(path):
        return parse_text(_read_text(path))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say which document cannot be read."""
    try:
        yield
    except (DocumentError, RecursionError) as error:
        raise DocumentError(f"{path} cannot be opened: {str(error).rstrip('.')}.") from error


def _checked_stem(path: Path) -> str:
    """Return the name of a document without its ending."""
    if not path.name.lower().endswith(SUFFIX) or len(path.name) == len(SUFFIX):
        raise OutputError(f"{path} cannot be written: the name of a document must end in {SUFFIX}.")
    if set(path.name) & SEPARATORS:
        raise OutputError(f"{str(path)!r} cannot be written: choose a name without special characters.")
    return path.name[: -len(SUFFIX)]


def _read_text(path: Path) -> str:
    """Return the text of a file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DocumentError("there is no such file") from error
    except UnicodeDecodeError as error:
        raise DocumentError("it is not a text in UTF-8") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise DocumentError(getattr(error, "strerror", None) or str(error)) from error


def _read_layer(path: Path, record: LayerRecord) -> LabelLayer:
    """Return a layer with its pixels."""
    labels = read_labels(path, record.files.labels, record.shape)
    human = None if record.files.human is None else read_human(path, record.files.human, record.shape)
    automatic = None if record.files.automatic is None else read_labels(path, record.files.automatic, record.shape)
    return LabelLayer(labels=labels, human=human, automatic=automatic, **record.fields)


def _names_in(path: Path) -> set[str] | None:
    """Return the names of the files that the document there uses; None if it cannot be read."""
    if not os.path.lexists(path):
        return set()
    try:
        layers, _ = parse_text(_read_text(path))
    except DocumentError:
        return None
    return {name for layer in layers for name in layer.files.names}


def _remove_unused(path: Path, stem: str, names: Iterable[str]) -> None:
    """Remove those files of the document that it does not use: of the old version, or of a new one that failed."""
    used = _names_in(path)
    if used is None:
        return
    for name in names:
        if name not in used and is_file_of(name, stem):
            with suppress(OSError):  # another program holds it open
                path.with_name(name).unlink()
