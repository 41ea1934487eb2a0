"""What a layer of a document says of its labels: whose they are, of which instances, and which are checked."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int32

from napari_car.errors import DocumentError, QueryError

from .correction.instance_table import InstanceTable
from .correction.label_state import digest_labels
from .label_layer import LabelLayer
from .ledger import Ledger


def read_ledger(layer: LabelLayer) -> Ledger:
    """Return what the program wrote into a layer of a document."""
    labels = np.asarray(layer.labels[...])
    human = labels != 0 if layer.human is None else np.asarray(layer.human[...], dtype=bool)
    automatic = None if layer.automatic is None else np.asarray(layer.automatic[...])
    return Ledger.restored(labels, human, automatic)


def read_instances(layer: LabelLayer) -> InstanceTable:
    """Return the instances of a layer of a document; DocumentError if they cannot be read."""
    fields = layer.provenance.get("instances")
    try:
        return InstanceTable() if fields is None else InstanceTable.from_dict(fields)
    except QueryError as error:
        raise DocumentError(f'The instances of the layer "{layer.name}" cannot be read: {error}') from error


def read_checked(layer: LabelLayer) -> dict[int, str]:
    """Return the digest of each class that was checked; DocumentError if they cannot be read."""
    try:
        return {int(id_): str(digest) for id_, digest in layer.provenance.get("checked", {}).items()}
    except (AttributeError, ValueError) as error:
        raise DocumentError(f'The checked queries of the layer "{layer.name}" cannot be read.') from error


def find_checked(layer: LabelLayer, labels: Int32[np.ndarray, "*axes H W"], table: InstanceTable) -> set[int]:
    """Return the classes whose labels are still as they were when a person checked them.

    Parameters
    ----------
    layer : LabelLayer
    labels : ndarray, (..., H, W), int32
        Its labels.
    table : InstanceTable
        Its instances.

    Raises
    ------
    DocumentError
        If what is noted of checked classes cannot be read.
    """
    checked = read_checked(layer)
    now = digest_labels(labels, list(checked), table)
    return {id_ for id_, digest in checked.items() if now[id_] == digest}


def find_asked(layer: LabelLayer) -> set[int]:
    """Return the classes that were looked for."""
    return {entry["id"] for entry in layer.provenance.get("queries", []) if entry.get("role") == "query"}


def flatten(layers: Iterable[Int32[np.ndarray, "H W"]]) -> Int32[np.ndarray, "H W"]:
    """Return one map of several of one shape; where higher ones hold something, they lie on top."""
    flat, *others = layers
    for labels in others:
        flat = np.where(labels != 0, labels, flat)
    return flat
