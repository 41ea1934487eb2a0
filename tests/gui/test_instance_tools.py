"""Splitting what touches, instances of queries and back, and giving instances to other queries."""

from typing import Any

import numpy as np
import pytest
from corrected_layers import CELL, STEM, add_cells, button, cells, check_history, human, number, press, unfold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QApplication, QCheckBox

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.gui.dock import CarWidget
from napari_car.gui.layer_notes import instances_of
from napari_car.gui.mask_tools import MaskTools

pytestmark = pytest.mark.gui
UNDO = "Undo (Ctrl+Z) takes it back."
DEPTH = "Smallest depth of a neck, px"
Panel = tuple[ViewerModel, Labels, MaskTools]


@pytest.fixture
def panel(qtbot: QtBot) -> Panel:
    viewer = ViewerModel()
    layer = add_cells(viewer)
    tools = MaskTools(viewer)
    qtbot.addWidget(tools)
    yield viewer, layer, tools
    tools.close_connections()


def check(tools: MaskTools, text: str, is_checked: bool = True) -> None:
    (box,) = (each for each in tools.findChildren(QCheckBox) if each.text() == text)
    box.setChecked(is_checked)


def ids(layer: Labels) -> set[int]:
    return set(np.unique(layer.data).tolist()) - {0}


def semantic(layer: Labels) -> np.ndarray:
    return instances_of(layer).semantic(layer.data)


class TestSplit:
    def test_objects_that_touch_become_instances_of_the_query(self, panel: Panel) -> None:
        _, layer, tools = panel
        assert press(tools, "Split touching") == f"Split touching: 2 objects from 1, new: cell 1. {UNDO}"
        assert instances_of(layer).query_ids == {FIRST_ID: CELL}
        assert ids(layer) == {CELL, STEM, FIRST_ID}
        np.testing.assert_array_equal(semantic(layer), cells())
        np.testing.assert_array_equal(human(layer), layer.data == FIRST_ID)
        assert layer.selected_label == CELL
        assert FIRST_ID in layer.features["index"].tolist()
        check_history(layer, cells())
        layer.undo()
        assert not human(layer).any()
        assert FIRST_ID in layer.features["index"].tolist()  # redo can bring it back
        assert press(tools, "Split touching").startswith("Split touching: 2 objects from 1, new: cell 2.")

    def test_the_depth_decides(self, panel: Panel) -> None:
        _, layer, tools = panel
        number(tools, DEPTH).setValue(30.0)
        assert "there is nothing to split. A smaller depth" in press(tools, "Split touching")
        assert instances_of(layer) == InstanceTable()
        assert not layer._undo_history

    def test_all_labels_and_many_names(self, panel: Panel) -> None:
        _, layer, tools = panel
        layer.data[:] = 0
        for left in range(0, 60, 12):
            layer.data[3:12, left : left + 9] = layer.data[7, left : left + 12] = CELL
        layer.data[30:39, 3:12] = layer.data[30:39, 15:24] = layer.data[34, 12:15] = STEM
        layer.selected_label = 0
        check(tools, "All labels of the layer")
        said = press(tools, "Split touching")
        assert said == f"Split touching: 7 objects from 2, new: cell 1, cell 2, cell 3 and 2 more. {UNDO}"

    def test_what_a_person_painted_can_stay(self, panel: Panel) -> None:
        _, layer, tools = panel
        layer.data_setitem(tuple(np.nonzero(cells() == CELL)), 5)
        layer.data_setitem(tuple(np.nonzero(cells() == CELL)), STEM)
        layer.selected_label = STEM
        check(tools, "Leave what I painted alone")
        assert "nothing to split" in press(tools, "Split touching")
        check(tools, "Leave what I painted alone", False)
        assert "new: stem 1" in press(tools, "Split touching")

    def test_ids_that_were_painted_elsewhere_are_not_given(self, panel: Panel) -> None:
        viewer, _, tools = panel
        stack = np.stack([cells(), cells()])
        stack[1, 0, 0] = FIRST_ID + 3  # as with napari's key M
        layer = add_cells(viewer, stack)
        viewer.dims.set_current_step(0, 0)
        press(tools, "Split touching")
        assert instances_of(layer).query_ids == {FIRST_ID + 4: CELL}
        np.testing.assert_array_equal(layer.data[1], stack[1])

    @pytest.mark.parametrize("name", ["Split touching", "Make instances"])
    def test_labels_of_16_bits_cannot_be_split(self, panel: Panel, name: str) -> None:
        viewer, _, tools = panel
        layer = viewer.add_labels(cells().astype(np.uint16), name="theirs")
        layer.selected_label = CELL
        said = press(tools, name)
        assert said.startswith("⚠ theirs has 16-bit labels, which end at 65,535, but ids of instances begin at 65,536:")
        assert said.endswith("convert it to int32 by a right-click in the layer list.")
        assert layer.features.empty

    def test_unknown_labels_above_those_of_queries_are_no_objects(self, panel: Panel) -> None:
        viewer, _, tools = panel
        layer = viewer.add_labels(np.where(cells() == STEM, 70_000, cells()), name="theirs")
        layer.selected_label = 70_000
        assert press(tools, "Split touching").startswith("⚠ Label 70,000 of theirs can have no instances")
        assert press(tools, "Make instances").startswith("⚠ Label 70,000 of theirs can have no instances")
        check(tools, "All labels of the layer")
        assert "new: label 1, object 1" in press(tools, "Split touching")
        press(tools, "Make instances")
        assert (layer.data == 70_000).sum() == (cells() == STEM).sum()


