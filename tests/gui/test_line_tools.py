"""Labels are merged and cut along lines that are drawn over them, wherever and however they lie."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from canvas_driving import LEFT, canvas, drag, on_canvas, press_key
from corrected_layers import CELL, STEM, add_cells, button, cells, check_history, human, number, press
from napari.components import ViewerModel
from napari.layers import Labels, Shapes
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_car.annotation.correction.cutting import cut
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.plane_edit import apply_change
from napari_car.annotation.frames import PlaneAxes
from napari_car.gui.dock import CarWidget
from napari_car.gui.mask_tools import MaskTools

pytestmark = pytest.mark.gui
MERGE, CUT = "Merge along a line", "Cut along a line"
UNDO = "Undo (Ctrl+Z) takes it back."
ACROSS_LONE = np.array([[36.5, 43.0], [36.5, 67.0]])
"""Right through the cell that stands alone, near its middle."""


def settle() -> None:
    """Let timers run out."""
    for _ in range(5):
        QApplication.processEvents()


def line_layer(viewer: ViewerModel) -> Shapes:
    (layer,) = (layer for layer in viewer.layers if isinstance(layer, Shapes))
    return layer


def draw(viewer: ViewerModel, path: np.ndarray, kind: str = "line") -> None:
    """Add a line as if it was drawn; without a window."""
    line_layer(viewer).add(path, shape_type=kind)
    settle()


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[tuple[ViewerModel, Labels, MaskTools]]:
    viewer = ViewerModel()
    layer = add_cells(viewer)
    tools = MaskTools(viewer)
    qtbot.addWidget(tools)
    yield viewer, layer, tools
    tools.close_connections()


Panel = tuple[ViewerModel, Labels, MaskTools]


class TestCut:
    def test_the_smaller_side_becomes_an_instance(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        draw(viewer, ACROSS_LONE)
        assert tools.text == f"Cut: 2 objects from 1, new: cell 1. {UNDO}"
        expected = apply_change(cut(cells(), CELL, ACROSS_LONE, InstanceTable(), width_px=1.0).change, cells())
        np.testing.assert_array_equal(layer.data, expected)
        np.testing.assert_array_equal(human(layer), layer.data == FIRST_ID)
        check_history(layer, cells())

    def test_the_label_under_the_line_is_cut_if_the_chosen_one_is_not(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        draw(viewer, np.array([[26.0, 15.0], [44.0, 15.0]]))
        assert "new: stem 1" in tools.text
        assert layer.selected_label == STEM
        draw(viewer, np.array([[26.0, 25.0], [44.0, 25.0], [44.0, 62.0], [36.0, 62.0], [36.0, 40.0]]), "path")
        assert "new: stem 2" in tools.text  # the chosen one, though the line goes through a cell, too

    def test_all_labels_are_cut_if_all_are_meant(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        tools._all.setChecked(True)
        layer.selected_label = 0
        press(tools, CUT)
        draw(viewer, np.array([[36.0, 2.0], [36.0, 68.0]]))
        assert "Cut: 4 objects from 2, new: cell 1, stem 1." in tools.text
        assert layer.selected_label == 0

    def test_the_width_counts(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        number(tools, "Width of the cut, px").setValue(50.0)
        draw(viewer, ACROSS_LONE)
        assert tools.text == "Cut: the line goes right through no object. Begin and end it outside of the object."
        assert not layer._undo_history

    def test_what_a_person_painted_can_stay(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        layer.data_setitem(tuple(np.nonzero(cells() == CELL)), STEM)
        tools._protect.setChecked(True)
        press(tools, CUT)
        draw(viewer, ACROSS_LONE)
        assert "no object" in tools.text

    def test_labels_that_can_have_no_instances(self, panel: Panel) -> None:
        viewer, _, tools = panel
        viewer.add_labels(cells().astype(np.uint8), name="theirs")
        assert press(tools, CUT).startswith("⚠ theirs has 8-bit labels")
        assert not button(tools, CUT).isChecked()
        viewer.add_labels(cells() * 70_000, name="ours")
        press(tools, CUT)
        draw(viewer, ACROSS_LONE)
        assert tools.text.startswith("⚠ Label 70,000 of ours can have no instances")


class TestMerge:
    def test_objects_of_a_query_become_the_first_one(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        tools._all.setChecked(True)
        press(tools, "Make instances")
        left, alone = layer.data[12, 12], layer.data[36, 55]
        layer.data[12, 27:] = 0
        before = layer.data.copy()
        press(tools, MERGE)
        draw(viewer, np.array([[36.0, 68.0], [36.0, 10.0], [12.0, 10.0]]), "path")
        assert tools.text == f"Merge: 2 labels are cell 2 now. {UNDO}"
        assert layer.selected_label == alone
        np.testing.assert_array_equal(layer.data, np.where(before == left, alone, before))
        check_history(layer, before)

    def test_labels_of_layers_without_queries_are_merged_whatever_they_are(self, panel: Panel) -> None:
        viewer, _, tools = panel
        layer = viewer.add_labels(cells().astype(np.uint8), name="theirs")
        layer.selected_label = 0
        press(tools, MERGE)
        draw(viewer, np.array([[36.0, 2.0], [36.0, 68.0]]))
        assert tools.text == f"Merge: 2 labels are label 2 now. {UNDO}"
        np.testing.assert_array_equal(layer.data, (cells() > 0) * STEM)

    def test_what_cannot_be_merged_is_said(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, MERGE)
        draw(viewer, np.array([[1.0, 1.0], [1.0, 2.0]]))
        assert tools.text == "Merge: there is no label under the line."
        draw(viewer, np.array([[36.0, 2.0], [36.0, 68.0]]))
        assert tools.text.startswith("Merge: the line touches nothing to merge with stem.")
        assert not layer._undo_history

    def test_what_a_person_painted_can_stay(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, "Split touching")
        tools._protect.setChecked(True)
        press(tools, MERGE)
        before = layer.data.copy()
        draw(viewer, np.array([[12.0, 8.0], [12.0, 30.0]]))
        expected = np.where((before == CELL) & (before[12, 8] != CELL), before[12, 8], before)
        np.testing.assert_array_equal(layer.data, expected)


class TestLineLayer:
    def test_it_lies_over_the_labels_and_is_there_as_long_as_a_button_is_pressed(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        line = line_layer(viewer)
        assert viewer.layers.selection.active is line
        assert (line.name, line.mode, line.ndim) == ("Line", "add_line", 2)
        draw(viewer, ACROSS_LONE)
        draw(viewer, ACROSS_LONE + np.array([3.0, 0.0]))
        assert line.nshapes == 0
        assert viewer.layers.selection.active is line
        assert tools._target.text == "cell 1 in Image labels"  # the half that the second line went through
        press(tools, MERGE)
        assert line_layer(viewer) is line
        assert (button(tools, CUT).isChecked(), button(tools, MERGE).isChecked()) == (False, True)
        press(tools, MERGE)
        assert list(viewer.layers) == [viewer.layers[0], layer]
        assert viewer.layers.selection.active is layer
        assert not button(tools, MERGE).isChecked()

    def test_a_mode_that_a_person_chose_stays(self, panel: Panel) -> None:
        viewer, _, tools = panel
        press(tools, CUT)
        line_layer(viewer).mode = "add_polyline"
        draw(viewer, ACROSS_LONE)
        assert line_layer(viewer).mode == "add_polyline"

    def test_a_moved_line_layer_cuts_where_it_is_shown(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        line_layer(viewer).translate = (30.0, 0.0)
        draw(viewer, ACROSS_LONE - np.array([30.0, 0.0]))
        assert layer.data[30, 55] != layer.data[40, 55]

    @pytest.mark.parametrize("gone", ["line", "labels"])
    def test_deleting_a_layer_releases_the_button(self, panel: Panel, gone: str) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        viewer.layers.remove(line_layer(viewer) if gone == "line" else layer)
        settle()
        assert not button(tools, CUT).isChecked()
        assert not any(isinstance(layer, Shapes) for layer in viewer.layers)

    def test_all_layers_may_be_deleted_together(self, panel: Panel) -> None:
        viewer, _, tools = panel
        press(tools, CUT)
        for layer in list(viewer.layers):  # as napari does with those that are selected, in any order
            viewer.layers.remove(layer)
        settle()
        assert not viewer.layers
        assert not button(tools, CUT).isChecked()

    def test_other_labels_end_it(self, panel: Panel) -> None:
        viewer, _, tools = panel
        press(tools, CUT)
        theirs = viewer.add_labels(cells(), name="theirs")
        assert not button(tools, CUT).isChecked()
        assert viewer.layers.selection.active is theirs

    def test_the_labels_may_be_active_meanwhile(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        viewer.layers.selection.active = layer
        assert button(tools, CUT).isChecked()
        press(tools, MERGE)
        assert viewer.layers.selection.active is line_layer(viewer)

    def test_nothing_to_draw_over(self, panel: Panel) -> None:
        viewer, _, tools = panel
        viewer.dims.ndisplay = 3
        assert "switch to the 2D view" in press(tools, CUT)
        assert not button(tools, CUT).isChecked()
        assert len(viewer.layers) == 2

    def test_closing_takes_the_line_away(self, panel: Panel) -> None:
        viewer, layer, tools = panel
        press(tools, CUT)
        tools.close_connections()
        assert viewer.layers.selection.active is layer
        assert len(viewer.layers) == 2
        viewer.layers.remove(layer)


PLACES = {
    "plain": ((0, 1), {}),
    "scaled, moved, turned": ((0, 1), {"scale": (2.0, 0.7), "translate": (30.0, -5.0), "rotate": 25.0, "shear": [0.2]}),
    "units": ((0, 1), {"scale": (3.0, 3.0), "units": ("mm", "mm")}),
    "turned view": ((1, 0), {"scale": (0.5, 0.8)}),
    "stack": ((0, 1, 2), {"scale": (4.0, 0.5, 0.5), "translate": (3.0, 4.0, 5.0), "units": ("mm", "mm", "mm")}),
    "slices across": ((1, 2, 0), {"scale": (1.0, 2.0, 1.5)}),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_mouse_cuts_where_it_is(make_napari_viewer: Callable[..., Viewer], qtbot: QtBot, case: str) -> None:
    order, place = PLACES[case]
    lengths = dict(zip(order, (3, 50, 70)[-len(order) :], strict=True))
    axes = PlaneAxes(tuple(lengths[axis] for axis in range(len(order))), *order[-2:])
    labels, hidden = np.zeros(axes.shape, dtype=np.int32), (1,) * (len(order) - 2)
    axes.plane(labels, hidden)[:] = cells()
    viewer = make_napari_viewer(show=True)
    layer = add_cells(viewer, labels, **place)
    viewer.dims.order = order
    for axis in axes.hidden_axes:
        viewer.dims.set_point(axis, layer.data_to_world(np.ones(layer.ndim))[axis])
    viewer.reset_view()
    tools = MaskTools(viewer)
    qtbot.addWidget(tools)
    press(tools, CUT)
    viewer.screenshot(flash=False)  # so that all is where it will be
    start, stop = np.ones((2, layer.ndim))
    start[[*order[-2:]]], stop[[*order[-2:]]] = ACROSS_LONE
    drag(viewer, layer, start, stop)
    settle()
    assert "Cut: 2 objects from 1, new: cell 1." in tools.text
    expected = apply_change(cut(cells(), CELL, ACROSS_LONE, InstanceTable(), width_px=1.0).change, cells())
    np.testing.assert_array_equal(axes.plane(layer.data, hidden), expected)
    check_history(layer, labels)
    tools.close_connections()


def test_lines_in_the_dock(dock: tuple[Viewer, CarWidget]) -> None:
    viewer, widget = dock
    layer, tools = add_cells(viewer), widget.mask_tools
    viewer.reset_view()
    widget.tabs.setCurrentIndex(widget.tabs.count() - 1)
    assert "One undo step" not in button(tools, CUT).toolTip()
    assert "Each line is one undo step." in button(tools, CUT).toolTip()
    press(tools, CUT)
    viewer.screenshot(flash=False)
    drag(viewer, layer, *ACROSS_LONE)
    settle()
    halves = layer.data.copy()
    assert set(halves[cells() == CELL]) == {CELL, FIRST_ID}
    press_key(viewer, "Ctrl+Z")  # over the layer of the line
    np.testing.assert_array_equal(layer.data, cells())
    press_key(viewer, "Ctrl+Shift+Z")
    np.testing.assert_array_equal(layer.data, halves)
    press(tools, MERGE)
    drag(viewer, layer, (32, 55), (40, 55))
    settle()
    assert f"Merge: 2 labels are {'cell' if halves[32, 55] == CELL else 'cell 1'} now." in tools.text
    check_history(layer, halves)
    press_key(viewer, "Escape")
    settle()
    assert viewer.layers.selection.active is layer
    assert not button(tools, MERGE).isChecked()
    viewer.window.remove_dock_widget(widget)
    layer.selected_label = STEM  # nobody listens who is gone


def test_escape_while_a_line_is_drawn(dock: tuple[Viewer, CarWidget]) -> None:
    viewer, widget = dock
    layer, tools = add_cells(viewer), widget.mask_tools
    viewer.reset_view()
    press(tools, CUT)
    viewer.screenshot(flash=False)
    QTest.mousePress(canvas(viewer), LEFT, pos=on_canvas(viewer, layer, ACROSS_LONE[0]))
    for column in (50, 60):
        QTest.mouseMove(canvas(viewer), on_canvas(viewer, layer, (36, column)))
        QApplication.processEvents()
    press_key(viewer, "Escape")
    settle()
    QTest.mouseMove(canvas(viewer), on_canvas(viewer, layer, (36, 66)))
    QTest.mouseRelease(canvas(viewer), LEFT, pos=on_canvas(viewer, layer, ACROSS_LONE[1]))
    settle()
    np.testing.assert_array_equal(layer.data, cells())
    assert list(viewer.layers) == [viewer.layers[0], layer]
