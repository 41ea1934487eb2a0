"""Correcting by pointing in a real window: mouse, keys, panel, and the place of marks through rotation and scale."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from canvas_driving import LEFT, RIGHT, canvas, click, drag, on_canvas, press_key
from napari.layers import Labels
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QLabel, QPushButton
from random_sam import write_random_sam

from napari_car.annotation.ledger import Ledger
from napari_car.gui.dock import CarWidget
from napari_car.gui.layer_notes import KEY
from napari_car.gui.pointing.panel import PointingPanel
from napari_car.results import drain
from napari_car.sam.interactive import SamPredictor
from napari_car.sam.loading import load_sam
from napari_car.sam.prompts import Point, Prompts

pytestmark = pytest.mark.gui

SQUARE = (slice(20, 60), slice(30, 80))
MAX_WAIT_MS = 60_000


def photo() -> np.ndarray:
    rgb = np.random.default_rng(0).integers(60, 80, (90, 120, 3), dtype=np.uint8)
    rgb[SQUARE] += 100
    return rgb


def found() -> np.ndarray:
    """Label 3: the upper half of the square; label 5 far from it."""
    labels = np.zeros((90, 120), np.int32)
    labels[20:40, 30:80] = 3
    labels[70:80, 100:110] = 5
    return labels


def show(viewer: Viewer, **place: object) -> Labels:
    """Show photo and labels, at some place in the world."""
    viewer.add_image(photo(), name="photo", **place)
    notes = {"kind": "labels", "ledger": Ledger(found()), "queries": []}
    layer = viewer.add_labels(found(), name="found", metadata={KEY: notes}, **place)
    layer.selected_label = 3
    viewer.reset_view()
    QApplication.processEvents()
    return layer


@pytest.fixture
def panel(dock: tuple[Viewer, CarWidget]) -> Iterator[PointingPanel]:
    _, widget = dock
    widget.tabs.setCurrentIndex(3)
    yield widget.pointing
    widget.close_session()


def wait(qtbot: QtBot, panel: PointingPanel) -> str:
    """Wait for the answer; return what is said then."""
    qtbot.waitUntil(lambda: not panel.session.answers.is_busy, timeout=MAX_WAIT_MS)
    return panel.text


def button(panel: PointingPanel, text: str) -> QPushButton:
    (found_one,) = (each for each in panel.findChildren(QPushButton) if each.text() == text)
    return found_one


def test_a_mask_is_corrected_by_mouse_and_keys(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot
) -> None:
    viewer, _ = dock
    layer = show(viewer)
    button(panel, "Correct by pointing").click()
    assert "Click on what the label misses" in panel.text
    zoom = viewer.scene.camera.zoom
    click(viewer, layer, (50, 55))
    assert wait(qtbot, panel).startswith("label 3: 1,000 px more, 0 px less.")
    click(viewer, layer, (80, 20), RIGHT)
    wait(qtbot, panel)
    points = panel.session.attempt.pointing.points
    assert [point.is_positive for point in points] == [True, False]
    np.testing.assert_allclose([(p.row, p.col) for p in points], [(50, 55), (80, 20)], atol=1 / zoom)
    press_key(viewer, "Ctrl+Z")
    assert len(panel.session.attempt.pointing.points) == 1
    press_key(viewer, "Ctrl+Shift+Z")
    assert len(panel.session.attempt.pointing.points) == 2
    wait(qtbot, panel)
    np.testing.assert_array_equal(layer.data, found())
    press_key(viewer, "Return")
    expected = found()
    expected[SQUARE] = 3
    np.testing.assert_array_equal(layer.data, expected)
    press_key(viewer, "Ctrl+Z")
    np.testing.assert_array_equal(layer.data, found())
    press_key(viewer, "Ctrl+Shift+Z")
    np.testing.assert_array_equal(layer.data, expected)
    click(viewer, layer, (10, 10))
    press_key(viewer, "Escape")
    assert not panel.session.attempt
    assert viewer.scene.camera.zoom == zoom
    button(panel, "Stop correcting").click()
    assert [each.name for each in viewer.layers] == ["photo", "found"]
    assert not layer.keymap


def test_boxes_and_strokes_are_drawn_and_points_let_the_view_move(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot
) -> None:
    viewer, _ = dock
    layer = show(viewer)
    panel.switch(is_on=True)
    button(panel, "Box").click()
    zoom = viewer.scene.camera.zoom
    drag(viewer, layer, (65, 25), (15, 85))
    wait(qtbot, panel)
    box = panel.session.attempt.pointing.box
    np.testing.assert_allclose(box, (15, 25, 65, 85), atol=1 / zoom)
    press_key(viewer, "Return")
    np.testing.assert_array_equal(layer.data[SQUARE], 3)
    button(panel, "Stroke").click()
    drag(viewer, layer, (75, 5), (75, 40))
    drag(viewer, layer, (85, 5), (85, 40), RIGHT)
    wait(qtbot, panel)
    strokes = panel.session.attempt.pointing.scribbles
    assert [stroke.is_positive for stroke in strokes] == [True, False]
    np.testing.assert_allclose(strokes[1].path[[0, -1]], [(85, 5), (85, 40)], atol=1 / zoom)
    centre = tuple(viewer.scene.camera.center)
    press_key(viewer, "Escape")
    button(panel, "Points").click()
    drag(viewer, layer, (50, 55), (40, 45))
    assert tuple(viewer.scene.camera.center) != centre
    assert not panel.session.attempt


def test_clicks_beside_the_image_or_with_a_key_held_are_no_marks(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel
) -> None:
    viewer, _ = dock
    layer = show(viewer)
    viewer.scene.camera.zoom /= 2
    panel.switch(is_on=True)
    for place in ((-3, 55), (50, -3), (92, 55), (50, 123)):
        click(viewer, layer, place)
        assert not panel.session.attempt, place
    QTest.mouseClick(canvas(viewer), LEFT, Qt.KeyboardModifier.ShiftModifier, pos=on_canvas(viewer, layer, (50, 55)))
    QApplication.processEvents()
    assert not panel.session.attempt
    click(viewer, layer, (89, 119))
    assert panel.session.attempt


def test_a_label_is_picked_in_the_image_and_by_its_row(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot
) -> None:
    viewer, _ = dock
    layer = show(viewer)
    layer.selected_label = 0
    panel.switch(is_on=True)
    assert panel.text == "Click on the label that is to be corrected."
    click(viewer, layer, (75, 105))
    assert layer.selected_label == 5
    assert str(layer.mode) == "pan_zoom"
    assert not panel.session.attempt
    button(panel, "Pick").click()
    click(viewer, layer, (25, 35))
    assert layer.selected_label == 3
    click(viewer, layer, (50, 55))
    assert wait(qtbot, panel).startswith("label 3: 1,000 px more")


def test_two_quick_clicks_are_two_marks(dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot) -> None:

    viewer, _ = dock
    layer = show(viewer)
    double_clicks = list(viewer.mouse_double_click_callbacks)
    panel.switch(is_on=True)
    zoom = viewer.scene.camera.zoom
    QTest.mouseDClick(canvas(viewer), Qt.MouseButton.LeftButton, pos=on_canvas(viewer, layer, (50, 55)))
    QApplication.processEvents()
    assert viewer.scene.camera.zoom == zoom
    panel.switch(is_on=False)
    assert viewer.mouse_double_click_callbacks == double_clicks


def test_while_space_is_held_the_mouse_moves_the_view(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot
) -> None:

    viewer, _ = dock
    layer = show(viewer)
    panel.switch(is_on=True)
    button(panel, "Box").click()
    layer.mode = "paint"
    QTest.keyPress(canvas(viewer), Qt.Key.Key_Space)
    centre = tuple(viewer.scene.camera.center)
    drag(viewer, layer, (50, 55), (40, 45))
    click(viewer, layer, (50, 55))
    assert tuple(viewer.scene.camera.center) != centre
    QTest.keyRelease(canvas(viewer), Qt.Key.Key_Space)
    assert not panel.session.attempt
    assert str(layer.mode) == "paint"
    np.testing.assert_array_equal(layer.data, found())
    layer.mode = "pan_zoom"
    click(viewer, layer, (50, 55))
    assert wait(qtbot, panel).startswith("label 3: 1,000 px more")


def test_options_say_what_is_left_alone(dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot) -> None:
    viewer, _ = dock
    layer = show(viewer)
    layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[45:50, 40:50]), 5)
    panel.switch(is_on=True)
    click(viewer, layer, (50, 55))
    assert wait(qtbot, panel).endswith(" 50 px of other labels stay.")
    boxes = {box.text(): box for box in panel.options.findChildren(QCheckBox)}
    boxes["Leave other labels alone"].setChecked(False)
    assert wait(qtbot, panel).endswith(" 50 px that you changed by hand stay.")
    boxes["Change what I painted, too"].setChecked(True)
    assert wait(qtbot, panel) == "label 3: 1,000 px more, 0 px less. Enter accepts, Esc discards."


def test_painting_and_polygons_work_meanwhile(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot
) -> None:
    viewer, _ = dock
    layer = show(viewer)
    panel.switch(is_on=True)
    layer.mode, layer.selected_label, layer.brush_size = "paint", 5, 5
    click(viewer, layer, (10, 10))
    assert layer.data[10, 10] == 5
    assert not panel.session.attempt
    layer.mode = "polygon"
    for place in ((65, 5), (65, 25), (85, 25), (85, 5)):
        click(viewer, layer, place)
    press_key(viewer, "Return")
    assert layer.data[75, 15] == 5
    press_key(viewer, "Ctrl+Z")
    press_key(viewer, "Ctrl+Z")
    np.testing.assert_array_equal(layer.data, found())


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_sam(tmp_path_factory.mktemp("sam") / "tiny.pth")


PLACES = {
    "plain": {},
    "rotated and scaled": {"scale": (0.5, 0.25), "rotate": 30.0, "translate": (100.0, -40.0)},
    "sheared": {"affine": np.array([[2.0, 0.4, 5.0], [0.1, 1.5, -7.0], [0.0, 0.0, 1.0]])},
    "mirrored, in micrometres": {"scale": (-0.1, 0.1), "units": ("um", "um")},
}


@pytest.mark.parametrize("place", PLACES)
def test_sam_is_asked_at_the_place_that_was_clicked(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot, sam_file: Path, place: str, one_thread: None
) -> None:
    viewer, _ = dock
    layer = show(viewer, **PLACES[place])
    layer.selected_label = 7
    panel.options.choose_sam(str(sam_file))
    panel.switch(is_on=True)
    click(viewer, layer, (52.0, 71.0))
    assert "⚠" not in wait(qtbot, panel)
    (point,) = panel.session.attempt.pointing.points
    zoom = viewer.scene.camera.zoom * min(abs(np.linalg.det(layer.affine.affine_matrix)), *np.abs(layer.scale))
    np.testing.assert_allclose((point.row, point.col), (52, 71), atol=2 / zoom)
    sam = SamPredictor(load_sam(str(sam_file), device="cpu"))
    direct = drain(sam.open(photo())).predict(Prompts((Point(point.row, point.col, is_positive=True),)))
    assert len(direct.masks) == 3
    preview = panel.session.preview
    assert preview is not None
    np.testing.assert_array_equal(preview.answer.masks, direct.masks)
    press_key(viewer, "C")
    wait(qtbot, panel)
    assert button(panel, "Next mask").isVisible()
    assert "Mask 2 of 3" in [label.text() for label in panel.findChildren(QLabel)]
    press_key(viewer, "Return")
    np.testing.assert_array_equal(layer.data, np.where(direct.masks[1] & (found() == 0), 7, found()))
    press_key(viewer, "Ctrl+Z")
    np.testing.assert_array_equal(layer.data, found())


def test_the_embedding_is_computed_once_per_image(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot, sam_file: Path, one_thread: None
) -> None:
    viewer, _ = dock
    layer = show(viewer)
    panel.options.choose_sam(str(sam_file))
    panel.switch(is_on=True)
    looked: list[str] = []
    panel.session.answers.status_changed.connect(lambda status: looked.append(status.text))
    viewer.layers["photo"].data = photo()[::-1].copy()  # a picture of its own, which no other test has asked about
    for row in (50, 52):
        click(viewer, layer, (row, 55))
        wait(qtbot, panel)
        press_key(viewer, "Return")
    assert looked.count("Looking at the image") == 2  # before and after


def test_a_dock_that_is_closed_during_a_prediction_leaves_nothing(
    dock: tuple[Viewer, CarWidget], panel: PointingPanel, qtbot: QtBot, sam_file: Path, one_thread: None
) -> None:
    viewer, widget = dock
    layer = show(viewer)
    panel.options.choose_sam(str(sam_file))
    panel.switch(is_on=True)
    click(viewer, layer, (50, 55))
    widget.close_session()
    assert [each.name for each in viewer.layers] == ["photo", "found"]
    assert not layer.keymap
    np.testing.assert_array_equal(layer.data, found())
    click(viewer, layer, (52, 55))
    np.testing.assert_array_equal(layer.data, found())
