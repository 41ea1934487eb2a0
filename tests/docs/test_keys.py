"""The keys that the page lists are those of napari and of the list of queries."""

import re

import pytest
from app_model.types import KeyBinding
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.shortcuts import default_shortcuts
from pages import ROOT
from qtpy.QtGui import QKeySequence

from napari_car.gui.query_model import QueryModel
from napari_car.gui.query_table import QueryTable

PAGE = (ROOT / "docs" / "keyboard.md").read_text(encoding="utf-8")
NAPARI_ACTIONS = {
    "paint": "activate_labels_paint_mode",
    "erase": "activate_labels_erase_mode",
    "draw a polygon": "activate_labels_polygon_mode",
    "close the polygon": "complete_polygon",
    "give the polygon up": "reset_polygon",
    "fill": "activate_labels_fill_mode",
    "pick the label under the pointer": "activate_labels_picker_mode",
    "move and zoom": "activate_labels_pan_zoom_mode",
    "smaller brush": "decrease_brush_size",
    "larger brush": "increase_brush_size",
    "previous label number": "decrease_label_id",
    "next label number": "increase_label_id",
    "label after the largest one": "new_label",
    "swap the label with the background": "swap_selected_and_background_labels",
    "paint over the background only, or over everything again": "toggle_preserve_labels",
    "hide or show the selected layers": "toggle_selected_visibility",
    "move and zoom as long as it is held": "hold_for_pan_zoom",
    "previous slice": "increment_dims_left",
    "next slice": "increment_dims_right",
    "2D or 3D view": "toggle_ndisplay",
    "show the whole image": "reset_view",
    "layers side by side": "toggle_grid",
}
"""What the page says a key of napari does -> the name of napari's action."""


def rows(heading: str) -> dict[str, list[str]]:
    """Return the keys of a section's table, by what they do."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*`) \| (.*?)(?:; \[.*)? \|$", section, re.MULTILINE)
    return {text: re.findall(r"`(.+?)`", keys) for keys, text in cells}


def as_napari(key: str) -> KeyBinding:
    return KeyBinding.from_str(key)


def test_keys_of_napari_are_its_defaults() -> None:
    listed = rows("napari's own, for labels")
    assert listed.keys() == NAPARI_ACTIONS.keys()
    for text, keys in listed.items():
        assert list(map(as_napari, keys)) == default_shortcuts[f"napari:{NAPARI_ACTIONS[text]}"], text


def test_undo_and_redo_are_bound_to_labels() -> None:
    for key, action in (("Ctrl+Z", "undo"), ("Ctrl+Shift+Z", "redo")):
        assert f"`{key}`" in PAGE
        assert Labels.class_keymap[as_napari(key)].__name__ == action
    assert f"last {Labels._history_limit} steps" in PAGE
    assert not ViewerModel.class_keymap.get(as_napari("Ctrl+Z"))


@pytest.mark.gui
def test_keys_of_the_list_are_those_it_reads(qtbot) -> None:
    table = QueryTable(QueryModel())
    qtbot.addWidget(table)
    read = {key.toString(QKeySequence.SequenceFormat.PortableText) for key, _ in table._keys}
    own = {QKeySequence(key).toString() for keys in rows("In the list of queries").values() for key in keys}
    qt_knows_itself = {"Up", "Down"}
    assert own - qt_knows_itself <= read
    assert {key for key in read if "Ctrl" not in key} <= own
