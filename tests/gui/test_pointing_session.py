"""Marks, their undo, and what is written into the labels, without a window."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels
from pytestqt.qtbot import QtBot
from scipy import ndimage

from napari_car.annotation.engine import SamRequest
from napari_car.annotation.frames import Box
from napari_car.annotation.ledger import Ledger
from napari_car.errors import CheckpointError, PromptError
from napari_car.gui.layer_notes import KEY
from napari_car.gui.pointing.session import CorrectionSession
from napari_car.gui.pointing.work import Consideration
from napari_car.gui.tracking import track
from napari_car.sam.prompts import Point, Scribble

pytestmark = pytest.mark.gui

SQUARE = (slice(20, 60), slice(30, 80))
SPOT = (slice(70, 78), slice(90, 98))


def photo() -> np.ndarray:
    """A bright square, and a bright spot in a grey one, on dark ground, RGB."""
    rgb = np.random.default_rng(0).integers(60, 80, (90, 120, 3), dtype=np.uint8)
    rgb[64:84, 86:112] += 40
    rgb[SQUARE] += 100
    rgb[SPOT] += 100
    return rgb


def found() -> np.ndarray:
    """Label 3: the upper half of the square; label 5 beside it."""
    labels = np.zeros((90, 120), np.int32)
    labels[20:40, 30:80] = 3
    labels[20:60, 80:84] = 5
    return labels


def add_result(viewer: ViewerModel, labels: np.ndarray, **settings: Any) -> Labels:
    """Add labels as a run makes them: none of the pixels is a person's."""
    notes = {"kind": "labels", "ledger": Ledger(labels.astype(np.int32)), "queries": []}
    layer = viewer.add_labels(labels.copy(), name="found", metadata={KEY: notes}, **settings)
    layer.selected_label = 3
    return layer


