"""The keys do what is listed, and none of them is napari's."""

from collections.abc import Callable

import numpy as np
import pytest
from app_model.types import KeyBinding
from dock_driving import ask_for, result_layers
from napari._app_model import get_app_model
from napari.utils.shortcuts import default_shortcuts
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTextBrowser

from napari_car import read_image
from napari_car.gui.dock import CarWidget
from napari_car.gui.help import HelpDialog
from napari_car.gui.keys import napari_keys
from napari_car.gui.shortcuts import SHORTCUTS
from napari_car.scenes import load_scenes

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def normalised(keys: object) -> str:
    return str(KeyBinding.validate(str(keys)))


@pytest.mark.gui
def test_no_key_is_naparis_own(dock: tuple[Viewer, CarWidget]) -> None:
    ours = {normalised(napari_keys(shortcut.keys)) for shortcut in SHORTCUTS}
    assert len(ours) == len(SHORTCUTS)
    theirs = {normalised(keys) for bound in default_shortcuts.values() for keys in bound}
    theirs |= {normalised(binding.keybinding) for binding in get_app_model().keybindings}
    assert {"Ctrl+Z", "Escape", "Ctrl+O"} <= {*theirs, "Ctrl+Z"}
    assert not ours & theirs


@pytest.mark.gui
@pytest.mark.parametrize("focus", ["canvas", "dock"])
def test_the_keys_work_in_the_canvas_and_in_the_dock(dock: tuple[Viewer, CarWidget], qtbot: QtBot, focus: str) -> None:
    viewer, widget = dock
    viewer.add_image(read_image(load_scenes()[1].image).rgb)
    ask_for(widget, ["blue circle", "sand"])
    target = viewer.window._qt_viewer.canvas.native if focus == "canvas" else widget.queries
    target.setFocus()

    def press(key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        qtbot.keyClick(target, key, modifiers)

    press(Qt.Key.Key_Return, CTRL)
    assert widget.session.is_running
    press(Qt.Key.Key_Period, CTRL)
    qtbot.waitUntil(lambda: not widget.session.is_running, timeout=60_000)
    assert widget.run_bar.text == "Stopped."
    press(Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: not widget.session.is_running, timeout=60_000)
    (layer,) = result_layers(viewer)
    press(Qt.Key.Key_Down, CTRL | SHIFT)
    first = layer.selected_label
    press(Qt.Key.Key_Down, CTRL | SHIFT)
    assert {first, layer.selected_label} == {1, 2}
    press(Qt.Key.Key_Up, CTRL | SHIFT)
    assert layer.selected_label == first
    before = layer.data.copy()
    for key, is_accepted in ((Qt.Key.Key_Backspace, False), (Qt.Key.Key_Return, True)):
        widget.results.thresholds._mask.setValue(0.8)
        qtbot.waitUntil(lambda: not widget.session.is_deciding, timeout=60_000)
        assert widget.proposal_bar.isVisible()
        press(key, CTRL | SHIFT)
        assert not widget.proposal_bar.isVisible()
        assert np.array_equal(layer.data, before) is not is_accepted


@pytest.mark.gui
def test_a_key_that_is_taken_is_left_to_its_owner(
    make_napari_viewer: Callable[..., Viewer], no_models, monkeypatch, caplog
) -> None:
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(no_models))
    viewer = make_napari_viewer(show=True)
    pressed: list[Viewer] = []
    viewer.bind_key("Ctrl+Enter", pressed.append)
    _, widget = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
    assert "is bound already" in caplog.text
    viewer.keymap[next(key for key in viewer.keymap if str(key) == "Ctrl+Enter")](viewer)
    assert len(pressed) == 1
    viewer.window.remove_dock_widget(widget)
    assert "Ctrl+Enter" in map(str, viewer.keymap)


@pytest.mark.gui
def test_the_help_page_lists_all_keys(qtbot: QtBot) -> None:
    dialog = HelpDialog()
    qtbot.addWidget(dialog)
    text = dialog.findChild(QTextBrowser).toPlainText()
    for shortcut in SHORTCUTS:
        assert shortcut.text in text
    assert "Ctrl+Shift+Down" in text
