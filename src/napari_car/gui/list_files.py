"""Files of lists of queries: texts, ontologies, and classes of other programs."""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_car.annotation.class_lists import add_classes, read_classes
from napari_car.annotation.ontology_file import read_ontology, write_ontology
from napari_car.annotation.query_text import read_lines
from napari_car.annotation.sheet import QuerySheet

Notes = tuple[str, ...]
"""Sentences for the user."""

_ONTOLOGIES = "Ontologies (*.toml *.json);;All files (*)"
_TEXTS = "Text (*.txt);;All files (*)"
_CLASSES = "COCO, YOLO, tables and lists (*.json *.yaml *.yml *.csv *.txt);;All files (*)"


def load_list(sheet: QuerySheet, path: Path) -> tuple[QuerySheet, Notes]:
    """Add the queries of a text file, one per line, as the command line reads them; raise QueryError if it cannot."""
    return sheet.added_each(read_lines(path))


def open_ontology(_: QuerySheet, path: Path) -> tuple[QuerySheet, Notes]:
    """Return the list of an ontology in the place of another; raise DocumentError if it is none."""
    opened = read_ontology(path).as_another()
    return opened, () if opened.entries else (f"{path.name} holds no classes yet.",)


def import_classes(sheet: QuerySheet, path: Path) -> tuple[QuerySheet, Notes]:
    """Add the classes of another program's file; raise DocumentError if it holds none."""
    return add_classes(sheet, read_classes(path))


def save_ontology(sheet: QuerySheet, path: Path) -> tuple[QuerySheet, Notes]:
    """Write the list as an ontology, by default as TOML; raise OutputError if it cannot be written."""
    target = path if path.suffix else path.with_suffix(".toml")
    write_ontology(target, sheet)
    return sheet, (f"Saved as {target.name}.",)


FileAction = Callable[[QuerySheet, Path], tuple[QuerySheet, Notes]]

READERS: dict[str, tuple[FileAction, str]] = {
    "Load list…": (load_list, _TEXTS),
    "Open ontology…": (open_ontology, _ONTOLOGIES),
    "Import classes…": (import_classes, _CLASSES),
}
"""What can be done with a file that is there, and files that fit, by what it is called in the menu."""

WRITERS: dict[str, tuple[FileAction, str]] = {"Save ontology…": (save_ontology, _ONTOLOGIES)}
"""The same with a file that is to be."""


def ask_for_file(title: str, parent: QWidget) -> Path | None:
    """Ask which file an entry of :data:`READERS` or :data:`WRITERS` is about; None if a person gives up."""
    if title in WRITERS:
        name, _ = QFileDialog.getSaveFileName(parent, title.rstrip("…"), "ontology.toml", WRITERS[title][1])
    else:
        name, _ = QFileDialog.getOpenFileName(parent, title.rstrip("…"), "", READERS[title][1])
    return Path(name) if name else None