class Desk:
    """A viewer, a correction, and what it says."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.viewer = ViewerModel()
        self.viewer.add_image(photo(), name="photo")
        self.layer = add_result(self.viewer, found())
        self.sam: SamRequest | None = None
        self.session = CorrectionSession(self.viewer, lambda: self.sam)
        self.said: list[str] = []
        self.session.said.connect(self.said.append)

    def click(self, row: float, col: float, *, is_positive: bool = True, waits: bool = True) -> None:
        self.session.mark(lambda pointing: pointing.with_point(Point(row, col, is_positive)))
        if waits:
            self.wait()

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.session.answers.is_busy, timeout=20_000)

    @property
    def n_points(self) -> int:
        return len(self.session.attempt.pointing.points)

    def layer_named(self, start: str) -> Any:
        (layer,) = (layer for layer in self.viewer.layers if layer.name.startswith(start))
        return layer


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    desk = Desk(qtbot)
    desk.session.start()
    yield desk
    desk.session.close()
    assert {layer.name for layer in desk.viewer.layers} <= {"photo", "found", "mine", "elsewhere"}


def test_a_click_is_previewed_and_changes_nothing_until_it_is_accepted_as_one_step(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    np.testing.assert_array_equal(desk.layer.data, found())
    assert not desk.layer._undo_history
    preview = desk.session.preview
    assert preview is not None
    assert desk.said[-1].startswith("label 3: 1,000 px more, 0 px less.")
    desk.session.accept()
    after = desk.layer.data.copy()
    expected = found()
    expected[SQUARE] = 3
    np.testing.assert_array_equal(after, expected)
    assert after.dtype == np.int32
    assert len(desk.layer._undo_history) == 1
    assert desk.said[-1] == "label 3: 1,000 px added, 0 px removed. Undo (Ctrl+Z) takes it back."
    assert not desk.session.attempt
    np.testing.assert_array_equal(track(desk.layer).ledger.human(after), after != found())
    desk.session.undo()
    np.testing.assert_array_equal(desk.layer.data, found())
    desk.session.redo()
    np.testing.assert_array_equal(desk.layer.data, after)


def test_a_click_on_background_removes(desk: Desk) -> None:
    desk.layer.data[60:70, 30:80] = 3
    desk.layer.data[40:60, 30:80] = 3
    desk.layer.refresh()
    desk.click(65.0, 55.0, is_positive=False)
    desk.session.accept()
    assert np.count_nonzero(desk.layer.data[60:70] == 3) < 25
    assert (desk.layer.data[SQUARE] == 3).mean() > 0.97


def test_undo_and_redo_go_through_marks_and_edits_in_the_order_in_which_they_came(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.session.accept()
    after = desk.layer.data.copy()
    desk.click(74.0, 94.0)
    desk.click(71.0, 91.0)
    assert desk.n_points == 2
    desk.session.undo()
    assert desk.n_points == 1
    desk.session.undo()
    assert desk.n_points == 0
    np.testing.assert_array_equal(desk.layer.data, after)
    desk.session.undo()
    np.testing.assert_array_equal(desk.layer.data, found())
    desk.session.redo()
    np.testing.assert_array_equal(desk.layer.data, after)
    assert desk.n_points == 0
    desk.session.redo()
    desk.session.redo()
    assert desk.n_points == 2
    desk.wait()
    assert desk.session.preview is not None


def test_what_was_undone_is_previewed_again_as_it_was(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    before = desk.session.preview
    desk.click(80.0, 20.0, is_positive=False)
    desk.session.undo()
    desk.wait()
    again = desk.session.preview
    assert again is not before
    assert again is not None
    assert before is not None
    np.testing.assert_array_equal(again.changes, before.changes)


def test_discarded_marks_can_be_had_back(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.session.discard()
    assert not desk.session.attempt
    assert desk.session.preview is None
    np.testing.assert_array_equal(desk.layer.data, found())
    desk.session.undo()
    desk.wait()
    assert desk.n_points == 1
    assert desk.session.preview is not None


def test_enter_before_the_answer_accepts_it_when_it_comes(desk: Desk) -> None:
    desk.click(50.0, 55.0, waits=False)
    desk.session.accept()
    np.testing.assert_array_equal(desk.layer.data, found())
    desk.wait()
    assert (desk.layer.data[SQUARE] == 3).all()
    assert not desk.session.attempt


def test_another_mark_takes_back_that_it_was_accepted_before_the_answer(desk: Desk) -> None:
    desk.click(50.0, 55.0, waits=False)
    desk.session.accept()
    desk.click(55.0, 55.0)
    assert desk.n_points == 2
    np.testing.assert_array_equal(desk.layer.data, found())


def test_a_single_click_on_something_new_offers_several_masks(desk: Desk) -> None:
    desk.layer.selected_label = 7
    desk.click(74.0, 94.0)
    preview = desk.session.preview
    assert preview is not None
    n = len(preview.answer.masks)
    assert n > 1
    chosen = [preview.changes]
    for _ in range(n - 1):
        desk.session.next_candidate()
        desk.wait()
        assert desk.session.preview is not None
        chosen.append(desk.session.preview.changes)
    assert len({changes.tobytes() for changes in chosen}) == n
    desk.session.next_candidate()
    assert desk.session.attempt.candidate == 0
    desk.session.undo()
    assert desk.session.attempt.candidate == n - 1
    desk.wait()
    desk.session.accept()
    np.testing.assert_array_equal(desk.layer.data == 7, chosen[-1])


def test_other_labels_are_left_alone_unless_they_need_not_be(desk: Desk) -> None:
    desk.layer.data[45:55, 40:50] = 5
    desk.layer.refresh()
    desk.click(50.0, 45.0)
    assert desk.session.preview is not None
    assert not desk.session.preview.changes[45:55, 40:50].any()
    assert desk.said[-1].endswith(" 100 px of other labels stay.")
    desk.session.consider(Consideration(keeps_others=False))
    desk.wait()
    assert desk.session.preview.added[45:55, 40:50].all()
    desk.session.consider(Consideration(keeps_others=True))
    desk.wait()
    desk.session.accept()
    assert (desk.layer.data[45:55, 40:50] == 5).all()
    assert (desk.layer.data[20:60, 80:84] == 5).all()


def test_what_a_person_painted_stays_unless_it_is_pointed_at_or_given_free(desk: Desk) -> None:
    layer = desk.layer
    layer.data_setitem(np.nonzero(np.isin(np.arange(90), range(62, 66))[:, None] & (np.arange(120) < 60)), 3)
    painted = layer.data.copy()
    assert np.count_nonzero(painted[62:66, :60] == 3) == 240
    desk.click(50.0, 55.0)
    desk.session.accept()
    assert (layer.data[62:66, :60] == 3).all()
    layer.undo()
    desk.click(64.0, 5.0, is_positive=False)
    assert "stay" not in desk.said[-1]
    desk.session.accept()
    assert not layer.data[62:66, 2:9].any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, painted)


def test_pixels_that_stay_are_counted(qtbot: QtBot) -> None:
    desk = Desk(qtbot)
    desk.viewer.layers.remove(desk.layer)
    labels = found()
    labels[40:66, 30:80] = 3
    layer = desk.layer = add_result(desk.viewer, labels)
    rows, cols = np.nonzero(np.ones((4, 50)))
    layer.data_setitem((rows + 66, cols + 30), 3)
    desk.session.start()
    desk.click(62.0, 55.0, is_positive=False)
    assert desk.said[-1].endswith(" 200 px that you changed by hand stay.")
    desk.session.consider(Consideration(keeps_human=False))
    desk.wait()
    desk.session.accept()
    assert not (layer.data[60:70] == 3).any()
    desk.session.close()


def test_in_labels_that_no_run_made_nothing_is_protected(desk: Desk) -> None:
    layer = desk.viewer.add_labels(found().astype(np.uint8), name="mine")
    layer.selected_label = 3
    desk.click(50.0, 55.0)
    desk.session.accept()
    assert layer.data.dtype == np.uint8
    assert (layer.data[SQUARE] == 3).all()
    np.testing.assert_array_equal(desk.layer.data, found())


def test_labels_that_are_painted_under_the_marks_are_looked_at_again(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    where = np.nonzero(np.ones((5, 10)))
    desk.layer.data_setitem((where[0] + 45, where[1] + 50), 5)
    desk.wait()
    assert desk.said[-1].startswith("label 3: 950 px more")
    desk.session.accept()
    assert (desk.layer.data[45:50, 50:60] == 5).all()
    desk.session.undo()
    assert (desk.layer.data[45:50, 50:60] == 5).all()
    desk.session.undo()
    np.testing.assert_array_equal(desk.layer.data, found())


def test_another_label_may_be_chosen_while_marks_wait(desk: Desk) -> None:
    desk.click(74.0, 94.0)
    desk.layer.selected_label = 9
    desk.wait()
    assert desk.said[-1].startswith("label 9:")
    desk.session.accept()
    assert set(np.unique(desk.layer.data)) == {0, 3, 5, 9}
    np.testing.assert_array_equal(desk.layer.data == 3, found() == 3)


def test_without_labels_or_with_background_chosen_it_says_what_to_do(desk: Desk) -> None:
    desk.layer.selected_label = 0
    desk.click(50.0, 55.0)
    assert desk.said == ["⚠ The label chosen in found is the background: choose another one."]
    assert not desk.session.attempt
    empty = CorrectionSession(ViewerModel(), lambda: None)
    with pytest.raises(PromptError, match="no labels to be corrected"):
        empty.start()
    assert not empty.is_on
    empty.close()


def test_labels_without_their_image_cannot_be_corrected_by_pointing(desk: Desk) -> None:
    layer = desk.viewer.add_labels(np.ones((30, 40), np.int32), name="elsewhere")
    layer.selected_label = 1
    desk.click(5.0, 5.0)
    assert desk.said == ["⚠ No image lies exactly under elsewhere: open one of the same size, scale and place."]


def test_a_sam_that_is_not_there_is_said_and_the_marks_stay(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.sam = SamRequest(name="sam-hq/vit_tiny", models_folder=Path("nowhere"))
    desk.session.ask_again()
    desk.wait()
    assert desk.said[-1].startswith("⚠ ")
    assert desk.n_points == 1
    assert desk.session.preview is None
    desk.sam = None
    desk.session.ask_again()
    desk.wait()
    assert desk.session.preview is not None


def test_a_choice_that_is_refused_is_said(qtbot: QtBot) -> None:
    desk = Desk(qtbot)

    def refuse() -> SamRequest | None:
        raise CheckpointError("sam-hq/vit_b is not installed.")

    desk.session.answers._choose_sam = refuse
    desk.session.start()
    desk.click(50.0, 55.0)
    assert desk.said == ["⚠ sam-hq/vit_b is not installed."]
    desk.session.close()


def test_the_layers_of_marks_take_and_show_marks(desk: Desk) -> None:
    points, shapes = desk.layer_named("Points of"), desk.layer_named("Box and")
    points.add([50.0, 55.0])
    desk.wait()
    assert desk.n_points == 1
    assert desk.session.preview is not None
    desk.session.marks.set_defaults(is_positive=False, stroke_width_px=7.0)
    points.add([80.0, 10.0])
    shapes.add([[75.0, 5.0], [75.0, 25.0]], shape_type="path", edge_width=7.0)
    shapes.add([[15.0, 25.0], [15.0, 85.0], [65.0, 85.0], [65.0, 25.0]], shape_type="rectangle")
    desk.wait()
    pointing = desk.session.attempt.pointing
    assert [point.is_positive for point in pointing.points] == [True, False]
    assert pointing.box == (15.0, 25.0, 65.0, 85.0)
    (stroke,) = pointing.scribbles
    assert (stroke.is_positive, stroke.width_px, stroke.path.tolist()) == (False, 7.0, [[75.0, 5.0], [75.0, 25.0]])
    desk.session.undo()
    assert desk.session.attempt.pointing.box is None
    assert list(shapes.shape_type) == ["path"]
    desk.session.redo()
    assert sorted(shapes.shape_type) == ["path", "rectangle"]
    points.selected_data = {0}
    points.remove_selected()
    assert [point.is_positive for point in desk.session.attempt.pointing.points] == [False]
    desk.session.undo()
    assert points.data.tolist() == [[50.0, 55.0], [80.0, 10.0]]
    assert points.features["mark"].tolist() == ["object", "background"]
    desk.wait()
    desk.session.accept()
    assert len(points.data) == len(shapes.data) == 0
    assert (desk.layer.data[SQUARE] == 3).all()


def test_a_layer_of_marks_that_is_deleted_takes_its_marks_along_and_comes_again(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.viewer.layers.remove(desk.layer_named("Points of"))
    assert not desk.session.attempt
    desk.click(50.0, 55.0)
    assert len(desk.layer_named("Points of").data) == 1


def test_labels_that_are_removed_take_the_correction_along(desk: Desk) -> None:
    desk.click(50.0, 55.0, waits=False)
    desk.viewer.layers.remove(desk.layer)
    assert not desk.session.attempt
    assert desk.session.layer is None
    desk.session.undo()
    desk.session.accept()
    desk.wait()


def test_switched_off_nothing_is_left(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.session.stop()
    assert [layer.name for layer in desk.viewer.layers] == ["photo", "found"]
    assert not desk.session.attempt
    desk.layer.selected_label = 5
    desk.viewer.layers.selection.active = desk.viewer.layers[0]
    np.testing.assert_array_equal(desk.layer.data, found())
    desk.session.start()
    desk.click(50.0, 55.0)
    assert desk.session.preview is not None


@pytest.fixture
def stack(qtbot: QtBot) -> Iterator[Callable[..., Desk]]:
    desks = []

    def make(order: tuple[int, ...]) -> Desk:
        desk = Desk(qtbot)
        desk.viewer.layers.clear()
        axes = (0, 1, 2)
        images = np.stack([photo()[..., 0]] * 5)
        labels = np.zeros(images.shape, np.int32)
        labels[1], labels[2] = found(), found()
        desk.viewer.add_image(images.transpose(order), name="photo", scale=np.array([5.0, 1.0, 1.0])[list(order)])
        desk.layer = add_result(
            desk.viewer, labels.transpose(order).copy(), scale=np.array([5.0, 1.0, 1.0])[list(order)]
        )
        desk.viewer.dims.order = tuple(order.index(axis) for axis in axes)
        desk.session.start()
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        desk.session.close()


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1)])
def test_a_slice_of_a_stack_is_corrected_and_no_other(stack: Callable[..., Desk], order: tuple[int, ...]) -> None:
    desk = stack(order)
    slider = order.index(0)
    desk.viewer.dims.set_point(slider, 10.0)
    before = desk.layer.data.copy()
    desk.click(50.0, 55.0)
    desk.session.accept()
    expected = found()
    expected[SQUARE] = 3
    planes = desk.layer.data.transpose([order.index(axis) for axis in (0, 1, 2)])
    np.testing.assert_array_equal(planes[2], expected)
    np.testing.assert_array_equal(planes[1], found())
    assert not planes[[0, 3, 4]].any()
    desk.session.undo()
    np.testing.assert_array_equal(desk.layer.data, before)


def test_marks_wait_on_their_slice(stack: Callable[..., Desk]) -> None:
    desk = stack((0, 1, 2))
    desk.viewer.dims.set_point(0, 5.0)
    desk.click(50.0, 55.0)
    desk.viewer.dims.set_point(0, 10.0)
    desk.click(50.0, 55.0)
    assert desk.said[-1] == "⚠ label 3 is being corrected on another plane: accept (Enter) or discard it (Esc)."
    assert desk.n_points == 1
    assert desk.layer_named("Points of").data.tolist() == [[1.0, 50.0, 55.0]]
    desk.session.accept()
    assert (desk.layer.data[1][SQUARE] == 3).all()
    np.testing.assert_array_equal(desk.layer.data[2], found())
    desk.layer_named("Points of").add([2.0, 50.0, 55.0])
    desk.wait()
    desk.session.accept()
    assert (desk.layer.data[2][SQUARE] == 3).all()


def test_of_a_large_image_only_a_window_is_looked_at(qtbot: QtBot) -> None:
    desk = Desk(qtbot)
    desk.viewer.layers.clear()
    image = np.full((4000, 5000), 70, np.uint8)
    image[3000:3040, 4000:4050] = 170
    labels = np.zeros(image.shape, np.int32)
    labels[3000:3020, 4000:4050] = 3
    desk.viewer.add_image(image, name="photo")
    desk.layer = add_result(desk.viewer, labels)
    desk.session.start()
    desk.click(3030.0, 4020.0)
    preview = desk.session.preview
    assert preview is not None
    assert max(preview.answer.window.box.size_px) == 1024
    assert desk.layer_named("Correction").data.shape == (1024, 1024)
    desk.session.accept()
    labels[3000:3040, 4000:4050] = 3
    np.testing.assert_array_equal(desk.layer.data, labels)
    desk.session.close()


WHOLE = Box(0, 0, 90, 120)


def click_at(desk: Desk, row: int, col: int, value: Any) -> None:
    desk.click(float(row), float(col), is_positive=bool(value))


def stroke_at(desk: Desk, row: int, col: int, value: Any) -> None:
    path = np.array([[row, col], [row, col + 8]], dtype=np.float64)
    desk.session.mark(lambda pointing: pointing.with_scribble(Scribble(path, bool(value), 3.0)))


def box_at(desk: Desk, row: int, col: int, value: Any) -> None:
    desk.session.mark(lambda pointing: pointing.with_box((float(row), float(col), row + 25.0, col + 30.0)))


def paint_at(desk: Desk, row: int, col: int, value: Any) -> None:
    rows, cols = np.nonzero(np.ones((6, 7)))
    desk.layer.data_setitem((np.minimum(rows + row, 89), np.minimum(cols + col, 119)), value)


def choose_label(desk: Desk, row: int, col: int, value: Any) -> None:
    desk.layer.selected_label = value + 3


def check_accept(desk: Desk, row: int, col: int, value: Any) -> None:
    """Accept, and see that others' and a person's pixels stay, but for those of a person's that were pointed at."""
    layer, marks = desk.layer, desk.session.attempt.pointing
    before, chosen = layer.data.copy(), layer.selected_label
    human = track(layer).ledger.human(before)
    desk.session.accept()
    changed = layer.data != before
    assert set(np.unique(layer.data[changed])) | set(np.unique(before[changed])) <= {0, chosen}
    numbers, _ = ndimage.label(human & changed, np.ones((3, 3)))
    places = marks.pixels(WHOLE)
    assert set(np.unique(numbers)) <= {0, *numbers[places[:, 0], places[:, 1]].tolist()}


