"""What this plugin knows of a label layer turned into the provenance of a document, and back."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from napari_car.annotation.correction.agreement import measure_agreement
from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.label_layer import MAX_ID, LabelLayer
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.sheet_entry import SheetEntry
from napari_car.errors import DocumentError, QueryError
from napari_car.io.outputs import plain_json

from .layer_notes import CHECKED, INSTANCES, KEY

AGREEMENT = "agreement"
"""Where provenance tells how far the labels of each query are still the automatic ones."""

_UNSAVED = frozenset(["ledger", "colours", "contour", "image_uid", INSTANCES, AGREEMENT])
"""What a layer's notes hold that is saved elsewhere or in another form, or means nothing in another session."""

_logger = logging.getLogger(__name__)


def read_notes(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what this plugin knows of a layer with these attributes."""
    notes = state.get("metadata", {}).get(KEY)
    return notes if isinstance(notes, Mapping) else {}


def read_instances(notes: Mapping[str, Any]) -> InstanceTable:
    """Return the instances that are noted of a layer; an empty table if there are none."""
    table = notes.get(INSTANCES)
    return table if isinstance(table, InstanceTable) else InstanceTable()


def make_provenance(notes: Mapping[str, Any], labels: Any, ledger: Ledger | None, name: str) -> dict[str, Any]:
    """Return what a document is to hold of what is known of a layer.

    Parameters
    ----------
    notes : mapping
        What is known.
    labels : array
        The layer's labels.
    ledger : Ledger, optional
        What the program wrote; only with it, and labels in memory, can the agreement of each query be measured.
    name : str
        Of the layer.
    """
    provenance = {key: value for key, value in notes.items() if key not in _UNSAVED}
    table = read_instances(notes)
    if table != InstanceTable():
        provenance[INSTANCES] = table.to_dict()
    if ledger is not None and isinstance(labels, np.ndarray):
        agreement = _measure(ledger, labels, notes.get("queries", []), table)
        provenance |= {AGREEMENT: agreement} if agreement else {}
    return keep_savable(provenance, name)


def make_notes(layer: LabelLayer) -> dict[str, Any]:
    """Return what is known of a layer that was read from a document.

    Its agreement is left out: it holds for the moment at which it was saved, and is measured again at the next.

    Raises
    ------
    DocumentError
        If a part of it is wrong.
    """
    notes: dict[str, Any] = {key: value for key, value in layer.provenance.items() if key != AGREEMENT}
    for key, (what, parse) in _PARSERS.items():
        if key in notes:
            try:
                notes[key] = parse(notes[key])
            except (QueryError, TypeError) as error:
                raise DocumentError(f'the {what} of the layer "{layer.name}" cannot be read: {error}') from error
    return notes


def keep_savable(parts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return those parts of a layer that JSON can hold; those of other types, which only other programs add, are not.

    Parameters
    ----------
    parts : mapping
    name : str
        Of the layer, for the warning that a part is left out.
    """
    kept = {}
    for key, value in parts.items():
        try:
            kept[key] = plain_json(value)
        except TypeError as error:
            _logger.warning('"%s" of the layer "%s" is not saved: %s.', key, name, error)
    return kept


def _measure(ledger: Ledger, labels: np.ndarray, queries: Any, instances: InstanceTable) -> list[dict[str, Any]]:
    """Return the agreement of each query that has a mask; none if the list of queries is not one."""
    try:
        entries = [SheetEntry.from_dict(entry) for entry in queries]
    except (QueryError, TypeError):
        return []
    texts = {entry.id: entry.text for entry in entries if entry.role == "query"}
    found = measure_agreement(ledger.automatic(), labels, texts, instances) if texts else {}
    return [{"query": id_, "text": texts[id_], **agreement.to_dict()} for id_, agreement in found.items()]


def _parse_queries(value: Any) -> Any:
    """Return a list of queries as it is; raise QueryError or TypeError if it is none."""
    for entry in value:
        SheetEntry.from_dict(entry)
    return value


def _parse_checked(value: Any) -> dict[int, str]:
    """Return the digest of each query that was checked; raise QueryError if something else is there."""
    if not isinstance(value, Mapping):
        raise QueryError(f"They must be a table, not {value!r}.")
    for id_, digest in value.items():
        if not re.fullmatch(r"[1-9][0-9]{0,9}", id_) or int(id_) > MAX_ID:
            raise QueryError(f"{id_!r} is no id of a query.")
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{32}", digest):
            raise QueryError(f"The digest of query {id_} is {digest!r}, not 32 hexadecimal digits.")
    return {int(id_): digest for id_, digest in value.items()}


_PARSERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "queries": ("queries", _parse_queries),
    INSTANCES: ("instances", InstanceTable.from_dict),
    CHECKED: ("checked queries", _parse_checked),
}
"""What each part is called, and how it is read."""