class TestInstances:
    def test_the_chosen_query_is_told_apart_and_nothing_becomes_a_persons(self, panel: Panel) -> None:
        _, layer, tools = panel
        layer.data_setitem((np.array([0, 12]), np.array([0, 12])), CELL + 1)
        before, owners = layer.data.copy(), human(layer)
        assert press(tools, "Make instances") == f"Make instances: 2 objects told apart. {UNDO}"
        assert ids(layer) == {STEM, FIRST_ID, FIRST_ID + 1}
        np.testing.assert_array_equal(human(layer), owners)
        np.testing.assert_array_equal(semantic(layer), before)
        assert layer.selected_label == CELL
        check_history(layer, before)
        assert "nothing on this plane that is not told apart" in press(tools, "Make instances")

    def test_all_queries_are_told_apart_also_where_they_touch(self, panel: Panel) -> None:
        _, layer, tools = panel
        check(tools, "All labels of the layer")
        check(tools, "Tell touching objects apart")
        assert "4 objects told apart" in press(tools, "Make instances")
        assert sorted(instances_of(layer).query_ids.values()) == [CELL] * 3 + [STEM]
        assert ids(layer) == set(instances_of(layer).query_ids)

    @pytest.mark.parametrize("how", ["undo", "Back to queries"])
    def test_made_again_they_have_the_same_ids(self, panel: Panel, how: str) -> None:
        _, layer, tools = panel
        check(tools, "All labels of the layer")
        press(tools, "Make instances")
        made, table = layer.data.copy(), instances_of(layer)
        layer.undo() if how == "undo" else press(tools, how)
        np.testing.assert_array_equal(layer.data, cells())
        press(tools, "Make instances")
        np.testing.assert_array_equal(layer.data, made)
        assert instances_of(layer) == table

    def test_ids_of_another_plane_or_layer_are_not_used_again(self, panel: Panel) -> None:
        viewer, _, tools = panel
        layer = add_cells(viewer, np.stack([cells(), cells()]))
        viewer.dims.set_current_step(0, 0)
        press(tools, "Make instances")
        viewer.dims.set_current_step(0, 1)
        press(tools, "Make instances")
        assert not set(layer.data[0].flat) & set(layer.data[1].flat) - {0, STEM}

    def test_back_to_queries(self, panel: Panel) -> None:
        _, layer, tools = panel
        assert press(tools, "Back to queries") == "Back to queries: there are no instances on this plane."
        check(tools, "All labels of the layer")
        press(tools, "Make instances")
        check(tools, "All labels of the layer", False)
        layer.selected_label = int(layer.data[12, 12])
        before = layer.data.copy()
        n_px = (cells() == CELL).sum()
        assert press(tools, "Back to queries") == f"Back to queries: {n_px} px are not told apart any more. {UNDO}"
        assert layer.selected_label == CELL
        np.testing.assert_array_equal(layer.data, np.where(cells() == CELL, CELL, before))
        assert not human(layer).any()
        check_history(layer, before)
        check(tools, "All labels of the layer")
        press(tools, "Back to queries")
        np.testing.assert_array_equal(layer.data, cells())

    def test_what_a_person_split_stays_theirs(self, panel: Panel) -> None:
        _, layer, tools = panel
        press(tools, "Split touching")
        split = human(layer)
        press(tools, "Back to queries")
        np.testing.assert_array_equal(layer.data, cells())
        np.testing.assert_array_equal(human(layer), split)


