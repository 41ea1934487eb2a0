"""Result layers: label layers that belong to an image, with the names, colours and provenance of its queries."""

import math
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.outcome import QuerySummary
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import TOGETHER
from napari_car.errors import QueryError, ResourceError
from napari_car.queries import Query

from .instance_colours import colour_labels
from .label_features import make_features
from .layer_notes import KEY, instances_of
from .placement import Placement
from .sources import ImageSource
from .tracking import track

OPACITY = 0.55

_image_keys: WeakKeyDictionary[Image, str] = WeakKeyDictionary()


def image_key(image: Image) -> str:
    """Return the name by which results find their image again, however that is called; given on first use."""
    return _image_keys.setdefault(image, uuid4().hex)


def is_result(layer: Layer) -> bool:
    """Tell whether a layer holds masks of queries."""
    notes = layer.metadata.get(KEY)
    return isinstance(layer, Labels) and isinstance(notes, Mapping) and notes.get("kind") == "labels"


def results_of(
    viewer: ViewerModel, image: Image, shape: tuple[int, ...], sheet: QuerySheet | None = None
) -> dict[int, Labels]:
    """Return the result layers of an image: under TOGETHER the one of all queries, under an id that of one query.

    Results that were read from a file know their image by its name only. Those of another shape do not count: they
    belong to another level of the image. Neither do those whose labels have other names in the list of queries, if
    one is given: they were made with another list, and a label must not change its meaning.
    """
    uid, found = image_key(image), dict[int, Labels]()
    uids = {image_key(layer) for layer in viewer.layers if isinstance(layer, Image)}
    for layer in filter(is_result, viewer.layers):
        notes = layer.metadata[KEY]
        is_adopted = notes.get("image_uid") not in uids and notes.get("image") == image.name
        is_own = layer.data.shape == shape and (is_adopted or notes.get("image_uid") == uid)
        if is_own and (sheet is None or _agree(notes, sheet)):
            notes["image_uid"] = uid
            found.setdefault(int(notes.get("query", TOGETHER)), layer)  # not the copy of a duplicated layer
    return found


def add_result(viewer: ViewerModel, source: ImageSource, image: Image, key: int, sheet: QuerySheet) -> Labels:
    """Add an empty result layer exactly over an image.

    Parameters
    ----------
    viewer : ViewerModel
    source : ImageSource
        The image as it was captured.
    image : Image
        Its layer.
    key : int
        TOGETHER, or the id of the query that the layer is for.
    sheet : QuerySheet
        Names and colours.

    Raises
    ------
    ResourceError
        If there is no memory for it.
    """
    labels, ledger = empty_labels(source), Ledger(empty_labels(source))
    name = f"{image.name}: {sheet.names[key]}" if key else f"{image.name} labels"
    notes = {
        "kind": "labels",
        "image": image.name,
        "image_uid": image_key(image),
        "query": key,
        "queries": [],
        "runs": [],
        "ledger": ledger,
    }
    layer = viewer.add_labels(labels, name=name, opacity=OPACITY, metadata={KEY: notes}, **source.transform)
    track(layer)
    describe_queries(layer, sheet)
    if key:
        layer.selected_label = key
    return layer


def empty_labels(source: ImageSource) -> NDArray[np.int32]:
    """Return labels of the size of an image without any in it; ResourceError if there is no memory for them."""
    shape = source.axes.shape
    try:
        return np.zeros(shape, dtype=np.int32)
    except MemoryError as error:
        raise ResourceError(
            f"Labels of all of {source.name} ({' x '.join(map(str, shape))} px) need {4e-9 * math.prod(shape):,.0f} GB "
            "of memory, more than there is: open only the part that is to be segmented."
        ) from error


def lay_over(layer: Labels, source: ImageSource) -> None:
    """Put a result layer exactly over its image again, where that was moved or scaled since."""
    if not source.placement.is_same_place(Placement.of(layer), source.axes.shape):
        for name, value in source.transform.items():
            setattr(layer, name, value)


def describe_queries(layer: Labels, sheet: QuerySheet, summaries: Iterable[QuerySummary] = ()) -> None:
    """Put names, colours and findings of queries into a result layer; what it knows of other labels stays.

    Only what differs is set, since each setting redraws the layer.
    """
    notes = layer.metadata[KEY]
    only = int(notes.get("query", TOGETHER))
    entries = {entry["id"]: entry for entry in notes.get("queries", [])}
    entries |= {entry["id"]: entry for entry in sheet.to_dict()["entries"] if only in (TOGETHER, entry["id"])}
    notes["queries"] = [entries[id_] for id_ in sorted(entries)]
    table = instances_of(layer)
    features = make_features(layer.features, entries, {summary.id: summary for summary in summaries}, table)
    if not features.equals(layer.features):
        layer.features = features
    colours = {id_: tuple(entry["colour"]) for id_, entry in entries.items()}
    if colours != notes.get("colours"):
        notes["colours"] = colours
        colour_labels(layer, colours, table)


def carry_over(viewer: ViewerModel, old: QuerySheet, new: QuerySheet) -> None:
    """Give names and colours that were changed in the list of queries to all layers that were made with it.

    A list that took the place of another changes nothing: its ids mean other things.
    """
    if old.entries == new.entries or old.list_id != new.list_id:
        return
    for layer in filter(is_result, viewer.layers):
        known = {entry["id"] for entry in layer.metadata[KEY].get("queries", [])}
        if _agree(layer.metadata[KEY], old):
            gone = [entry.id for entry in new.entries if entry.id not in known]
            describe_queries(layer, new.removed(gone))


def sheet_of(layer: Labels) -> QuerySheet:
    """Return the list of queries that a result layer was made with, as far as it knows.

    New ids are above its labels that are no instances, and above the queries that its instances are of.

    Raises
    ------
    QueryError
        If its notes hold something else.
    """
    entries = layer.metadata[KEY].get("queries", [])
    labels = np.asarray(layer.data)
    painted = int(np.max(labels, initial=0, where=labels < FIRST_ID))
    highest = max([painted, *instances_of(layer).query_ids.values(), *(entry["id"] for entry in entries)])
    return QuerySheet.from_dict({"entries": entries, "next_id": highest + 1})


def queries_of_labels(viewer: ViewerModel) -> QuerySheet:
    """Return the queries of the active layer, or else of the topmost result layer.

    Raises
    ------
    QueryError
        If there is none.
    """
    active = viewer.layers.selection.active
    layers = [layer for layer in (*viewer.layers, active) if layer is not None and is_result(layer)]
    if not layers:
        raise QueryError("There are no labels whose queries could be taken over: open them first.")
    return sheet_of(layers[-1]).as_another()


def _agree(notes: Mapping[str, Any], sheet: QuerySheet) -> bool:
    """Tell whether no label of a layer has another name in a list of queries."""
    names = sheet.names
    entries = notes.get("queries", [])
    return all(Query(names.get(entry["id"], entry["text"])).key == Query(entry["text"]).key for entry in entries)
