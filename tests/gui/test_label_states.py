"""The states of masks follow edits, undo and redo, in a worker; without a window."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels
from pytestqt.qtbot import QtBot

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.proposal import Change
from napari_car.annotation.sheet import QuerySheet
from napari_car.gui import label_states
from napari_car.gui.label_states import LabelStates
from napari_car.gui.layer_notes import KEY, checked_of, set_checked, set_instances
from napari_car.gui.mask_column import note_states
from napari_car.gui.result_layers import describe_queries
from napari_car.gui.tracking import track

pytestmark = pytest.mark.gui
SIZE = (3, 4)
IDS = (1, 2, 3)


def add_result(viewer: ViewerModel, labels: np.ndarray) -> Labels:
    """Add a result layer that the program wrote."""
    written = labels.astype(np.int32)
    notes = {"kind": "labels", "query": 0, "ledger": Ledger(written.copy())}
    return viewer.add_labels(written, metadata={KEY: notes})


def halves() -> np.ndarray:
    """Query 1 on the left, 2 on the right, 3 nowhere."""
    return np.array([[1, 1, 2, 2]] * 3, dtype=np.int32)


def paint(layer: Labels, row: int, col: int, id_: int) -> None:
    layer.data_setitem((np.array([row]), np.array([col])), id_)


def settled(qtbot: QtBot, states: LabelStates) -> dict[int, str]:
    """Wait until all is known, and return the states."""
    qtbot.waitUntil(lambda: not states.is_busy)
    return {id_: mask.state for id_, mask in states.masks.items()}


@pytest.fixture
def states(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabelStates]:
    monkeypatch.setattr(label_states, "DELAY_MS", 0)
    states = LabelStates()
    yield states
    states.close()


@pytest.fixture
def layer() -> Labels:
    return add_result(ViewerModel(), halves())


def count_examinations(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return a list that grows by the queries of each layer that is looked at."""
    examined: list[tuple[int, ...]] = []
    original = label_states.examine_masks

    def examine(*arguments: Any) -> Any:
        examined.append(arguments[2])
        return original(*arguments)

    monkeypatch.setattr(label_states, "examine_masks", examine)
    return examined


def test_each_layer_is_asked_for_its_own_queries(qtbot: QtBot, states: LabelStates) -> None:
    viewer = ViewerModel()
    ours, theirs = add_result(viewer, halves()), add_result(viewer, 5 * halves())
    paint(theirs, 0, 0, 10)
    states.watch({1: ours, 2: ours, 10: theirs})
    assert settled(qtbot, states) == {1: "automatic", 2: "automatic", 10: "edited"}
    assert states.masks[10].agreement.n_added == 1
    assert states.masks[10].area_px == 7


