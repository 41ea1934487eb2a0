"""Label layers of napari turned into those of a document, and back."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import fields
from importlib.util import find_spec
from typing import Any

import napari
import numpy as np
import pandas as pd
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.label_layer import (
    MAX_ID,
    AutomaticPixels,
    Colour,
    Display,
    HumanPixels,
    LabelLayer,
    Transform,
)
from napari_car.annotation.ledger import Ledger
from napari_car.errors import DocumentError

from .document_notes import keep_savable, make_notes, make_provenance, read_instances, read_notes
from .instance_colours import instance_colormap
from .layer_notes import KEY
from .tracking import track

MAX_COLOURED_ID = 2**16
"""napari colours larger ids one by one only where numba is installed."""

_logger = logging.getLogger(__name__)

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, attributes and type of a layer, as napari gives them to writers and takes them from readers."""

_ATTRIBUTES = {"name", "metadata", "features", "colormap", "opacity", "blending", "visible", "multiscale"} | {
    spec.name for spec in fields(Transform)
}
"""What of a layer's attributes is saved."""


def make_label_layer(data: Any, state: Mapping[str, Any]) -> LabelLayer:
    """Return what a document is to hold of a layer.

    Parameters
    ----------
    data : array, or a sequence of them
        Labels, in memory or not; of a pyramid the full resolution is taken.
    state : mapping
        The layer's attributes; a script may give some of them only.

    Raises
    ------
    DocumentError
        If they do not fit together.
    """
    if not state.keys() >= _ATTRIBUTES:
        data, state, _ = Labels(data, **state).as_layer_data_tuple()
    labels = data[0] if state.get("multiscale") else data
    notes = read_notes(state)
    shown = _find_shown(state["metadata"])
    ledger = _find_ledger(labels, notes, shown)
    return LabelLayer(
        name=state["name"],
        labels=labels,
        human=None if ledger is None else HumanPixels(ledger, labels),
        automatic=None if ledger is None else AutomaticPixels(ledger, labels),
        features=keep_savable({str(name): list(column) for name, column in state["features"].items()}, state["name"]),
        transform=_read_transform(state),
        display=Display(
            opacity=float(state["opacity"]),
            contour=int(notes.get("contour", 0) if shown is None else shown.contour),
            blending=str(state["blending"]),
            visible=bool(state["visible"]),
        ),
        provenance=make_provenance(notes, labels, ledger, state["name"]),
        **_read_colours(state["colormap"], notes),
    )


def make_layer_data(layer: LabelLayer) -> LayerData:
    """Return what napari makes a layer of.

    Raises
    ------
    DocumentError
        If it cannot make one: of a unit that it does not know, for example.
    """
    labels = np.asarray(layer.labels)
    human = labels != 0 if layer.human is None else np.asarray(layer.human)
    automatic = None if layer.automatic is None else np.asarray(layer.automatic)
    notes = {**make_notes(layer), "ledger": Ledger.restored(labels, human, automatic)}
    if layer.display.contour:
        notes["contour"] = layer.display.contour
        _set_contour_when_shown(notes)
    state: dict[str, Any] = {
        "name": layer.name,
        "metadata": {KEY: notes},
        "opacity": layer.display.opacity,
        "blending": layer.display.blending,
        "visible": layer.display.visible,
        **_make_transform(layer.transform),
    }
    if layer.features:
        state["features"] = pd.DataFrame({name: _make_column(column) for name, column in layer.features.items()})
    if instances := read_instances(notes):
        notes["colours"] = {id_: colour[:3] for id_, colour in layer.colours.items() if id_ < FIRST_ID}
        state["colormap"] = instance_colormap(notes["colours"], instances)
    elif layer.colours or layer.colour_cycle:
        state["colormap"] = _make_colormap(layer)
    _check_state(state, labels.ndim)
    return labels, state, "labels"


def _find_ledger(labels: Any, notes: Mapping[str, Any], shown: Labels | None) -> Ledger | None:
    """Return the ledger of a layer; None if it has none, and all that is labelled is a person's."""
    ledger = notes.get("ledger")
    if not isinstance(ledger, Ledger) or ledger.shape != tuple(labels.shape):
        return None
    return ledger if shown is None else track(shown).ledger


