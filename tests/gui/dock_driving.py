"""The dock as a person drives it in a real window: queries in, Segment, wait, labels out."""

from collections.abc import Iterable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QApplication, QComboBox, QSpinBox, QWidget

from napari_car.annotation.sheet import QuerySheet
from napari_car.gui.dock import CarWidget
from napari_car.gui.result_layers import is_result

MAX_WAIT_MS = 120_000


def ask_for(widget: CarWidget, queries: str | Iterable[str]) -> None:
    """Put queries into the list, instead of what is there; their ids count from 1."""
    texts = [queries] if isinstance(queries, str) else list(queries)
    sheet, notes = QuerySheet().added_each(texts)
    assert notes == ()
    widget.queries.set_sheet(sheet)


def choose(widget: QWidget, name: str, text: str) -> None:
    """Choose an entry of the combo box with an accessible name, as a person would."""
    (combo,) = (combo for combo in widget.findChildren(QComboBox) if combo.accessibleName() == name)
    index = combo.findText(text)
    assert index >= 0, f"{name} offers {[combo.itemText(i) for i in range(combo.count())]}, not {text}"
    combo.setCurrentIndex(index)


def choose_slices(widget: CarWidget, first: int, last: int) -> None:
    """Choose a range of slices, ends included."""
    choose(widget, "Slices", "From … to")
    spins = {spin.accessibleName(): spin for spin in widget.image_controls.findChildren(QSpinBox)}
    spins["First slice"].setValue(first)
    spins["Last slice"].setValue(last)


def show_only(viewer: Viewer, data: Any, **settings: Any) -> Image:
    """Add an image in place of all layers.

    Where layers are removed and others added without a drawing in between, Mesa's OpenGL ends the program.
    """
    viewer.layers.clear()
    viewer.screenshot(flash=False)
    return viewer.add_image(data, **settings)


def run_and_wait(qtbot: QtBot, widget: CarWidget) -> str:
    """Press Segment, wait for the end of the run, and return the sentence that ended it; errors fail the test."""
    said: list[str] = []
    failures: list[str] = []
    widget.session.ended.connect(said.append)
    widget.session.failed.connect(failures.append)
    try:
        widget.run()
        assert widget.session.is_running, f"the run did not start: {widget.run_bar.text}"
        qtbot.waitUntil(lambda: not widget.session.is_running, timeout=MAX_WAIT_MS)
    finally:
        widget.session.ended.disconnect(said.append)
        widget.session.failed.disconnect(failures.append)
    assert failures == []
    QApplication.processEvents()
    (sentence,) = said
    return sentence


def result_layers(viewer: ViewerModel) -> list[Labels]:
    """Return the result layers of a viewer, from bottom to top."""
    return [layer for layer in viewer.layers if is_result(layer)]
