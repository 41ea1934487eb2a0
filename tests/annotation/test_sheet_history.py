"""Undo and redo of edits of the list of queries."""

from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.sheet_history import SheetHistory


def test_edits_are_taken_back_and_repeated() -> None:
    history = SheetHistory()
    assert not history.can_undo
    sheets = [QuerySheet()]
    for text in ("leaf", "stem"):
        sheets.append(history.value.added(text)[0])
        history.edit(sheets[-1])
    history.undo()
    assert history.value.entries == sheets[1].entries
    history.undo()
    assert history.value.entries == ()
    assert history.value.next_id == 3
    assert not history.can_undo
    history.redo()
    history.redo()
    assert history.value == sheets[2]
    assert not history.can_redo


def test_nothing_to_take_back_changes_nothing() -> None:
    history = SheetHistory()
    history.undo()
    history.redo()
    assert history.value == QuerySheet()


def test_an_edit_ends_what_can_be_repeated_and_gets_new_ids() -> None:
    history = SheetHistory()
    history.edit(history.value.added("leaf")[0])
    history.undo()
    history.edit(history.value.added("stem")[0])
    assert not history.can_redo
    assert history.value.names == {2: "stem"}