def test_only_layers_that_changed_are_looked_at_and_redraws_ask_nothing(
    qtbot: QtBot, states: LabelStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, examined = ViewerModel(), count_examinations(monkeypatch)
    first, second = add_result(viewer, halves()), add_result(viewer, halves())
    states.watch({1: first, 2: second})
    settled(qtbot, states)
    assert sorted(examined) == [(1,), (2,)]
    for layer in (first, second):
        layer.refresh()
        layer.opacity = 0.3
    states.watch({1: first, 2: second})
    assert not states.is_busy
    paint(second, 0, 0, 2)
    assert settled(qtbot, states) == {1: "automatic", 2: "edited"}
    assert examined[2:] == [(2,)]


class Held:
    """Holds the worker back, after it has found its first answer, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_found, self.may_go_on = threading.Event(), threading.Event()
        original = label_states.examine_masks

        def examine(*arguments: Any) -> Any:
            found = original(*arguments)
            self.has_found.set()
            assert self.may_go_on.wait(30)
            return found

        monkeypatch.setattr(label_states, "examine_masks", examine)


def test_an_edit_while_the_worker_is_at_work_counts(
    qtbot: QtBot, states: LabelStates, layer: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    states.watch(dict.fromkeys(IDS, layer))
    qtbot.waitUntil(held.has_found.is_set)
    paint(layer, 0, 0, 3)
    seen: list[dict[int, str]] = []
    states.changed.connect(lambda: seen.append({id_: mask.state for id_, mask in states.masks.items()}))
    held.may_go_on.set()
    assert settled(qtbot, states) == {1: "edited", 2: "automatic", 3: "edited"}
    assert seen == [{1: "edited", 2: "automatic", 3: "edited"}]


def test_undo_and_redo_of_a_person_and_of_the_program(qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
    states.watch(dict.fromkeys(IDS, layer))
    paint(layer, 0, 0, 3)
    assert settled(qtbot, states) == {1: "edited", 2: "automatic", 3: "edited"}
    layer.undo()
    assert set(settled(qtbot, states).values()) == {"automatic"}
    assert states.masks[3].area_px == 0
    layer.redo()
    assert settled(qtbot, states)[3] == "edited"
    new = np.full((1, 4), 3, dtype=np.int32)
    track(layer).write([Change((slice(2, 3), slice(0, 4)), new, new > 0)])
    assert settled(qtbot, states) == {1: "edited", 2: "automatic", 3: "edited"}
    assert [states.masks[id_].area_px for id_ in IDS] == [3, 4, 5]
    layer.undo()
    layer.undo()
    assert set(settled(qtbot, states).values()) == {"automatic"}
    assert [states.masks[id_].area_px for id_ in IDS] == [6, 6, 0]


def test_instances_are_those_of_their_query(qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
    states.watch(dict.fromkeys(IDS, layer))
    assert states.toggle_check(1)
    set_instances(layer, InstanceTable({FIRST_ID: 1}, FIRST_ID + 1))
    layer.data_setitem(np.nonzero(layer.data == 1), FIRST_ID)
    assert settled(qtbot, states) == {1: "checked", 2: "automatic", 3: "automatic"}
    paint(layer, 0, 2, FIRST_ID)
    assert settled(qtbot, states) == {1: "edited", 2: "edited", 3: "automatic"}
    set_instances(layer, InstanceTable({FIRST_ID: 3}, FIRST_ID + 1))
    layer.refresh()
    assert settled(qtbot, states) == {1: "edited", 2: "edited", 3: "edited"}


class TestChecking:
    def test_a_mark_holds_until_the_mask_changes(self, qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        settled(qtbot, states)
        assert states.toggle_check(1)
        assert states.masks[1].state == "checked"  # at once
        assert checked_of(layer) == digest_labels(layer.data, [1])
        assert settled(qtbot, states) == {1: "checked", 2: "automatic", 3: "automatic"}
        paint(layer, 0, 0, 0)
        assert settled(qtbot, states)[1] == "edited"
        assert states.masks[1].is_outdated
        layer.undo()
        assert settled(qtbot, states)[1] == "checked"
        assert not states.toggle_check(1)
        assert checked_of(layer) == {}
        assert settled(qtbot, states)[1] == "automatic"

    def test_an_empty_mask_can_be_right(self, qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        states.toggle_check(3)
        assert settled(qtbot, states)[3] == "checked"
        paint(layer, 0, 0, 3)
        assert settled(qtbot, states)[3] == "edited"

    def test_what_was_changed_a_moment_ago_is_checked_as_it_is(
        self, qtbot: QtBot, states: LabelStates, layer: Labels
    ) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        states.toggle_check(1)
        settled(qtbot, states)
        paint(layer, 0, 0, 0)
        assert states.masks[1].state == "checked"  # not looked at yet
        assert states.toggle_check(1)
        assert settled(qtbot, states)[1] == "checked"
        assert states.masks[1].agreement.n_removed == 1

    def test_marks_that_come_otherwise_are_seen(self, qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        settled(qtbot, states)
        set_checked(layer, digest_labels(layer.data, [2]))
        layer.refresh()
        assert settled(qtbot, states)[2] == "checked"


class TestLayersThatGo:
    def test_what_is_not_followed_any_more_is_not_known_and_asks_nothing(
        self, qtbot: QtBot, states: LabelStates, layer: Labels
    ) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        settled(qtbot, states)
        n_callbacks = len(layer.events.paint.callbacks), len(layer.events.set_data.callbacks)
        seen: list[list[int]] = []
        states.changed.connect(lambda: seen.append(list(states.masks)))
        states.watch({1: layer})
        assert seen == [[1]]
        assert states.is_busy
        states.watch({})
        assert not states.is_busy
        assert seen == [[1], []]
        paint(layer, 0, 0, 2)
        assert not states.is_busy
        assert (len(layer.events.paint.callbacks), len(layer.events.set_data.callbacks)) == (
            n_callbacks[0] - 1,
            n_callbacks[1] - 1,
        )
        with pytest.raises(KeyError):
            states.toggle_check(1)

    def test_an_answer_about_a_layer_that_is_gone_is_dropped(
        self, qtbot: QtBot, states: LabelStates, layer: Labels, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held, other = Held(monkeypatch), add_result(ViewerModel(), halves())
        states.watch({1: layer, 2: other})
        qtbot.waitUntil(held.has_found.is_set)
        states.watch({2: other})
        held.may_go_on.set()
        assert settled(qtbot, states) == {2: "automatic"}
        paint(other, 0, 0, 2)
        assert settled(qtbot, states) == {2: "edited"}

    def test_a_query_whose_mask_is_in_another_layer_now(self, qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
        states.watch({1: layer})
        settled(qtbot, states)
        other = add_result(ViewerModel(), halves())
        paint(other, 0, 0, 2)
        states.watch({1: other})
        assert states.masks == {}
        assert settled(qtbot, states) == {1: "edited"}

    def test_labels_of_another_shape_do_no_harm(self, qtbot: QtBot, states: LabelStates, layer: Labels) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        layer.data = np.ones((2, 2), dtype=np.int32)
        assert settled(qtbot, states) == {1: "edited", 2: "automatic", 3: "automatic"}
        assert states.masks[1].area_px == 4
        assert states.masks[1].agreement.n_unknown == 4

    def test_nothing_is_asked_after_the_end(self, states: LabelStates, layer: Labels) -> None:
        states.watch(dict.fromkeys(IDS, layer))
        states.close()
        paint(layer, 0, 0, 2)
        assert not states.is_busy


ACTIONS = st.one_of(
    st.tuples(st.just("paint"), st.integers(0, 11), st.integers(0, 3)),
    st.tuples(st.just("run"), st.lists(st.integers(0, 3), min_size=12, max_size=12)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
    st.tuples(st.just("check"), st.sampled_from(IDS)),
)


def places(labels: np.ndarray, id_: int) -> frozenset[int]:
    return frozenset(np.flatnonzero(labels == id_).tolist())


class Model:
    """A history of label maps and of what the program wrote, and sets of pixels that were checked."""

    def __init__(self) -> None:
        self.past, self.future = [(halves(), halves())], []
        self.checked: dict[int, frozenset[int]] = {}

    def paint(self, place: int, id_: int) -> None:
        labels = self.past[-1][0].copy()
        labels.flat[place] = id_
        self._put(labels, self.past[-1][1])

    def write(self, wanted: np.ndarray) -> np.ndarray:
        """Write where nobody painted; return where."""
        labels, written = self.past[-1]
        free = (labels == written) & (wanted != labels)
        self._put(np.where(free, wanted, labels), np.where(free, wanted, written))
        return free

    def undo(self) -> None:
        if len(self.past) > 1:
            self.future.append(self.past.pop())

    def redo(self) -> None:
        if self.future:
            self.past.append(self.future.pop())

    def check(self, id_: int) -> bool:
        now = places(self.past[-1][0], id_)
        if self.checked.get(id_) == now:
            del self.checked[id_]
        else:
            self.checked[id_] = now
        return id_ in self.checked

    def tell(self, id_: int) -> tuple[str, int, int, int]:
        """Return the state of a query, and pixels that were added, removed, and are there."""
        after, before = (places(labels, id_) for labels in self.past[-1])
        if self.checked.get(id_) == after:
            state = "checked"
        else:
            state = "edited" if before != after or id_ in self.checked else "automatic"
        return state, len(after - before), len(before - after), len(after)

    def _put(self, labels: np.ndarray, written: np.ndarray) -> None:
        if (labels != self.past[-1][0]).any():
            self.past.append((labels, written))
            self.future.clear()


def act(model: Model, layer: Labels, states: LabelStates, kind: str, *arguments: Any) -> None:
    """Do the same to the model and to the layer."""
    if kind == "paint":
        model.paint(*arguments)
        paint(layer, *np.unravel_index(arguments[0], SIZE), arguments[1])
    elif kind == "run":
        wanted = np.array(arguments[0], dtype=np.int32).reshape(SIZE)
        free = model.write(wanted)
        track(layer).write([Change((slice(0, 3), slice(0, 4)), wanted, free)] if free.any() else [])
    elif kind == "check":
        assert states.toggle_check(*arguments) is model.check(*arguments)
    else:
        getattr(model, kind)()
        getattr(layer, kind)()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTIONS, max_size=10))
def test_random_edits_against_sets_of_pixels(qtbot: QtBot, actions: list[tuple]) -> None:
    layer, model, states = add_result(ViewerModel(), halves()), Model(), LabelStates()
    states._job._timer.setInterval(0)
    states.watch(dict.fromkeys(IDS, layer))
    for action in actions:
        act(model, layer, states, *action)
        settled(qtbot, states)
        for id_, mask in states.masks.items():
            told = mask.state, mask.agreement.n_added, mask.agreement.n_removed, mask.area_px
            assert told == model.tell(id_)
        assert list(states.masks) == list(IDS)
    states.close()


class TestColumn:
    @pytest.fixture
    def described(self, layer: Labels) -> Labels:
        describe_queries(layer, QuerySheet().added("leaf, stem, root")[0])
        return layer

    def test_states_stand_beside_names_and_are_set_once(self, described: Labels) -> None:
        sets: list[int] = []
        described.events.features.connect(lambda: sets.append(1))
        note_states(described, {1: "automatic", 3: "checked"})
        assert sets == [1]
        assert described.features["class"].tolist() == ["background", "leaf", "stem", "root"]
        assert described.features["mask"].fillna("").tolist() == ["", "automatic", "", "checked"]
        assert "mask: automatic" in described.get_status((0, 0), world=False)["value"]
        assert "mask" not in described.get_status((0, 2), world=False)["value"]
        note_states(described, {1: "automatic"})
        assert sets == [1]
        note_states(described, {2: "edited"})
        assert described.features["mask"].fillna("").tolist() == ["", "automatic", "edited", "checked"]

    def test_a_run_keeps_them_and_sets_nothing_for_their_sake(self, described: Labels) -> None:
        note_states(described, {1: "automatic", 2: "edited"})
        sets: list[int] = []
        described.events.features.connect(lambda: sets.append(1))
        sheet, _ = QuerySheet().added("leaf, stem, root")
        describe_queries(described, sheet)
        assert sets == []
        describe_queries(described, sheet.added("bud")[0])
        assert described.features["mask"].fillna("").tolist() == ["", "automatic", "edited", "", ""]

    def test_features_without_these_rows_stay(self, described: Labels) -> None:
        note_states(described, {7: "edited"})
        assert "mask" not in described.features
        foreign = Labels(halves(), features={"size": [1, 2, 3]})
        note_states(foreign, {1: "edited"})
        assert list(foreign.features) == ["size"]