def test_other_tools_work_on_an_instance(panel: Panel) -> None:
    _, layer, tools = panel
    press(tools, "Make instances")
    layer.selected_label = int(layer.data[36, 55])
    before = layer.data.copy()
    assert tools._target.text == "cell 2 in Image labels"
    press(tools, "Shrink by")
    changed = layer.data != before
    assert (before[changed] == layer.selected_label).all()
    assert changed.any()


class TestGiveTo:
    def test_an_instance_stays_one_of_the_other_query(self, panel: Panel) -> None:
        _, layer, tools = panel
        press(tools, "Make instances")
        layer.selected_label = lone = int(layer.data[36, 55])
        before = layer.data.copy()
        names = [tools.transfer._others.itemText(n) for n in range(tools.transfer._others.count())]
        assert names == ["stem"]
        n_px = (before == lone).sum()
        assert press(tools, "Give to") == f"Give to stem: {n_px} px changed. {UNDO}"
        new = layer.selected_label
        assert instances_of(layer).query_of(new) == STEM
        np.testing.assert_array_equal(layer.data, np.where(before == lone, new, before))
        assert tools._target.text == "stem 1 in Image labels"
        check_history(layer, before)

    def test_what_is_no_instance_gets_the_query_s_id(self, panel: Panel) -> None:
        _, layer, tools = panel
        press(tools, "Give to")
        np.testing.assert_array_equal(layer.data, np.where(cells() > 0, STEM, 0))
        assert layer.selected_label == STEM
        assert press(tools, "Give to") == f"Give to cell: {(cells() > 0).sum():,} px changed. {UNDO}"
        tools.transfer.give_to(CELL)
        assert tools.text == "Give to label 1: there is nothing to change."


class TestCounts:
    def said(self, qtbot: QtBot, tools: MaskTools, text: str) -> None:
        qtbot.waitUntil(lambda: tools.instance_tools._counts.text == text, timeout=10_000)

    def test_they_follow_all_that_matters(self, panel: Panel, qtbot: QtBot) -> None:
        _, layer, tools = panel
        unfold(tools)
        tools.show()
        self.said(qtbot, tools, "Objects on this plane: cell: 2")
        check(tools, "Tell touching objects apart")
        self.said(qtbot, tools, "Objects on this plane: cell: 3")
        number(tools, DEPTH).setValue(30.0)
        self.said(qtbot, tools, "Objects on this plane: cell: 2")
        check(tools, "All labels of the layer")
        self.said(qtbot, tools, "Objects on this plane: cell: 2, stem: 1")
        press(tools, "Make instances")
        self.said(qtbot, tools, "Objects on this plane: cell: 2, stem: 1")
        layer.data_setitem((np.array([0, 5]), np.array([69, 69])), CELL)
        self.said(qtbot, tools, "Objects on this plane: cell: 4, stem: 1")
        layer.undo()
        self.said(qtbot, tools, "Objects on this plane: cell: 2, stem: 1")
        layer.data[:] = 0
        layer.refresh()
        self.said(qtbot, tools, "Objects on this plane: none")
        check(tools, "All labels of the layer", False)
        layer.selected_label = 0
        self.said(qtbot, tools, "")

    def test_nobody_counts_what_nobody_sees(self, panel: Panel, qtbot: QtBot) -> None:
        _, layer, tools = panel
        tools.show()
        qtbot.waitExposed(tools)
        layer.refresh()
        assert not tools.instance_tools._counts._job.is_busy
        unfold(tools)
        assert tools.instance_tools._counts._job.is_busy
        tools.close_connections()
        assert not tools.instance_tools._counts._job.is_busy

    def test_planes_of_a_stack(self, panel: Panel, qtbot: QtBot) -> None:
        viewer, _, tools = panel
        unfold(tools)
        tools.show()
        add_cells(viewer, np.stack([cells(), np.zeros_like(cells())]))
        viewer.dims.set_current_step(0, 1)
        self.said(qtbot, tools, "Objects on this plane: none")
        viewer.dims.set_current_step(0, 0)
        self.said(qtbot, tools, "Objects on this plane: cell: 2")
        viewer.dims.ndisplay = 3
        self.said(qtbot, tools, "")


BARS = np.repeat([[1, 1, 1, 0, 1, 1, 1, 0, 2, 2], [1, 1, 1, 1, 1, 1, 1, 0, 2, 2], [1, 1, 1, 0, 1, 1, 1, 0, 2, 2]], 2, 1)
"""Two bars of cells with a bridge between them, and a stem."""

