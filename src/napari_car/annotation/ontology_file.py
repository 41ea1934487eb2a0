"""Ontologies: lists of queries as files, which drive labels, tables and data sets.

A file ``plants.toml`` or ``plants.json`` holds ``format`` and ``version``, ``next_id``, and a table ``classes`` for
each class; ``ontology.schema.json`` in this package says it exactly, in JSON Schema. Ids belong to a class for ever:
one that was removed is never given again.
"""

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w

from napari_car.errors import DocumentError, OutputError, QueryError
from napari_car.io.outputs import write_bytes

from .sheet import QuerySheet

FORMAT, VERSION = "napari-car-ontology", 1
SUFFIXES = (".toml", ".json")
"""Endings of the names of ontologies."""

_UNSAID = {"synonyms": [], "role": "query", "group": "thing", "enabled": True, "name": "", "templates": []} | {
    "parent": 0,
    "notes": "",
}
"""What is left out of a file where it is so."""


def write_ontology(path: str | os.PathLike[str], sheet: QuerySheet) -> Path:
    """Write a list of queries as an ontology, replacing a file that exists, in one step.

    Parameters
    ----------
    path
        Ends in ``.toml`` or ``.json``.
    sheet : QuerySheet

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = Path(path)
    record = to_record(sheet)
    if path.suffix.lower() == ".toml":
        text = tomli_w.dumps(record, multiline_strings=True)
    elif path.suffix.lower() == ".json":
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    else:
        raise OutputError(f"{path} cannot be written: the name of an ontology ends in {' or '.join(SUFFIXES)}.")
    write_bytes(path, text.encode())
    return path


def read_ontology(path: str | os.PathLike[str]) -> QuerySheet:
    """Read an ontology.

    Raises
    ------
    DocumentError
        If it is not there, not an ontology, of a newer napari-car, or a part of it is wrong.
    """
    path = Path(path)
    try:
        return from_record(_load(path))
    except (DocumentError, QueryError) as error:
        raise DocumentError(f"{path} cannot be opened: {str(error).rstrip('.')}.") from error


def to_record(sheet: QuerySheet) -> dict[str, Any]:
    """Return an ontology as TOML and JSON hold it."""
    classes = [
        {key: value for key, value in entry.to_dict().items() if key not in _UNSAID or value != _UNSAID[key]}
        for entry in sheet.entries
    ]
    return {"format": FORMAT, "version": VERSION, "next_id": sheet.next_id, "classes": classes}


def from_record(record: Any) -> QuerySheet:
    """Build a list of queries from :func:`to_record`.

    Raises
    ------
    DocumentError, QueryError
        If it is none; the text is the reason only.
    """
    if not isinstance(record, Mapping) or record.get("format") != FORMAT:
        raise DocumentError("it is not an ontology of napari-car")
    version = record.get("version")
    if isinstance(version, int) and version > VERSION:
        raise DocumentError(f"it was written by a newer napari-car (version {version}): update napari-car to open it")
    if version != VERSION or isinstance(version, bool):
        raise DocumentError(f"its version is {version!r}, not {VERSION}")
    unknown = set(record) - {"format", "version", "next_id", "classes", "$schema"}
    if unknown:
        raise DocumentError(f"it holds {', '.join(sorted(unknown))}, which an ontology does not have")
    return QuerySheet.from_dict({"next_id": record.get("next_id"), "entries": record.get("classes", [])})


def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of ontologies."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("ontology.schema.json").read_text(encoding="utf-8"))
    return schema


def _load(path: Path) -> Any:
    """Return what a file holds."""
    parsers: dict[str, Callable[[str], Any]] = {".toml": tomllib.loads, ".json": json.loads}
    parse = parsers.get(path.suffix.lower())
    if parse is None:
        raise DocumentError(f"the name of an ontology ends in {' or '.join(SUFFIXES)}")
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DocumentError("there is no such file") from error
    except UnicodeDecodeError as error:
        raise DocumentError("it is not a text in UTF-8") from error
    except OSError as error:
        raise DocumentError(error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:  # of both parsers
        raise DocumentError(f"it is not {path.suffix[1:].upper()}: {error}") from error