ACTIONS: dict[str, Callable[[Desk, int, int, Any], None]] = {
    "click": click_at,
    "stroke": stroke_at,
    "box": box_at,
    "paint": paint_at,
    "label": choose_label,
    "accept": check_accept,
    "discard": lambda desk, *_: desk.session.discard(),
    "undo": lambda desk, *_: desk.session.undo(),
    "redo": lambda desk, *_: desk.session.redo(),
    "next": lambda desk, *_: desk.session.next_candidate(),
}
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 89), st.integers(0, 110), st.sampled_from([0, 1, 3])),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_done_each_edit_can_be_undone_and_no_other_pixel_changes(
    qtbot: QtBot, steps: list[tuple[str, int, int, int]]
) -> None:
    desk = Desk(qtbot)
    layer = desk.layer
    desk.session.start()
    snapshots = [found()]  # by the number of edits that can be undone
    for name, row, col, value in steps:
        n_edits = len(layer._undo_history)
        ACTIONS[name](desk, row, col, value)
        desk.wait()
        if len(layer._undo_history) > n_edits and name != "redo":
            snapshots = [*snapshots[: n_edits + 1], layer.data.copy()]
        np.testing.assert_array_equal(layer.data, snapshots[len(layer._undo_history)])
    desk.session.close()
    for expected in reversed(snapshots[: len(layer._undo_history)]):
        layer.undo()
        np.testing.assert_array_equal(layer.data, expected)


