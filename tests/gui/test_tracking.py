"""The ledger follows what the program writes and what a person paints, undoes and redoes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.layers import Labels

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.instances import to_instances, to_semantic
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.proposal import Change
from napari_car.gui.layer_notes import KEY
from napari_car.gui.tracking import track


def automatic_layer(labels: np.ndarray) -> Labels:
    return Labels(labels.copy(), metadata={KEY: {"ledger": Ledger(labels.astype(np.int32))}})


def change(labels: np.ndarray, new: np.ndarray, where: np.ndarray | None = None) -> tuple[Change, ...]:
    """Return the change of a label map to another, or of some of its pixels."""
    where = new != labels if where is None else where
    block = (slice(None),) * labels.ndim
    return (Change(block, new.astype(np.int32), where),) if where.any() else ()


def human(layer: Labels) -> np.ndarray:
    return track(layer).ledger.human(layer.data)


def test_painted_pixels_are_a_persons_until_that_is_undone() -> None:
    layer = automatic_layer(np.zeros((4, 5), dtype=np.int32))
    track(layer)
    layer.data_setitem((np.array([1, 1]), np.array([2, 3])), 7)
    assert human(layer).sum() == 2
    assert human(layer)[1, 2]
    layer.undo()
    assert not human(layer).any()
    layer.redo()
    assert human(layer).sum() == 2


def test_erased_pixels_are_a_persons_too() -> None:
    layer = automatic_layer(np.full((3, 3), 2, dtype=np.int32))
    layer.data_setitem((np.array([0]), np.array([0])), 0)
    assert np.argwhere(human(layer)).tolist() == [[0, 0]]


def test_what_the_program_writes_is_one_undo_step_and_nobodys() -> None:
    layer = automatic_layer(np.zeros((4, 4), dtype=np.int32))
    new = np.tril(np.ones((4, 4), dtype=np.int32))
    track(layer).write(change(layer.data, new))
    np.testing.assert_array_equal(layer.data, new)
    assert not human(layer).any()
    layer.undo()
    assert not layer.data.any()
    assert not human(layer).any()
    layer.redo()
    np.testing.assert_array_equal(layer.data, new)
    assert not human(layer).any()


def test_several_planes_are_one_undo_step_and_drawn() -> None:
    layer = automatic_layer(np.zeros((3, 4, 5), dtype=np.int32))
    tracker, seen = track(layer), []
    layer.events.set_data.connect(lambda: seen.append(1))
    labels = np.arange(12, dtype=np.int32).reshape(4, 3)
    tracker.write([Change((z, slice(0, 4), slice(1, 4)), labels, labels > 0) for z in (0, 2)])
    assert seen
    for z, expected in enumerate((labels, 0 * labels, labels)):
        np.testing.assert_array_equal(layer.data[z, :, 1:4], expected)
    np.testing.assert_array_equal(layer._slice.image.raw[:, 1:4], labels)
    assert np.count_nonzero(layer.data) == 22
    assert not human(layer).any()
    layer.data_setitem((np.array([0]), np.array([0]), np.array([2])), 9)
    layer.undo()
    layer.undo()
    assert not layer.data.any()
    assert not human(layer).any()
    layer.redo()
    np.testing.assert_array_equal(layer.data[2, :, 1:4], labels)
    assert not human(layer).any()


def test_nothing_written_is_no_undo_step() -> None:
    layer = automatic_layer(np.zeros((3, 4), dtype=np.int32))
    track(layer).write([])
    assert not layer._undo_history


def test_a_hidden_layer_is_followed_as_well() -> None:
    layer = automatic_layer(np.zeros((4, 4), dtype=np.int32))
    track(layer).write(change(layer.data, np.eye(4, dtype=np.int32)))
    layer.visible = False
    layer.undo()
    layer.data_setitem((np.array([0]), np.array([1])), 3)  # the undone write cannot come back now
    assert np.argwhere(human(layer)).tolist() == [[0, 1]]


def test_a_history_that_was_dropped_leaves_what_was_written() -> None:
    layer = automatic_layer(np.zeros((4, 4), dtype=np.int32))
    track(layer).write(change(layer.data, np.eye(4, dtype=np.int32)))
    layer.editable = False
    layer.editable = True
    assert not human(layer).any()


def test_a_foreign_layer_is_a_persons_where_it_holds_labels() -> None:
    layer = Labels(np.eye(3, dtype=np.uint16))
    np.testing.assert_array_equal(human(layer), np.eye(3, dtype=bool))
    assert layer.metadata[KEY]["ledger"] is track(layer).ledger


def test_data_of_another_shape_is_a_persons() -> None:
    layer = automatic_layer(np.zeros((3, 3), dtype=np.int32))
    track(layer)
    layer.data = np.ones((2, 2), dtype=np.int32)
    assert human(layer).all()


def test_a_conversion_is_one_undo_step_and_changes_nobodys_pixels() -> None:
    layer = automatic_layer(np.array([[1, 1, 1, 0]], dtype=np.int32))
    tracker = track(layer)
    layer.data_setitem((np.array([0, 0]), np.array([1, 3])), 2)
    layer.data_setitem((np.array([0]), np.array([0])), FIRST_ID)
    before, owners = layer.data.copy(), human(layer)
    assert owners.tolist() == [[True, True, False, True]]
    new = np.array([[1, FIRST_ID + 1, FIRST_ID + 2, FIRST_ID + 1]])
    tracker.convert(change(layer.data, new))
    for labels in (new, before, new):
        np.testing.assert_array_equal(layer.data, labels)
        np.testing.assert_array_equal(human(layer), owners)
        (layer.undo if labels is new else layer.redo)()
    tracker.convert([])
    assert len(layer._undo_history) == 2


ACTIONS = st.one_of(
    st.tuples(st.just("paint"), st.integers(0, 11), st.integers(0, 3)),
    st.tuples(st.just("run"), st.lists(st.integers(0, 3), min_size=12, max_size=12)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=14))
@pytest.mark.filterwarnings("ignore")
def test_runs_never_change_what_a_person_made(actions: list[tuple]) -> None:
    """A model of the history beside napari's: every step keeps the labels and who made each pixel's."""
    layer = automatic_layer(np.zeros((3, 4), dtype=np.int32))
    tracker = track(layer)
    past, future = [(layer.data.copy(), layer.data.copy())], []
    for kind, *arguments in actions:
        labels, written = past[-1]
        if kind in ("undo", "redo"):
            source, target = (past, future) if kind == "undo" else (future, past)
            if len(source) > (kind == "undo"):
                target.append(source.pop())
            getattr(layer, kind)()
        else:
            new, noted = labels.copy(), written.copy()
            if kind == "paint":
                new.flat[arguments[0]] = arguments[1]
                layer.data_setitem(np.unravel_index(np.array([arguments[0]]), new.shape), arguments[1])
            else:
                wanted = np.array(arguments[0], dtype=np.int32).reshape(3, 4)
                free = ~tracker.ledger.human(layer.data) & (wanted != labels)
                new[free] = noted[free] = wanted[free]
                tracker.write(change(layer.data, wanted, free))
            if (new != labels).any():
                past.append((new, noted))
                future.clear()
        np.testing.assert_array_equal(layer.data, past[-1][0])
        np.testing.assert_array_equal(tracker.ledger.human(layer.data), past[-1][0] != past[-1][1])


CONVERSIONS = st.one_of(
    st.tuples(st.just("paint"), st.integers(0, 11), st.sampled_from([0, 1, 2, FIRST_ID, FIRST_ID + 1])),
    st.tuples(st.just("run"), st.lists(st.integers(0, 2), min_size=12, max_size=12)),
    st.tuples(st.just("make"), st.booleans()),
    st.tuples(st.just("take back")),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CONVERSIONS, max_size=16))
@pytest.mark.filterwarnings("ignore")
def test_conversions_never_change_whose_pixels_are_whose(actions: list[tuple]) -> None:
    """Only painting and runs say whose a pixel is; what is undone and redone is whose it was."""
    layer = automatic_layer(np.zeros((3, 4), dtype=np.int32))
    tracker, table, earlier = track(layer), InstanceTable(), None
    past, future = [(layer.data.copy(), human(layer))], []
    for kind, *arguments in actions:
        labels, owners = past[-1][0], past[-1][1].copy()
        before = labels.copy()
        if kind in ("undo", "redo"):
            source, target = (past, future) if kind == "undo" else (future, past)
            if len(source) > (kind == "undo"):
                target.append(source.pop())
            getattr(layer, kind)()
        elif kind == "paint":
            owners.flat[arguments[0]] = tracker.ledger.automatic().flat[arguments[0]] != arguments[1]
            layer.data_setitem(np.unravel_index(np.array([arguments[0]]), labels.shape), arguments[1])
        elif kind == "run":
            tracker.write(change(layer.data, np.reshape(arguments[0], (3, 4)), ~owners))
        else:
            earlier = before if (before >= FIRST_ID).any() else earlier
            if kind == "make":
                made = to_instances(before, [1, 2], table.beyond(before), earlier=earlier if arguments[0] else None)
                table, converted = made.instances, made.change
            else:
                converted = to_semantic(before, table)
            tracker.convert([] if converted is None else [converted])
            np.testing.assert_array_equal(table.semantic(layer.data), table.semantic(before))
        if kind not in ("undo", "redo") and (kind == "run" or (layer.data != before).any()):
            past.append((layer.data.copy(), owners))
            future.clear()
        np.testing.assert_array_equal(layer.data, past[-1][0])
        np.testing.assert_array_equal(tracker.ledger.human(layer.data), past[-1][1])
