"""Give a label layer instances: its notes, its features and its colours change together."""

from collections.abc import Collection

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_car.annotation.correction.instance_table import FIRST_ID, LAST_ID, InstanceTable
from napari_car.errors import PromptError
from napari_car.io import RGB

from .instance_colours import colour_labels
from .label_features import make_features
from .layer_notes import instances_of, notes_of, set_instances


def free_table(layer: Labels, ids: Collection[int] = ()) -> InstanceTable:
    """Return a layer's instances as a table that gives no id that is anywhere in the layer.

    Parameters
    ----------
    layer : Labels
    ids : collection of int
        Labels that instances are to be made of.

    Raises
    ------
    PromptError
        If the layer can hold no instances, or one of the labels can have none.
    """
    table = instances_of(layer)
    last = np.iinfo(layer.data.dtype).max
    if last < LAST_ID:
        raise PromptError(
            f"{layer.name} has {8 * layer.data.dtype.itemsize}-bit labels, which end at {last:,}, but ids of instances "
            f"begin at {FIRST_ID:,}: convert it to int32 by a right-click in the layer list."
        )
    for id_ in ids:
        if not can_have_instances(layer, id_):
            raise PromptError(
                f"Label {id_:,} of {layer.name} can have no instances, as instances themselves have ids from "
                f"{FIRST_ID:,}: give it to a query, or a smaller id."
            )
    return table.beyond(np.asarray(layer.data))


def can_have_instances(layer: Labels, id_: int) -> bool:
    """Tell whether a label is that of a query, or a known instance of one."""
    return instances_of(layer).query_of(id_) < FIRST_ID


def keep_instances(layer: Labels, table: InstanceTable) -> None:
    """Keep a table of instances with a layer, and show it, before labels with its ids are written.

    Rows and colours stay when instances are undone, so that no redo leaves a label without them.
    """
    if table == instances_of(layer):
        return
    notes = notes_of(layer)
    entries = {entry["id"]: entry for entry in notes.get("queries", [])}
    if "colours" not in notes:
        notes["colours"] = _read_colours(layer) | {id_: tuple(entry["colour"]) for id_, entry in entries.items()}
    set_instances(layer, table)
    layer.features = make_features(layer.features, entries, {}, table)
    colour_labels(layer, notes["colours"], table)


def _read_colours(layer: Labels) -> dict[int, RGB]:
    """Return the colours that a layer's labels have now, of those that it holds and that are no instances."""
    colormap = layer.colormap.model_copy(update={"use_selection": False})
    is_there = np.zeros(FIRST_ID, dtype=bool)
    for index in np.ndindex(layer.data.shape[:-2]):
        plane: NDArray[np.integer] = np.asarray(layer.data[index])
        is_there[plane[(plane > 0) & (plane < FIRST_ID)]] = True
    ids = np.flatnonzero(is_there)
    colours = np.rint(np.asarray(colormap.map(ids))[:, :3] * 255).astype(int)
    return {id_: (red, green, blue) for id_, (red, green, blue) in zip(ids.tolist(), colours.tolist(), strict=True)}