def test_all_layers_may_be_removed_while_marks_wait(qtbot: QtBot) -> None:
    desk = Desk(qtbot)
    desk.session.start()
    desk.click(50.0, 55.0, waits=False)
    desk.viewer.layers.clear()
    desk.wait()
    assert not desk.session.attempt
    assert len(desk.viewer.layers) == 0
    desk.session.close()


def test_labels_that_are_replaced_by_others_of_another_size_are_not_corrected_any_more(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.layer.data = np.ones((30, 40), np.int32)
    desk.session.ask_again()
    desk.wait()
    assert desk.said[-1].startswith("⚠ ")
    assert desk.session.preview is None
    desk.session.accept()
    assert (desk.layer.data == 1).all()


def test_discarded_marks_come_back_on_their_own_slice_and_no_other(stack: Callable[..., Desk]) -> None:
    desk = stack((0, 1, 2))
    desk.viewer.dims.set_point(0, 5.0)
    desk.click(50.0, 55.0)
    desk.session.discard()
    desk.viewer.dims.set_point(0, 10.0)
    desk.session.undo()
    desk.wait()
    assert desk.layer_named("Points of").data.tolist() == [[1.0, 50.0, 55.0]]
    desk.session.discard()
    desk.click(50.0, 57.0)
    desk.session.undo()
    desk.session.undo()
    assert not desk.session.attempt
    desk.session.redo()
    desk.session.redo()
    desk.wait()
    assert desk.layer_named("Points of").data.tolist() == [[2.0, 50.0, 57.0]]


def test_discarded_marks_do_not_come_back_over_other_labels(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.session.discard()
    desk.viewer.add_labels(found(), name="mine").selected_label = 3
    desk.session.undo()
    desk.session.redo()
    assert not desk.session.attempt
    desk.viewer.layers.selection.active = desk.layer
    desk.session.undo()
    assert not desk.session.attempt


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("how", ["clear", "from below", "from above", "delete the marks"])
def test_layers_may_be_removed_together(desk: Desk, how: str, waits: bool) -> None:
    if waits:
        desk.click(50.0, 55.0)
    layers = desk.viewer.layers
    if how == "clear":
        layers.clear()
    elif how == "delete the marks":
        layers.selection = {desk.layer_named("Points of"), desk.layer_named("Box and")}
        layers.remove_selected()
    else:  # as napari does with those that are selected, in any order
        for layer in list(layers)[:: 1 if how == "from below" else -1]:
            layers.remove(layer)
    assert not desk.session.attempt
    desk.qtbot.wait(20)
    if how == "delete the marks":
        layers.selection.active = desk.layer
        desk.click(50.0, 55.0)
        assert len(desk.layer_named("Points of").data) == 1
        assert not len(desk.layer_named("Box and").data)
    else:
        assert not layers


def test_of_two_layers_of_marks_the_other_stays(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    stroke_at(desk, 52, 50, 1)
    desk.viewer.layers.remove(desk.layer_named("Points of"))
    assert desk.n_points == 0
    assert len(desk.session.attempt.pointing.scribbles) == 1
    desk.session.undo()
    assert desk.n_points == 1
    assert len(desk.layer_named("Points of").data) == len(desk.layer_named("Box and").data) == 1
    desk.viewer.layers.remove(desk.layer_named("Box and"))
    assert desk.n_points == 1
    assert not desk.session.attempt.pointing.scribbles


def test_of_labels_that_are_removed_nothing_is_left(desk: Desk) -> None:
    other = desk.viewer.add_labels(found(), name="mine")
    desk.viewer.layers.selection.active = desk.layer
    desk.click(50.0, 55.0)
    desk.viewer.layers.remove(desk.layer)
    desk.viewer.layers.selection.active = None
    desk.qtbot.wait(20)
    desk.viewer.layers.remove(other)
    desk.qtbot.wait(20)
    assert [layer.name for layer in desk.viewer.layers] == ["photo"]


def test_after_a_correction_the_labels_that_were_selected_meanwhile_are_next(desk: Desk) -> None:
    other = desk.viewer.add_labels(found(), name="mine")
    for end in (desk.session.accept, desk.session.discard, lambda: desk.viewer.layers.remove(desk.layer)):
        desk.viewer.layers.selection.active = desk.layer
        desk.click(50.0, 55.0)
        desk.viewer.layers.selection.active = other
        assert desk.session.layer is desk.layer
        end()
        assert desk.session.layer is other
    np.testing.assert_array_equal(other.data, found())


def test_fewer_masks_than_before_are_no_error(desk: Desk) -> None:
    desk.layer.selected_label = 7
    desk.click(74.0, 94.0)
    desk.session.next_candidate()
    desk.wait()
    assert desk.session.attempt.candidate == 1
    desk.layer.selected_label = 9
    desk.layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[SPOT]), 9)
    desk.wait()
    preview = desk.session.preview
    assert preview is not None, desk.said
    assert len(preview.answer.masks) == 1
    assert preview.candidate == 0
    desk.click(80.0, 100.0)
    assert desk.session.preview is not None, desk.said


def test_labels_that_cannot_be_written_to_are_refused(desk: Desk) -> None:
    labels = found()
    labels.flags.writeable = False
    desk.viewer.add_labels(labels, name="mine").selected_label = 3
    desk.click(50.0, 55.0)
    assert desk.said == ["⚠ mine cannot be edited."]


@pytest.mark.parametrize("dtype", [np.int64, np.uint32])
def test_labels_beyond_32_bits_are_refused(desk: Desk, dtype: type) -> None:
    layer = desk.viewer.add_labels(found().astype(dtype), name="mine")
    layer.selected_label = 2**31
    desk.click(50.0, 55.0)
    layer.selected_label = 3
    layer.data_setitem((np.array([0]), np.array([0])), 2**31)
    desk.click(50.0, 55.0)
    says = "⚠ mine has labels above 2,147,483,647, which cannot be corrected: give them smaller numbers first."
    assert desk.said == [says] * 2
    layer.undo()
    desk.click(50.0, 55.0)
    desk.session.accept()
    assert (layer.data[SQUARE] == 3).all()
    assert layer.data.dtype == dtype


def test_without_marks_nothing_is_said_of_them(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.session.undo()
    assert desk.said[-1] == ""


def test_the_layers_of_marks_follow_labels_that_are_scaled(desk: Desk) -> None:
    for layer in (desk.viewer.layers["photo"], desk.layer):
        layer.scale, layer.translate = (2.0, 2.0), (10.0, 0.0)
    desk.click(50.0, 55.0)
    for name in ("Points of", "Box and", "Correction"):
        np.testing.assert_allclose(desk.layer_named(name).data_to_world((5.0, 6.0)), (20.0, 12.0))


def test_a_question_that_cannot_be_asked_leaves_no_older_answer(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    assert desk.layer_named("Correction").data.any()
    desk.viewer.layers["photo"].scale = (2.0, 2.0)
    desk.layer.data_setitem((np.array([0]), np.array([0])), 5)
    desk.wait()
    assert desk.said[-1].startswith("⚠ No image lies exactly under")
    assert not desk.layer_named("Correction").data.any()
    assert desk.n_points == 1


def test_undo_where_nothing_can_be_undone_costs_no_redo(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.session.undo()
    desk.session.undo()
    desk.session.redo()
    assert desk.n_points == 1


def test_switched_off_other_modes_keep_their_cursor(desk: Desk) -> None:
    assert desk.layer.cursor == "cross"
    desk.layer.mode = "paint"
    cursor = desk.layer.cursor
    desk.session.stop()
    assert desk.layer.cursor == cursor
    assert not desk.layer.mouse_pan
    desk.layer.mode = "pan_zoom"
    desk.session.start()
    desk.session.mouse.tool = "box"
    assert not desk.layer.mouse_pan
    desk.session.stop()
    assert desk.layer.mouse_pan
    assert desk.layer.cursor == "standard"


def test_where_nothing_would_change_that_is_said_and_no_step_is_made(desk: Desk) -> None:
    desk.layer.data_setitem(tuple(axis.ravel() for axis in np.mgrid[40:60, 30:80]), 3)
    desk.layer._undo_history.clear()
    desk.click(40.0, 55.0)
    assert desk.said[-1].startswith("label 3: nothing would change.")
    desk.session.accept()
    assert desk.said[-1] == "label 3: there was nothing to change."
    assert not desk.layer._undo_history


def test_the_image_that_is_seen_is_looked_at_and_not_a_hidden_one_over_it(desk: Desk) -> None:
    desk.viewer.add_image(np.zeros((90, 120), np.uint8), name="elsewhere", visible=False)
    desk.viewer.layers.selection.active = desk.layer
    desk.click(50.0, 55.0)
    assert desk.said[-1].startswith("label 3: 1,000 px more, 0 px less.")


def test_marks_that_are_drawn_on_another_slice_do_not_count(stack: Callable[..., Desk]) -> None:
    desk = stack((0, 1, 2))
    desk.viewer.dims.set_point(0, 5.0)
    desk.click(50.0, 55.0)
    desk.layer_named("Points of").add([3.0, 50.0, 57.0])
    assert [(point.row, point.col) for point in desk.session.attempt.pointing.points] == [(50.0, 55.0)]


def test_marks_tell_object_and_background_apart(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    desk.click(80.0, 20.0, is_positive=False)
    points = desk.layer_named("Points of")
    assert [str(symbol) for symbol in points.symbol] == ["disc", "x"]
    assert len(np.unique(points.face_color, axis=0)) == 2


def test_a_stroke_of_one_place_is_shown(desk: Desk) -> None:
    desk.session.mark(lambda pointing: pointing.with_scribble(Scribble(np.array([[50.0, 55.0]]), True, 3.0)))
    desk.wait()
    assert len(desk.layer_named("Box and").data) == 1
    assert desk.session.preview is not None


def test_the_preview_lies_right_over_the_labels_and_is_not_corrected_itself(desk: Desk) -> None:
    desk.click(50.0, 55.0)
    preview = desk.layer_named("Correction")
    assert desk.viewer.layers.index(preview) == desk.viewer.layers.index(desk.layer) + 1
    assert not preview.editable
    desk.session.discard()
    assert not preview.editable
    desk.viewer.layers.selection.active = preview
    assert desk.session.layer is desk.layer


def test_a_new_mark_leaves_nothing_to_redo_but_edits(desk: Desk) -> None:
    desk.layer.data_setitem((np.array([0]), np.array([0])), 5)
    edited = desk.layer.data.copy()
    desk.session.undo()
    desk.click(50.0, 55.0)
    desk.session.undo()
    desk.click(50.0, 57.0)
    desk.session.redo()
    np.testing.assert_array_equal(desk.layer.data, edited)
    assert desk.n_points == 1
