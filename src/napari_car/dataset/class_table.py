"""The tables beside label files: ``classes.csv`` names the classes, ``images.csv`` the images."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError
from napari_car.io.colours import RGB
from napari_car.io.outputs import write_bytes

from .class_names import classes_of
from .class_numbers import FoundClass

CLASSES, IMAGES = "classes.csv", "images.csv"
"""Names of the tables."""

_IMAGE_COLUMNS = ("name", "file", "split", "height_px", "width_px")
_MAX_SIDE_PX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ListedImage:
    """A row of ``images.csv``.

    Parameters
    ----------
    name : str
    file : str
        Path of the image from the folder of the table, with ``/``; empty if the data set does not hold it.
    split : str
    size_px : tuple of int
        Height and width.
    """

    name: str
    file: str
    split: str
    size_px: tuple[int, int]


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV in UTF-8; raise OutputError if that fails."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table that was written as CSV in UTF-8; raise DocumentError if that fails."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            return [
                {key: value or "" for key, value in row.items() if key is not None}
                for row in csv.DictReader(stream, strict=True)
            ]
    except FileNotFoundError as error:
        raise DocumentError(f"There is no {path.name} in {path.parent}: choose the folder of the data set.") from error
    except (OSError, csv.Error) as error:
        raise DocumentError(f"{path} cannot be read as a table: {error}.") from error


def write_classes(folder: Path, ontology: QuerySheet, folders: Mapping[int, str] | None = None) -> Path:
    """Write the table of classes: id, name, colour as ``#rrggbb``, and folder if classes have folders; return its path.

    Parameters
    ----------
    folder : Path
    ontology : QuerySheet
    folders : mapping of int to str, optional
        Name of the folder of each class by its id.
    """
    path = folder / CLASSES
    columns = ("id", "name", "colour") if folders is None else ("id", "name", "colour", "folder")
    rows = [
        (entry.id, entry.class_name, _write_colour(entry.colour), *([] if folders is None else [folders[entry.id]]))
        for entry in classes_of(ontology).values()
    ]
    write_table(path, columns, rows)
    return path


def read_classes(folder: Path) -> tuple[FoundClass, ...]:
    """Read the table of classes; the colour and the folder may be missing.

    Raises
    ------
    DocumentError
        If there is none, or it cannot be understood.
    """
    path = folder / CLASSES
    return tuple(
        FoundClass(
            _read_whole(path, row.get("id", ""), "id"),
            _read_name(path, row),
            read_colour(path, row["colour"]) if row.get("colour") else None,
            row.get("folder", ""),
        )
        for row in read_table(path)
    )


def write_images(folder: Path, images: Iterable[ListedImage]) -> Path:
    """Write the table of images; return its path."""
    path = folder / IMAGES
    write_table(path, _IMAGE_COLUMNS, ((image.name, image.file, image.split, *image.size_px) for image in images))
    return path


def read_images(folder: Path) -> tuple[ListedImage, ...]:
    """Read the table of images; raise DocumentError if there is none, or it cannot be understood."""
    path = folder / IMAGES
    return tuple(
        ListedImage(
            _read_name(path, row),
            row.get("file", ""),
            row.get("split", ""),
            (
                _read_whole(path, row.get("height_px", ""), "height_px"),
                _read_whole(path, row.get("width_px", ""), "width_px"),
            ),
        )
        for row in read_table(path)
    )


def read_colour(path: Path, text: str) -> RGB:
    """Read a colour as ``#rrggbb``; raise DocumentError, which names the file, if it is none."""
    digits = text.removeprefix("#")
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError as error:
        raise DocumentError(f"{path} has the colour {text!r}: write colours as #rrggbb.") from error
    return red, green, blue


def _write_colour(colour: RGB) -> str:
    """Return a colour as ``#rrggbb``."""
    return f"#{bytes(colour).hex()}"


def _read_name(path: Path, row: Mapping[str, str]) -> str:
    """Return the name in a row."""
    if not row.get("name"):
        raise DocumentError(f"{path} has a row without a name: give each one in the column name.")
    return row["name"]


def _read_whole(path: Path, text: str, column: str) -> int:
    """Return a number that is not negative."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_SIDE_PX)) and int(text) <= _MAX_SIDE_PX):
        raise DocumentError(f"{path} has {text!r} in the column {column}, which must hold whole numbers.")
    return int(text)