def _find_shown(metadata: Mapping[str, Any]) -> Labels | None:
    """Return the layer of the window whose metadata these are: its attributes as napari hands them on are not all."""
    viewer = napari.current_viewer()
    layers = () if viewer is None else viewer.layers
    return next((layer for layer in layers if isinstance(layer, Labels) and layer.metadata is metadata), None)


def _set_contour_when_shown(notes: Mapping[str, Any]) -> None:
    """Draw the layer with these notes in outlines once it is in the window: napari takes no contour from readers."""
    viewer = napari.current_viewer()
    if viewer is None:
        return

    def on_inserted(event: Any) -> None:
        if event.value.metadata.get(KEY) is notes:
            viewer.layers.events.inserted.disconnect(on_inserted)
            event.value.contour = notes["contour"]

    viewer.layers.events.inserted.connect(on_inserted)


def _read_transform(state: Mapping[str, Any]) -> Transform:
    """Return where a layer lies."""
    return Transform(
        scale=state["scale"],
        translate=state["translate"],
        rotate=state["rotate"],
        shear=state["shear"],
        affine=state["affine"],
        units=[str(unit) for unit in state["units"]],
        axis_labels=[str(label) for label in state["axis_labels"]],
    )


def _make_transform(transform: Transform) -> dict[str, Any]:
    """Return the attributes that say where a layer lies."""
    matrices = {name: getattr(transform, name) for name in ("scale", "translate", "rotate", "shear", "affine")}
    texts = {name: getattr(transform, name) for name in ("units", "axis_labels")}
    return {name: np.array(value) for name, value in matrices.items() if value} | {
        name: value for name, value in texts.items() if value
    }


def _read_colours(colormap: Any, notes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of LabelLayer that say the colours: of queries only, if instances have theirs from them."""
    if read_instances(notes):
        return {"colours": notes.get("colours", {})}
    if isinstance(colormap, DirectLabelColormap):
        ids = [id_ for id_ in colormap.color_dict if id_ is not None and 0 < id_ <= MAX_ID]
        by_id = {id_: _read_colour(colormap.color_dict[id_]) for id_ in ids}
        return {"colours": by_id, "other_colour": _read_colour(colormap.default_color)}
    return {"colour_cycle": [_read_colour(rgba) for rgba in colormap.colors[1:]]}


def _read_colour(rgba: Any) -> Colour:
    """Return napari's colour, from 0 to 1, in whole numbers."""
    red, green, blue, alpha = (int(channel) for channel in np.rint(np.asarray(rgba) * 255))
    return red, green, blue, alpha


def _make_colormap(layer: LabelLayer) -> CyclicLabelColormap | DirectLabelColormap:
    """Return the colormap of a layer."""
    if layer.colour_cycle:
        return CyclicLabelColormap(colors=[(0, 0, 0, 0), *map(_make_colour, layer.colour_cycle)])
    by_id: dict[int | None, Any] = {None: _make_colour(layer.other_colour), 0: (0.0, 0.0, 0.0, 0.0)}
    by_id |= {id_: _make_colour(colour) for id_, colour in layer.colours.items()}
    if max(layer.colours) > MAX_COLOURED_ID and find_spec("numba") is None:
        text = 'Labels of the layer "%s" above %d are shown in one colour; with numba, each would have its own.'
        _logger.warning(text, layer.name, MAX_COLOURED_ID)
        by_id = {id_: rgba for id_, rgba in by_id.items() if id_ is None or id_ <= MAX_COLOURED_ID}
    return DirectLabelColormap(color_dict=by_id)


def _make_colour(colour: Colour) -> tuple[float, ...]:
    """Return a colour as napari has it."""
    return tuple(channel / 255 for channel in (*colour, 255)[:4])


def _make_column(column: Any) -> Any:
    """Return a column of the features: where numbers are missing, NaN."""
    is_numeric = all(value is None or type(value) in (int, float) for value in column)
    if is_numeric and any(value is None for value in column):
        return np.array(column, dtype=np.float64)
    return list(column)


def _check_state(state: Mapping[str, Any], n_axes: int) -> None:
    """Raise DocumentError unless napari makes a layer with these attributes: here a layer of one pixel."""
    try:
        with warnings.catch_warnings(action="ignore"):  # it will warn when it makes the real one
            Labels(np.zeros((1,) * n_axes, dtype=np.uint8), **{**state, "metadata": {}})
    # napari raises whatever its parts raise.
    except Exception as error:
        raise DocumentError(f'napari cannot show the layer "{state["name"]}": {error}') from error
