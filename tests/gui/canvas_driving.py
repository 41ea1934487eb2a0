"""The mouse and the keys over the canvas of a real window, at places of a layer."""

from collections.abc import Sequence

import numpy as np
from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

Place = Sequence[float]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_N_MOVES = 6


def canvas(viewer: Viewer) -> QWidget:
    """Return the widget that gets mouse and keys."""
    widget: QWidget = viewer.window._qt_viewer.canvas.native
    return widget


def on_canvas(viewer: Viewer, layer: Layer, place: Place) -> QPoint:
    """Return where a place of a layer, in its own coordinates, is drawn."""
    world = np.array(layer.data_to_world(place))[list(viewer.dims.displayed)]
    widget, camera = canvas(viewer), viewer.scene.camera
    from_middle = (world - np.array(camera.center[-2:])) * camera.zoom
    row, col = from_middle + np.array([widget.height(), widget.width()]) / 2
    assert 0 <= row < widget.height(), f"{place} is not in view"
    assert 0 <= col < widget.width(), f"{place} is not in view"
    return QPoint(round(col), round(row))


def click(viewer: Viewer, layer: Layer, place: Place, button: Qt.MouseButton = LEFT) -> None:
    """Click on a place of a layer."""
    position = on_canvas(viewer, layer, place)
    QTest.mouseMove(canvas(viewer), position)
    QTest.mouseClick(canvas(viewer), button, pos=position)
    QApplication.processEvents()


def drag(viewer: Viewer, layer: Layer, start: Place, stop: Place, button: Qt.MouseButton = LEFT) -> None:
    """Drag from one place of a layer to another, in a straight line."""
    places = np.linspace(start, stop, _N_MOVES)
    QTest.mousePress(canvas(viewer), button, pos=on_canvas(viewer, layer, start))
    for place in places[1:]:
        QTest.mouseMove(canvas(viewer), on_canvas(viewer, layer, place))
        QApplication.processEvents()
    QTest.mouseRelease(canvas(viewer), button, pos=on_canvas(viewer, layer, stop))
    QApplication.processEvents()


def press_key(viewer: Viewer, keys: str) -> None:
    """Press a key such as ``Ctrl+Z`` over the canvas."""
    names = {"Ctrl": Qt.KeyboardModifier.ControlModifier, "Shift": Qt.KeyboardModifier.ShiftModifier}
    *modifiers, name = keys.split("+")
    held = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        held |= names[modifier]
    QTest.keyClick(canvas(viewer), getattr(Qt.Key, f"Key_{name}"), held)
    QApplication.processEvents()
