"""What a label layer knows of its instances, and of the labels that a person has checked; kept in its metadata."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from weakref import WeakValueDictionary

from napari.layers import Labels

from napari_car.annotation.correction.instance_table import InstanceTable

KEY = "napari-car"
"""Where a layer's metadata holds what this plugin knows of it."""

INSTANCES, CHECKED = "instances", "checked"

_owners: WeakValueDictionary[int, Labels] = WeakValueDictionary()  # by the identity of their notes


def notes_of(layer: Labels) -> dict[str, Any]:
    """Return what is known of a layer, to be written to.

    napari's copy of a layer holds the very notes of the original. It gets notes of its own here, or what is done to
    one would be noted of the other.
    """
    notes: dict[str, Any] = layer.metadata.setdefault(KEY, {})
    owner = _owners.get(id(notes))
    if owner is not None and owner is not layer and owner.metadata.get(KEY) is notes:
        notes = layer.metadata[KEY] = deepcopy(notes)
    _owners[id(notes)] = layer
    return notes


def instances_of(layer: Labels) -> InstanceTable:
    """Return the instances of a layer; an empty table if there are none."""
    table = notes_of(layer).get(INSTANCES)
    return table if isinstance(table, InstanceTable) else InstanceTable()


def set_instances(layer: Labels, table: InstanceTable) -> None:
    """Keep the instances of a layer."""
    notes_of(layer)[INSTANCES] = table


def checked_of(layer: Labels) -> Mapping[int, str]:
    """Return the digest of each query whose labels a person has checked, as they were then."""
    checked: Mapping[int, str] = notes_of(layer).get(CHECKED, {})
    return checked


def set_checked(layer: Labels, checked: Mapping[int, str]) -> None:
    """Keep which queries were checked, and how their labels were then."""
    notes_of(layer)[CHECKED] = dict(checked)
