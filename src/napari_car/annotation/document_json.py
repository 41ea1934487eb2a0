"""The JSON of a document: its text, and its parts turned into JSON and back, each checked."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from napari_car.errors import CaRError, DocumentError

from .document_files import StoredFile, StoredLayer
from .label_layer import LabelLayer, Transform, known_fields, parse_colour, parse_display, write_colour

K = TypeVar("K")

FORMAT = "napari-car"
VERSION = 1
"""Raised when a reader that does not know the change would read something wrong."""

_LINE = 110
"""Lists and tables up to this length stand on one line."""


@dataclass(frozen=True, slots=True)
class History:
    """What the JSON says of the document as a whole; see :class:`~napari_car.annotation.document.Document`."""

    written_by: str = ""
    created: str = ""
    saved: str = ""
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """A layer as the JSON names it, without pixels."""

    shape: tuple[int, ...]
    files: StoredLayer
    fields: Mapping[str, Any]
    """Arguments of :class:`LabelLayer`."""


def layer_record(layer: LabelLayer, files: StoredLayer) -> dict[str, Any]:
    """Return what the JSON holds of a layer."""
    transform = {spec.name: getattr(layer.transform, spec.name) for spec in dataclasses.fields(Transform)}
    return {
        "name": layer.name,
        "shape": list(layer.shape),
        "labels": dataclasses.asdict(files.labels),
        "human": None if files.human is None else dataclasses.asdict(files.human),
        "automatic": None if files.automatic is None else dataclasses.asdict(files.automatic),
        "colours": {str(id_): write_colour(layer.colours[id_]) for id_ in sorted(layer.colours)},
        "other_colour": write_colour(layer.other_colour),
        "colour_cycle": [write_colour(colour) for colour in layer.colour_cycle],
        "features": {
            "columns": list(layer.features),
            "rows": [list(row) for row in zip(*layer.features.values(), strict=True)],
        },
        "transform": {name: value for name, value in transform.items() if value},
        "display": dataclasses.asdict(layer.display),
        "provenance": layer.provenance,
    }


def write_text(layers: Sequence[Mapping[str, Any]], history: History) -> str:
    """Return the text of a document.

    Parameters
    ----------
    layers : sequence of dict
        As :func:`layer_record` makes them.
    history : History
    """
    about = dataclasses.asdict(history) | {"spent_s": round(history.spent_s, 1)}
    record = {"format": FORMAT, "version": VERSION, **about, "layers": list(layers)}
    return _layout(record, "", 0) + "\n"


def parse_text(text: str) -> tuple[tuple[LayerRecord, ...], History]:
    """Read the text of a document; return its layers, and when and by what it was written.

    Raises
    ------
    DocumentError
        If it is not one, or a part of it is wrong. The text is only the reason.
    """
    record = _parse_json(text)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise DocumentError("it is JSON, but not a document of napari-car")
    version = record.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DocumentError(f"its version, {version!r}, is not a number from 1")
    if version > VERSION:
        raise DocumentError(f"it was written by a newer napari-car (format {version}): update napari-car to open it")
    layers = []
    for number, item in enumerate(_get(record, "layers", list), start=1):
        try:
            layers.append(_parse_layer(item))
        except CaRError as error:
            raise DocumentError(f"in layer {number}, {str(error).rstrip('.')}") from error
    return tuple(layers), _parse_history(record)


def _parse_history(record: Mapping[str, Any]) -> History:
    """Read what is said of the document as a whole."""
    texts = {key: _get(record, key, str, "") for key in ("written_by", "created", "saved")}
    for key in ("created", "saved"):
        try:
            if texts[key]:
                datetime.fromisoformat(texts[key])
        except ValueError as error:
            raise DocumentError(f'"{key}", {texts[key]!r}, is not a time such as 2026-11-30T09:15:02+00:00') from error
    spent_s = record.get("spent_s", 0.0)
    if not isinstance(spent_s, int | float) or isinstance(spent_s, bool) or not 0 <= spent_s < math.inf:
        raise DocumentError(f'"spent_s", {spent_s!r}, is not a number of seconds')
    return History(**texts, spent_s=float(spent_s))


def _parse_json(text: str) -> Any:
    """Read strict JSON."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(f"it is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and infinity, which JSON does not have."""
    raise ValueError(f"{name} is no value")


def _parse_layer(record: Any) -> LayerRecord:
    """Read a layer."""
    if not isinstance(record, dict):
        raise DocumentError("there is no table of parts")
    shape = _get(record, "shape", list)
    if not all(isinstance(length, int) and not isinstance(length, bool) and length > 0 for length in shape):
        raise DocumentError(f"the shape {shape} is not made of whole numbers from 1")
    files = StoredLayer(
        labels=_parse_file(_get(record, "labels", dict)),
        human=None if record.get("human") is None else _parse_file(_get(record, "human", dict)),
        automatic=None if record.get("automatic") is None else _parse_file(_get(record, "automatic", dict)),
    )
    fields = {
        "name": _get(record, "name", str),
        "colours": _parse_colours(_get(record, "colours", dict, {})),
        "colour_cycle": [parse_colour(text) for text in _get(record, "colour_cycle", list, [])],
        "features": _parse_features(_get(record, "features", dict, {})),
        "transform": Transform(**known_fields(Transform, _get(record, "transform", dict, {}))),
        "display": parse_display(_get(record, "display", dict, {})),
        "provenance": _get(record, "provenance", dict, {}),
    }
    if "other_colour" in record:
        fields["other_colour"] = parse_colour(record["other_colour"])
    return LayerRecord(tuple(shape), files, fields)


def _parse_file(record: Mapping[str, Any]) -> StoredFile:
    """Read the mention of a file."""
    missing = {"file", "bytes", "sha256"} - set(record)
    if missing:
        raise DocumentError(f"a file is named without {', '.join(sorted(missing))}")
    return StoredFile(**known_fields(StoredFile, record))


def _parse_colours(record: Mapping[str, Any]) -> dict[int, Any]:
    """Read the colours of ids."""
    for id_ in record:
        if not (id_.isascii() and id_.isdecimal() and len(id_) <= 10):
            raise DocumentError(f"a colour is given to {id_!r}, which is not an id")
    return {int(id_): parse_colour(text) for id_, text in record.items()}


def _parse_features(record: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Read the table of labels."""
    columns, rows = _get(record, "columns", list, []), _get(record, "rows", list, [])
    if not all(isinstance(name, str) for name in columns) or len(set(columns)) < len(columns):
        raise DocumentError("the columns of the features are not texts that differ")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise DocumentError(f"a row of the features does not have {len(columns)} values")
    return {name: tuple(row[place] for row in rows) for place, name in enumerate(columns)}


