"""Tools that correct a label: each press is one undo step, on the plane that is shown, and counts as a person's."""

import numpy as np
import pytest
from dock_driving import ask_for, result_layers, run_and_wait
from napari.components import ViewerModel
from napari.layers import Labels
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QComboBox, QPushButton, QSpinBox

from napari_car import read_image
from napari_car.errors import PromptError
from napari_car.gui.dock import CarWidget
from napari_car.gui.label_target import find_target
from napari_car.gui.mask_tools import MaskTools
from napari_car.gui.plane_tools import TOOLS
from napari_car.gui.tracking import track
from napari_car.scenes import load_scenes

pytestmark = pytest.mark.gui
BY_NAME = {tool.text: tool for tool in TOOLS}


def blob() -> np.ndarray:
    """Label 3: a square with a hole and a speck; label 5 beside it."""
    labels = np.zeros((30, 40), dtype=np.int32)
    labels[5:20, 5:20] = 3
    labels[10:12, 10:12] = 0
    labels[25, 35] = 3
    labels[5:20, 20:25] = 5
    return labels


@pytest.fixture
def panel(qtbot: QtBot) -> tuple[ViewerModel, MaskTools]:
    viewer = ViewerModel()
    tools = MaskTools(viewer)
    qtbot.addWidget(tools)
    return viewer, tools


def add(viewer: ViewerModel, labels: np.ndarray, id_: int = 3) -> Labels:
    layer = viewer.add_labels(labels.copy(), name="cells")
    layer.selected_label = id_
    return layer


def press(tools: MaskTools, text: str, amount: int | None = None) -> str:
    """Press a button, as a person does, after the number beside it was set."""
    (button,) = (each for each in tools.findChildren(QPushButton) if each.text() == text)
    if amount is not None:
        (box,) = (each for each in tools.findChildren(QSpinBox) if each.accessibleName() == f"{text}, px")
        box.setValue(amount)
    button.click()
    return tools.text


@pytest.mark.parametrize(
    ("tool", "amount", "n_changed"),
    [
        ("Fill holes", 0, 4),
        ("Fill holes", 4, 4),
        ("Remove parts below", 2, 1),
        ("Keep the largest part", None, 1),
        ("Smooth", 2, None),
        ("Grow by", 1, None),
        ("Shrink by", 1, None),
    ],
)
def test_each_press_is_one_undo_step(
    panel: tuple[ViewerModel, MaskTools], tool: str, amount: int | None, n_changed: int | None
) -> None:
    viewer, tools = panel
    layer = add(viewer, blob())
    said = press(tools, tool, amount)
    after = layer.data.copy()
    changed = after != blob()
    assert changed.any()
    if n_changed is not None:
        assert changed.sum() == n_changed
    assert f"{changed.sum():,} px changed" in said
    assert (after[blob() == 5] == 5).all()
    layer.undo()
    np.testing.assert_array_equal(layer.data, blob())
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_nothing_to_change_is_no_undo_step(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    layer = add(viewer, blob(), id_=5)
    assert press(tools, "Fill holes") == "Fill holes: there is nothing to change."
    assert not layer._undo_history


def test_all_labels_at_once(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    layer = add(viewer, blob())
    tools._all.setChecked(True)
    press(tools, "Shrink by", 1)
    assert 0 < (layer.data == 5).sum() < (blob() == 5).sum()
    assert 0 < (layer.data == 3).sum() < (blob() == 3).sum()
    tools.transfer.give_to(3)
    assert tools.text == "⚠ All labels cannot be given to one query: choose one label."


def test_only_the_plane_that_is_shown_changes(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    stack = np.stack([blob(), blob(), blob()])
    layer = viewer.add_labels(stack.copy(), scale=(4.0, 0.5, 0.5), translate=(10.0, 0.0, 0.0))
    layer.selected_label = 3
    viewer.dims.set_point(0, 18.0)  # the last slice
    press(tools, "Fill holes")
    np.testing.assert_array_equal(layer.data[:2], stack[:2])
    assert (layer.data[2] != stack[2]).sum() == 4
    viewer.dims.order = (1, 0, 2)  # slices across
    viewer.dims.set_current_step(1, 10)
    press(tools, "Remove parts below", 10_000)
    assert not (layer.data[:, 10] == 3).any()
    assert (layer.data[:2, :10] == stack[:2, :10]).all()


@pytest.mark.parametrize(
    "place",
    [
        {"rotate": [20, 30, 40], "shear": [0.1, 0.2, 0.3], "scale": (1, 2, 3)},
        {"scale": (2.0, 1.0, 1.0), "units": ("mm", "um", "um"), "translate": (0.5, 0.0, 0.0)},
    ],
    ids=["rotated out of the plane", "units"],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")  # napari says that it draws such planes unturned
def test_the_plane_is_the_one_that_napari_draws(
    panel: tuple[ViewerModel, MaskTools], place: dict[str, object], order: tuple[int, ...]
) -> None:
    viewer, _ = panel
    stack = np.arange(1, 7 * 30 * 40 + 1).reshape(7, 30, 40)
    layer = viewer.add_labels(stack, **place)
    layer.selected_label = 3
    viewer.dims.order = order
    low, high, _ = viewer.dims.range[order[0]]
    seen = set()
    for point in np.linspace(low, high, 25):
        viewer.dims.set_point(order[0], point)
        drawn = np.asarray(layer._slice.image.raw)
        if drawn.any():
            target = find_target(viewer)
            np.testing.assert_array_equal(target.labels, drawn)
            seen.add(target.plane)
        else:  # outside
            with pytest.raises(PromptError, match="has nothing on the plane that is shown"):
                find_target(viewer)
    assert len(seen) > 2


def test_the_chosen_label_and_the_others_are_named(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    said, others = tools._target, tools.findChild(QComboBox)
    assert said.text == "No labels yet: segment an image, or select a layer of labels."
    assert not others.isEnabled()
    layer = add(viewer, blob())
    assert said.text == "label 3 in cells"
    layer.features = {"index": [0, 3, 5], "class": ["background", "leaf", "stem"]}
    assert said.text == "leaf in cells"
    assert [(others.itemText(i), others.itemData(i)) for i in range(others.count())] == [("stem", 5)]
    layer.selected_label = 5
    assert said.text == "stem in cells"
    press(tools, "Give to")
    assert not (layer.data == 5).any()
    assert (layer.data == 3).sum() == (blob() > 0).sum()
    viewer.layers.clear()
    assert said.text.startswith("No labels yet")


def test_what_cannot_be_corrected_is_said(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    assert press(tools, "Fill holes").startswith("⚠ There are no labels to be corrected")
    layer = add(viewer, blob(), id_=0)
    assert press(tools, "Fill holes") == "⚠ The label chosen in cells is the background: choose another one."
    layer.selected_label = 3
    layer.editable = False
    assert press(tools, "Fill holes") == "⚠ cells cannot be edited."
    layer.editable = True
    viewer.dims.ndisplay = 3
    assert "switch to the 2D view" in press(tools, "Fill holes")
    viewer.dims.ndisplay = 2
    viewer.layers.clear()
    viewer.add_labels(np.stack([blob()] * 2))
    viewer.add_image(np.zeros((9, 30, 40)))
    viewer.layers.selection.active = viewer.layers[0]
    viewer.layers[0].selected_label = 3
    viewer.dims.set_current_step(0, 7)
    assert "has nothing on the plane that is shown" in press(tools, "Fill holes")


def test_tools_work_on_results_and_count_as_a_persons(dock: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    viewer, widget = dock
    image = next(scene.image for scene in load_scenes() if scene.name == "shapes-on-sand")
    viewer.add_image(read_image(image).rgb, name="sand")
    ask_for(widget, ["blue circle", "sand"])
    run_and_wait(qtbot, widget)
    (layer,) = result_layers(viewer)
    widget.results.table.selectRow(0)  # blue circle
    assert widget.mask_tools._target.text == "blue circle in sand labels"
    automatic = layer.data.copy()
    layer.data_setitem((np.array([0, 1]), np.array([0, 0])), 1)  # painted
    press(widget.mask_tools, "Shrink by", 2)
    human = track(layer).ledger.human(layer.data)
    np.testing.assert_array_equal(human, layer.data != automatic)
    assert human.sum() > 10
    before = layer.data.copy()
    widget.mask_tools._protect.setChecked(True)
    press(widget.mask_tools, "Remove parts below", 1_000_000)
    assert (layer.data[human] == before[human]).all()
    assert not ((layer.data == 1) & ~human).any()
    for _ in range(3):
        layer.undo()
    np.testing.assert_array_equal(layer.data, automatic)
    assert not track(layer).ledger.human(layer.data).any()
    viewer.window.remove_dock_widget(widget)
    layer.selected_label = 2  # nobody listens who is gone


def test_a_target_knows_its_name(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, _ = panel
    add(viewer, blob())
    target = find_target(viewer)
    assert (target.name, target.plane, target.labels.shape) == ("label 3", (), (30, 40))
    assert BY_NAME["Fill holes"].none


def test_labels_are_not_given_away_where_there_is_no_other_query(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    layer = add(viewer, blob())
    assert press(tools, "Give to") == "⚠ There is no other query that the label could be given to."
    np.testing.assert_array_equal(layer.data, blob())


def test_labels_that_cannot_be_written_to_are_refused(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    layer = add(viewer, blob())
    layer.data.flags.writeable = False
    assert press(tools, "Fill holes") == "⚠ cells cannot be edited."


def test_other_labels_beyond_32_bits_stay(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    labels = blob().astype(np.int64)
    labels[10:12, 10:12] = 2**31
    layer = add(viewer, labels)
    assert press(tools, "Shrink by", 1).startswith("⚠ cells has labels above 2,147,483,647")
    np.testing.assert_array_equal(layer.data, labels)


def test_a_label_that_the_layer_cannot_hold_is_not_written(panel: tuple[ViewerModel, MaskTools]) -> None:
    viewer, tools = panel
    layer = add(viewer, blob().astype(np.uint8))
    tools.transfer.give_to(300)
    assert tools.text.startswith("⚠ cells cannot hold label 300, as its labels end at 255:")
    np.testing.assert_array_equal(layer.data, blob())
    assert not layer._undo_history
