"""Values that are replaced as a whole come back in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.history import MAX_STEPS, History


def test_undo_and_redo() -> None:
    history = History(0)
    assert not history.can_undo
    history.undo()
    history.redo()
    assert history.value == 0
    history.edit(1)
    history.edit(2)
    history.undo()
    assert (history.value, history.can_undo, history.can_redo) == (1, True, True)
    history.redo()
    assert (history.value, history.can_redo) == (2, False)
    history.undo()
    history.edit(3)
    assert not history.can_redo
    history.undo()
    assert history.value == 1


def test_it_does_not_grow_for_ever() -> None:
    history = History(0)
    for value in range(1, MAX_STEPS + 10):
        history.edit(value)
    while history.can_undo:
        history.undo()
    assert history.value == 9


@given(st.lists(st.sampled_from(["undo", "redo", "edit"]), max_size=40))
def test_it_is_a_line_with_a_place_on_it(actions: list[str]) -> None:
    history, line, place = History(0), [0], 0
    for value, action in enumerate(actions, start=1):
        if action == "edit":
            line, place = [*line[: place + 1], value], place + 1
            history.edit(value)
        else:
            place = max(0, place - 1) if action == "undo" else min(len(line) - 1, place + 1)
            getattr(history, action)()
        assert history.value == line[place]
        assert (history.can_undo, history.can_redo) == (place > 0, place < len(line) - 1)


@pytest.mark.parametrize("value", ["a", None, ()])
def test_any_value(value: object) -> None:
    assert History(value).value == value