def _get(record: Mapping[str, Any], key: str, kind: type[K], default: K | None = None) -> K:
    """Return a part of a known kind; None as default: it must be there."""
    value = record.get(key, default)
    if not isinstance(value, kind):
        names = {"list": "a list", "dict": "a table", "str": "a text"}
        raise DocumentError(f'"{key}" is missing' if key not in record else f'"{key}" is not {names[kind.__name__]}')
    return value


def _layout(value: Any, indent: str, taken: int) -> str:
    """Write JSON so that a person can read it, and a change of one row changes one line."""
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list | tuple) or len(indent) + taken + len(flat) <= _LINE:
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        keys = [f"{json.dumps(str(key), ensure_ascii=False)}: " for key in value]
        lines = [key + _layout(item, deeper, len(key)) for key, item in zip(keys, value.values(), strict=True)]
    elif any(isinstance(item, dict | list | tuple) for item in value):
        lines = [_layout(item, deeper, 0) for item in value]
    else:
        lines = _fill([json.dumps(item, ensure_ascii=False) for item in value], _LINE - len(deeper))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(lines) + f"\n{indent}{closing}"


def _fill(words: Sequence[str], width: int) -> list[str]:
    """Join words by commas to lines that are not longer than the width, except where one word is."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 2 <= width:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines
