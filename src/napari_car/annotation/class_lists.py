"""Classes of other programs: COCO categories, lists of labels, YOLO's data.yaml, CSV tables."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from napari_car.errors import DocumentError, QueryError
from napari_car.io.colours import RGB
from napari_car.io.json_pieces import read_pieces
from napari_car.queries import Query

from .sheet import QuerySheet
from .sheet_entry import MAX_ID, quoted

NO_CLASSES = frozenset(["__ignore__", "_background_", "background"])
"""Names of labelme and Pascal VOC for what is of no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignClass:
    """A class as another program has it.

    Parameters
    ----------
    name : str
    id : int or None
        Its number there, if it has one that can be an id here.
    synonyms : tuple of str
    colour : RGB or None
    parent : str
        Name of the class that it is a kind of; empty for none, and not followed if there is no class of that name.
    notes : str
    """

    name: str
    id: int | None = None
    synonyms: tuple[str, ...] = ()
    colour: RGB | None = None
    parent: str = ""
    notes: str = ""


def read_classes(path: Path) -> tuple[ForeignClass, ...]:
    """Read classes of another program from a file, told by its ending.

    Parameters
    ----------
    path : Path
        ``.json`` with the ``categories`` of COCO; ``.yaml`` or ``.yml`` with the ``names`` of YOLO; ``.csv`` with a row
        of titles, of which ``name`` is needed, and ``id``, ``synonyms`` (with bars between them), ``colour``
        (``#rrggbb``), ``parent`` and ``notes`` are known; ``.txt`` with a name in each line.

    Raises
    ------
    DocumentError
        If it cannot be read, or holds no classes.
    """
    try:
        return _read(path)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path} cannot be opened: it is not a text in UTF-8.") from error
    except (OSError, DocumentError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DocumentError(f"{path} cannot be opened: {reason.rstrip('.')}.") from error


def add_classes(sheet: QuerySheet, classes: Iterable[ForeignClass]) -> tuple[QuerySheet, tuple[str, ...]]:
    """Add classes of another program to a list; they keep their ids where these are above all that were given in it.

    Parameters
    ----------
    sheet : QuerySheet
    classes : iterable of ForeignClass
        They are added in the order of their ids; those without one come last.

    Returns
    -------
    sheet : QuerySheet
    notes : tuple of str
        A sentence for each class that was not added, or not as it was.
    """
    notes: list[str] = []
    ids: dict[str, int] = {}
    parents: list[tuple[int, str]] = []
    for item in sorted(classes, key=lambda item: MAX_ID + 1 if item.id is None else item.id):
        wanted = item.id if item.id is not None and sheet.next_id <= item.id <= MAX_ID else None
        base = sheet if wanted is None else replace(sheet, next_id=wanted)
        added, said = base.added_each([" | ".join((item.name, *item.synonyms))])
        notes += said
        if len(added.entries) == len(base.entries):
            continue
        id_ = added.entries[-1].id
        sheet, ids[Query(item.name).key] = added, id_
        if item.id is not None and id_ != item.id:
            notes.append(f"{quoted(item.name)} has the id {id_} here, not {item.id}: that one was given before.")
        fields = {"colour": item.colour} if item.colour else {}
        sheet = sheet.changed(id_, notes=item.notes, **fields)
        parents.append((id_, item.parent))
    return _with_parents(sheet, parents, ids, notes), tuple(notes)


def _read(path: Path) -> tuple[ForeignClass, ...]:
    """Read classes from a file; errors give the reason only."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(f"the names of lists of classes end in {', '.join(_READERS)}")
    found = tuple(reader(path.read_text(encoding="utf-8-sig")))
    if not found:
        raise DocumentError("it holds no classes")
    return found


def _with_parents(
    sheet: QuerySheet, parents: Sequence[tuple[int, str]], ids: Mapping[str, int], notes: list[str]
) -> QuerySheet:
    """Return a list whose classes are kinds of others, as far as that is possible."""
    known = {Query(entry.class_name).key: entry.id for entry in sheet.entries} | dict(ids)
    for id_, name in parents:
        parent = known.get(Query(name).key, 0) if name else 0
        if parent and parent != id_:
            try:
                sheet = sheet.changed(id_, parent=parent)
            except QueryError as error:
                notes.append(str(error))
    return sheet


def _read_coco(text: str) -> Iterable[ForeignClass]:
    """Read the categories of COCO."""
    try:
        found = [(piece.value, piece.is_item) for piece in read_pieces(text) if piece.key == "categories"]
    except TypeError:
        found = []
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from error
    if not found or not all(isinstance(value, dict) if is_item else value == [] for value, is_item in found):
        raise DocumentError('it has no list of "categories", as COCO has them')
    for item in (value for value, is_item in found if is_item):
        if not isinstance(item.get("name"), str):
            raise DocumentError("a category has no name")
        parent = item.get("supercategory")
        yield ForeignClass(
            name=item["name"],
            id=_as_id(item.get("id")),
            parent=parent if isinstance(parent, str) and parent not in ("none", item["name"]) else "",
        )


def _read_yolo(text: str) -> Iterable[ForeignClass]:
    """Read the names of YOLO: a list, or a table of indices from 0; ids are one more."""
    try:
        record = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(f"it is not YAML: {' '.join(str(error).split())}") from error
    names = record.get("names") if isinstance(record, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(
        isinstance(index, int) and isinstance(name, str) for index, name in names.items()
    ):
        raise DocumentError('it has no "names" of classes, as YOLO has them')
    for index in sorted(names):
        yield ForeignClass(name=names[index], id=_as_id(index + 1))


def _read_lines(text: str) -> Iterable[ForeignClass]:
    """Read a name in each line, as labelme and Pascal VOC have them."""
    names = (line.strip() for line in text.splitlines())
    return (ForeignClass(name=name) for name in names if name and name.casefold() not in NO_CLASSES)


def _read_csv(text: str) -> Iterable[ForeignClass]:
    """Read a table with titles."""
    table = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    titles = {title.strip().casefold(): title for title in table.fieldnames or () if title}
    if "name" not in titles:
        raise DocumentError('it has no column "name"')
    for row in table:
        cells = {key: (row.get(title) or "").strip() for key, title in titles.items()}
        if not cells["name"]:
            continue
        yield ForeignClass(
            name=cells["name"],
            id=_as_id(_number(cells.get("id", ""), table.line_num)),
            synonyms=tuple(word.strip() for word in cells.get("synonyms", "").split("|") if word.strip()),
            colour=_colour(cells.get("colour") or cells.get("color") or "", table.line_num),
            parent=cells.get("parent", ""),
            notes=cells.get("notes", ""),
        )


def _number(cell: str, line: int) -> int | None:
    """Return a whole number; None for an empty cell."""
    if not cell:
        return None
    try:
        return int(cell)
    except ValueError as error:
        raise DocumentError(f"in line {line}, the id {cell!r} is not a whole number") from error


def _colour(cell: str, line: int) -> RGB | None:
    """Return a colour written as ``#rrggbb``; None for an empty cell."""
    if not cell:
        return None
    try:
        red, green, blue = bytes.fromhex(cell.removeprefix("#"))
    except ValueError as error:
        raise DocumentError(f'in line {line}, the colour {cell!r} is not one such as "#ff8800"') from error
    return red, green, blue


def _as_id(value: Any) -> int | None:
    """Return a number that can be an id."""
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID
    return value if is_id else None


_READERS: Mapping[str, Callable[[str], Iterable[ForeignClass]]] = {
    ".json": _read_coco,
    ".yaml": _read_yolo,
    ".yml": _read_yolo,
    ".csv": _read_csv,
    ".txt": _read_lines,
}