ACTIONS = st.one_of(
    st.tuples(st.just("paint"), st.integers(0, BARS.size - 1), st.sampled_from([0, CELL, STEM])),
    st.tuples(st.just("choose"), st.integers(0, BARS.size - 1)),
    st.tuples(st.just("all"), st.booleans()),
    st.tuples(st.sampled_from(["Split touching", "Make instances", "Back to queries", "Give to"])),
    st.tuples(st.sampled_from(["undo", "redo"])),
)


def act(layer: Labels, tools: MaskTools, kind: str, *arguments: Any) -> None:
    """Do what a person does; presses never change what labels mean, and most of them no pixel's query."""
    if kind == "paint":
        layer.data_setitem(np.unravel_index(np.array([arguments[0]]), BARS.shape), arguments[1])
    elif kind == "choose":
        layer.selected_label = int(layer.data.flat[arguments[0]])
    elif kind == "all":
        check(tools, "All labels of the layer", arguments[0])
    else:
        table, queries, owners = instances_of(layer), semantic(layer), human(layer)
        press(tools, kind)
        assert set(table.query_ids.items()) <= set(instances_of(layer).query_ids.items())
        if kind != "Give to":
            np.testing.assert_array_equal(semantic(layer), queries)
        if kind in ("Make instances", "Back to queries"):
            np.testing.assert_array_equal(human(layer), owners)


def check_rows(layer: Labels) -> None:
    """Check that each label has a row with the name of its query."""
    rows = dict(zip(layer.features["index"], layer.features["class"], strict=True))
    names = {CELL: "cell", STEM: "stem"}
    for id_ in ids(layer):
        assert rows[id_] == names[instances_of(layer).query_of(id_)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=20))
@pytest.mark.usefixtures("qapp")
@pytest.mark.filterwarnings("ignore")
def test_notes_features_and_labels_stay_in_step(actions: list[tuple]) -> None:
    viewer = ViewerModel()
    layer, tools = add_cells(viewer, BARS.astype(np.int32)), MaskTools(viewer)
    number(tools, DEPTH).setValue(0.0)
    past, future = [(layer.data.copy(), human(layer))], []
    for kind, *arguments in actions:
        if kind in ("undo", "redo"):
            source, target = (past, future) if kind == "undo" else (future, past)
            if len(source) > (kind == "undo"):
                target.append(source.pop())
            getattr(layer, kind)()
        else:
            act(layer, tools, kind, *arguments)
            if (layer.data != past[-1][0]).any():
                past.append((layer.data.copy(), human(layer)))
                future.clear()
        np.testing.assert_array_equal(layer.data, past[-1][0])
        np.testing.assert_array_equal(human(layer), past[-1][1])
        check_rows(layer)
    tools.close_connections()


def test_the_bars_can_be_split(panel: Panel) -> None:
    viewer, _, tools = panel
    add_cells(viewer, BARS.astype(np.int32))
    number(tools, DEPTH).setValue(0.0)
    assert "2 objects from 1" in press(tools, "Split touching")


def test_the_labels_stay_worked_in_while_marks_are_drawn(panel: Panel) -> None:
    viewer, layer, tools = panel
    theirs = viewer.add_labels(cells(), name="theirs")
    assert tools._target.text.endswith("in theirs")
    viewer.add_points(np.empty((0, 2)), metadata={"napari-car": {"kind": "marks"}})
    assert tools._target.text.endswith("in theirs")
    theirs.name = "ours"
    assert tools._target.text.endswith("in ours")
    viewer.layers.selection.active = None
    assert tools._target.text.endswith("in ours")
    viewer.add_image(np.zeros((3, 3)))
    assert tools._target.text.endswith(f"in {layer.name}")
    viewer.layers.remove(layer)
    assert tools._target.text.startswith("No labels yet")


def test_each_button_in_a_real_window(dock: tuple[Viewer, CarWidget]) -> None:
    viewer, widget = dock
    layer, tools = add_cells(viewer), widget.mask_tools
    widget.tabs.setCurrentIndex(widget.tabs.count() - 1)
    unfold(tools)
    QApplication.processEvents()
    assert tools.width() <= tools.parentWidget().width() <= widget.width()
    for name in ("Split touching", "Make instances", "Back to queries", "Give to", "Fill holes"):
        if name == "Fill holes":
            layer.data_setitem((np.array([36]), np.array([55])), 0)
        assert button(tools, name).toolTip().endswith("One undo step.")
        before = layer.data.copy()
        press(tools, name)
        assert "Undo" in tools.text
        check_history(layer, before)
        assert set(np.unique(layer.data)) <= set(layer.features["index"])
        viewer.screenshot(flash=False)
