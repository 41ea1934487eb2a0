"""Automatic, edited and checked in the table of results, in a real window."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dock_driving import ask_for, result_layers, run_and_wait
from napari.components import ViewerModel
from napari.layers import Labels
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QPushButton, QWidget

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.correction.mask_state import examine_masks
from napari_car.gui.dock import CarWidget
from napari_car.gui.layer_notes import checked_of, set_instances
from napari_car.gui.result_navigation import ResultNavigation
from napari_car.gui.result_rows import ResultRow, rows_of_layer
from napari_car.gui.results_table import COLUMNS, ResultsTable
from napari_car.gui.session import Session

pytestmark = pytest.mark.gui

QUERIES = ("blue circle", "orange circle", "sand | beach", "snow")
CIRCLE, SAND, SNOW = 0, 2, 3
"""Rows of the table; ids are higher by one."""
MASK, AREA, VERDICT = COLUMNS.index("Mask"), COLUMNS.index("Area"), COLUMNS.index("Verdict")


@pytest.fixture
def segmented(dock: tuple[Viewer, CarWidget], qtbot: QtBot) -> tuple[Viewer, CarWidget, Labels]:
    """A window with results, of which one query is absent."""
    viewer, widget = dock
    viewer.open_sample("napari-car", "shapes-on-sand")
    ask_for(widget, QUERIES)
    run_and_wait(qtbot, widget)
    settle(qtbot, widget)
    (layer,) = result_layers(viewer)
    return viewer, widget, layer


def settle(qtbot: QtBot, widget: CarWidget) -> None:
    """Wait until the states are known."""
    qtbot.waitUntil(lambda: not widget.states.labels.is_busy, timeout=30_000)


def states(qtbot: QtBot, widget: CarWidget) -> list[str]:
    """Return the states in the table, as screen readers read them."""
    settle(qtbot, widget)
    table = widget.results.table
    items = [table.item(row, MASK) for row in range(table.rowCount())]
    return [item.data(Qt.ItemDataRole.AccessibleTextRole) or "" for item in items]


def tip(widget: CarWidget, row: int, column: int = MASK) -> str:
    return widget.results.table.item(row, column).toolTip()


def paint(layer: Labels, rows: slice, columns: slice, id_: int) -> int:
    """Paint a rectangle; return how many pixels have changed."""
    before = layer.data.copy()
    layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[rows, columns]), id_)
    return int(np.count_nonzero(layer.data != before))


def button(widget: QWidget, text: str) -> QPushButton:
    """Return the button with a text that can be seen."""
    (found,) = (each for each in widget.findChildren(QPushButton) if each.text() == text and each.isVisible())
    return found


def press(qtbot: QtBot, widget: CarWidget, text: str) -> None:
    qtbot.mouseClick(button(widget.results, text), Qt.MouseButton.LeftButton)


def test_from_automatic_to_edited_to_checked_and_back(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    _, widget, layer = segmented
    table = widget.results.table
    assert states(qtbot, widget) == ["automatic"] * 4
    assert tip(widget, CIRCLE) == "As the program wrote it."
    n_circle = np.count_nonzero(layer.data == CIRCLE + 1)
    row, col = np.argwhere(layer.data == SAND + 1)[0]
    n_added = paint(layer, slice(row, row + 3), slice(col, col + 1), CIRCLE + 1)
    top, left = np.argwhere(layer.data == CIRCLE + 1).max(axis=0) - 4
    n_removed = np.count_nonzero(layer.data[top : top + 4, left : left + 4] == CIRCLE + 1)
    paint(layer, slice(top, top + 4), slice(left, left + 4), 0)
    assert states(qtbot, widget)[CIRCLE] == "edited"
    iou = (n_circle - n_removed) / (n_circle + n_added)
    assert tip(widget, CIRCLE) == (
        f"Changed by hand. IoU {iou:.2f} with the automatic mask; {n_added} px added, {n_removed} px removed."
    )
    layer.undo()
    layer.undo()
    assert states(qtbot, widget) == ["automatic"] * 4
    table.selectRow(CIRCLE)
    press(qtbot, widget, "Mark as checked")
    assert widget.run_bar.text == "blue circle: marked as checked."
    assert states(qtbot, widget) == ["checked", "automatic", "automatic", "automatic"]
    assert checked_of(layer) == digest_labels(layer.data, [CIRCLE + 1])
    paint(layer, slice(row, row + 3), slice(col, col + 1), CIRCLE + 1)
    assert states(qtbot, widget)[CIRCLE] == "edited"
    assert tip(widget, CIRCLE).startswith("Changed since it was marked as checked.")
    assert button(widget.results, "Mark as checked").isEnabled()
    layer.undo()
    assert states(qtbot, widget)[CIRCLE] == "checked"
    press(qtbot, widget, "Remove check mark")
    assert widget.run_bar.text == "blue circle: not marked as checked any more."
    assert states(qtbot, widget) == ["automatic"] * 4
    assert checked_of(layer) == {}


def test_a_key_checks_the_chosen_query_and_an_empty_mask_can_be_right(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    viewer, widget, _ = segmented
    canvas = viewer.window._qt_viewer.canvas.native
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    widget.results.table.clearSelection()
    assert not button(widget.results, "Mark as checked").isEnabled()
    qtbot.keyClick(canvas, Qt.Key.Key_K, modifiers)
    assert widget.run_bar.text == "⚠ No mask is chosen that could be checked: click on a row of the results first."
    widget.results.table.selectRow(SNOW)
    qtbot.keyClick(canvas, Qt.Key.Key_K, modifiers)
    assert states(qtbot, widget) == ["automatic", "automatic", "automatic", "checked"]
    qtbot.keyClick(widget.results.table, Qt.Key.Key_K, modifiers)
    assert states(qtbot, widget) == ["automatic"] * 4


def test_states_follow_runs_and_accepted_proposals(segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot) -> None:
    _, widget, layer = segmented
    paint(layer, slice(0, 4), slice(0, 4), CIRCLE + 1)
    widget.results.table.selectRow(SAND)
    press(qtbot, widget, "Mark as checked")
    widget.results.thresholds._mask.setValue(0.8)
    qtbot.waitUntil(lambda: not widget.session.is_deciding, timeout=30_000)
    expected = ["edited", "automatic", "checked", "automatic"]
    assert states(qtbot, widget) == expected  # a proposal changes nothing yet
    qtbot.mouseClick(button(widget, "Accept"), Qt.MouseButton.LeftButton)
    expected[SAND] = "edited"
    assert states(qtbot, widget) == expected
    assert tip(widget, SAND).startswith("Changed since it was marked as checked.")
    layer.undo()
    expected[SAND] = "checked"
    assert states(qtbot, widget) == expected
    run_and_wait(qtbot, widget)
    assert states(qtbot, widget) == expected


def test_the_status_bar_says_it_too_after_a_run_and_a_new_name(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    _, widget, layer = segmented
    place = np.argwhere(layer.data == SAND + 1)[0]
    assert "mask: automatic" in layer.get_status(place, world=False)["value"]
    widget.results.table.selectRow(SAND)
    press(qtbot, widget, "Mark as checked")
    widget.queries.apply(widget.queries.sheet.changed(SAND + 1, text="beach", synonyms=()))
    run_and_wait(qtbot, widget)
    settle(qtbot, widget)
    status = layer.get_status(place, world=False)["value"]
    assert "class: beach" in status
    assert "mask: checked" in status


def test_with_a_layer_for_each_query_each_is_asked(dock: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    viewer, widget = dock
    viewer.open_sample("napari-car", "shapes-on-sand")
    ask_for(widget, QUERIES)
    widget.options.choose_grouping("apart")
    run_and_wait(qtbot, widget)
    found = {int(layer.metadata["napari-car"]["query"]): layer for layer in result_layers(viewer)}
    expected = ["automatic" if row + 1 in found else "" for row in range(4)]
    assert states(qtbot, widget) == expected
    assert "" in expected
    paint(found[SAND + 1], slice(0, 4), slice(0, 4), SAND + 1)
    paint(found[SAND + 1], slice(0, 4), slice(4, 8), CIRCLE + 1)  # not in its own layer, so nothing of it
    expected[SAND] = "edited"
    assert states(qtbot, widget) == expected
    widget.results.table.selectRow(expected.index(""))
    assert not button(widget.results, "Mark as checked").isEnabled()
    widget.results.table.selectRow(SAND)
    viewer.layers.remove(found[SAND + 1])
    expected[SAND] = ""
    assert states(qtbot, widget) == expected
    assert not button(widget.results, "Mark as checked").isEnabled()


def test_where_a_query_has_a_layer_of_its_own_that_is_meant(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    viewer, widget, together = segmented
    widget.options.choose_grouping("apart")
    run_and_wait(qtbot, widget)
    (sand,) = (layer for layer in result_layers(viewer) if layer.metadata["napari-car"]["query"] == SAND + 1)
    paint(together, slice(0, 4), slice(0, 4), SAND + 1)
    assert states(qtbot, widget)[SAND] == "automatic"
    paint(sand, slice(0, 4), slice(0, 4), SAND + 1)
    assert states(qtbot, widget)[SAND] == "edited"
    widget.results.table.selectRow(SAND)
    assert viewer.layers.selection.active is sand


def test_instances_are_found_and_shown_as_their_query(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    viewer, widget, layer = segmented
    pixels = np.argwhere(layer.data == CIRCLE + 1)
    set_instances(layer, InstanceTable({FIRST_ID: CIRCLE + 1}, FIRST_ID + 1))
    layer.data_setitem(tuple(pixels.T), FIRST_ID)
    assert states(qtbot, widget) == ["automatic"] * 4
    viewer.scene.camera.center = (0.0, 0.0, 0.0)
    widget.results.table.selectRow(CIRCLE)
    middle = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], middle)


def test_nobody_follows_after_the_dock_is_closed(segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot) -> None:
    viewer, widget, layer = segmented
    viewer.window.remove_dock_widget(widget)
    paint(layer, slice(0, 4), slice(0, 4), CIRCLE + 1)
    viewer.add_image(np.zeros((4, 4)))
    assert not widget.states.labels.is_busy
    assert layer.features["mask"].iloc[CIRCLE + 1] == "automatic"


def test_the_table_fits_a_narrow_dock(segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot) -> None:
    _, widget, _ = segmented
    table = widget.results.table
    table.selectRow(SAND)
    press(qtbot, widget, "Mark as checked")
    settle(qtbot, widget)
    table.setFixedWidth(330)
    qtbot.waitUntil(lambda: table.viewport().width() <= 330)
    widths = [table.columnWidth(column) for column in range(table.columnCount())]
    assert sum(widths) <= table.viewport().width()
    needed = table.fontMetrics().horizontalAdvance("blue circle") + table.iconSize().width()
    assert widths[0] > needed
    assert not table.horizontalScrollBar().isVisible()


class TestOpenedResults:
    @pytest.fixture
    def saved(self, segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot, tmp_path: Path) -> Path:
        """A document of results, one of them edited and one checked."""
        viewer, widget, layer = segmented
        paint(layer, slice(0, 4), slice(0, 4), CIRCLE + 1)
        widget.results.table.selectRow(SAND)
        press(qtbot, widget, "Mark as checked")
        settle(qtbot, widget)
        path = tmp_path / "sand.car.json"
        assert layer.save(str(path), plugin="napari-car")
        viewer.window.remove_dock_widget(widget)
        viewer.layers.clear()
        viewer.screenshot(flash=False)
        return path

    def test_they_are_shown_before_any_run(
        self, saved: Path, segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
    ) -> None:
        viewer, _, before = segmented
        _, widget = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
        table = widget.results.table
        assert table.rowCount() == 0
        (layer,) = viewer.open(saved, plugin="napari-car")
        widget.tabs.setCurrentIndex(1)
        assert states(qtbot, widget) == ["edited", "automatic", "checked", "automatic"]
        assert [table.item(row, 0).text() for row in range(4)] == ["blue circle", "orange circle", "sand", "snow"]
        assert table.item(SAND, VERDICT).text() == "✓ present"
        assert table.item(SNOW, VERDICT).text() == "✗ absent"
        share = np.count_nonzero(before.data == SAND + 1) / before.data.size
        assert table.item(SAND, AREA).text() == f"{share:.1%}"
        assert "16 px added, 0 px removed" in tip(widget, CIRCLE)
        assert not any(
            each.text() == "Show score map" and each.isVisible() for each in widget.findChildren(QPushButton)
        )
        assert not widget.results.thresholds.isVisible()
        table.selectRow(SAND)
        assert layer.selected_label == SAND + 1
        pixels = np.argwhere(layer.data == SAND + 1)
        middle = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
        np.testing.assert_allclose(viewer.scene.camera.center[-2:], middle)
        press(qtbot, widget, "Remove check mark")
        paint(layer, slice(0, 4), slice(0, 4), SAND + 1)
        assert states(qtbot, widget)[SAND] == "edited"
        n_now = np.count_nonzero(layer.data == SAND + 1)
        assert tip(widget, SAND, AREA) == f"{n_now:,} px"
        assert table.current_id == SAND + 1
        viewer.layers.clear()
        assert table.rowCount() == 0
        assert not table.isVisible()

    def test_of_several_the_active_one_is_shown_or_else_the_topmost(
        self, saved: Path, segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
    ) -> None:
        viewer, _, _ = segmented
        _, widget = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
        (below,), (above,) = (viewer.open(saved, plugin="napari-car") for _ in range(2))
        paint(below, slice(0, 4), slice(0, 4), SNOW + 1)
        assert viewer.layers.selection.active is above
        assert states(qtbot, widget)[SNOW] == "automatic"
        viewer.layers.selection.active = below
        assert states(qtbot, widget)[SNOW] == "edited"
        viewer.layers.selection.active = None
        assert states(qtbot, widget)[SNOW] == "automatic"

    def test_a_run_takes_their_place(
        self, saved: Path, segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
    ) -> None:
        viewer, _, _ = segmented
        _, widget = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
        viewer.open_sample("napari-car", "shapes-on-sand")
        viewer.open(saved, plugin="napari-car")
        assert states(qtbot, widget) == ["edited", "automatic", "checked", "automatic"]
        ask_for(widget, ["pebble"])
        viewer.layers.selection.active = viewer.layers[0]
        run_and_wait(qtbot, widget)
        assert widget.results.table.rowCount() == 1
        assert states(qtbot, widget) == ["automatic"]
        assert widget.results.thresholds.isVisible()


class TestOpenedStack:
    @pytest.fixture
    def stack(self, qapp: QApplication) -> Iterator[tuple[ViewerModel, Labels, ResultNavigation]]:  # noqa: ARG002
        """Labels of three slices, 2 µm by 3 µm a pixel, beside an image that has more slices."""
        viewer = ViewerModel()
        viewer.add_image(np.zeros((9, 6, 8)), scale=(4.0, 2.0, 3.0), units=("um", "um", "um"))
        labels = np.zeros((3, 6, 8), dtype=np.int32)
        labels[1, 2:4, 4:7] = 5
        notes = {"kind": "labels", "queries": [{"id": 5, "text": "leaf", "role": "query", "colour": [1, 2, 3]}]}
        layer = viewer.add_labels(
            labels, scale=(4.0, 2.0, 3.0), units=("um", "um", "um"), metadata={"napari-car": notes}
        )
        session = Session(viewer)
        yield viewer, layer, ResultNavigation(viewer, session)
        session.close()

    def test_a_row_leads_to_the_label_on_the_slice_that_is_shown(
        self, stack: tuple[ViewerModel, Labels, ResultNavigation]
    ) -> None:
        viewer, layer, navigation = stack
        viewer.layers.selection.active = viewer.layers[0]
        for step, is_found in ((1, True), (0, False), (8, False)):  # the last is beyond the labels
            viewer.dims.set_current_step(0, step)
            viewer.scene.camera.center = (0.0, 0.0, 0.0)
            navigation.go_to(5)
            assert viewer.layers.selection.active is layer
            assert layer.selected_label == 5
            assert viewer.scene.camera.center == ((0.0, 5.0, 15.0) if is_found else (0.0, 0.0, 0.0))

    def test_areas_have_the_unit_of_the_layer(self, stack: tuple[ViewerModel, Labels, ResultNavigation]) -> None:
        _, layer, navigation = stack
        mask = examine_masks(layer.data, layer.data, [5], {})
        (row,) = rows_of_layer(layer, mask, navigation.px_area())
        assert (row.share, row.area) == ("4.2%", "6 px, 36 micrometer²")


def test_rows_that_are_the_same_stay_as_they_are(qtbot: QtBot) -> None:
    table, colour = ResultsTable(), (1, 2, 3)
    qtbot.addWidget(table)
    rows = [
        ResultRow(id=id_, text=text, colour=colour, verdict="", meaning="", score="", share="", area="")
        for id_, text in ((1, "leaf"), (2, "stem"))
    ]
    table.show_rows(rows)
    table.selectRow(1)
    item = table.item(1, 0)
    table.show_rows(rows)
    assert table.item(1, 0) is item
    table.show_rows(rows[::-1])
    assert [table.item(row, 0).text() for row in range(2)] == ["stem", "leaf"]
    assert table.current_id == 2


def test_a_layer_that_says_nothing_of_verdicts_has_rows_all_the_same() -> None:
    entry = {"id": 4, "text": "leaf", "role": "query", "colour": [1, 2, 3]}
    soil = {"id": 5, "text": "soil", "role": "background", "colour": [1, 2, 3]}
    notes = {"kind": "labels", "queries": [entry, soil]}
    (row,) = rows_of_layer(Labels(np.eye(3, dtype=np.int32), metadata={"napari-car": notes}), {}, (1.0, ""))
    assert (row.id, row.text, row.colour, row.verdict, row.score, row.share) == (4, "leaf", (1, 2, 3), "–", "–", "")
