"""The list of queries: what is added, changed and removed, and that ids and colours stay."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.annotation.sheet_entry import MAX_ID
from napari_car.errors import QueryError
from napari_car.io.colours import query_colours
from napari_car.queries import Query


def sheet_of(text: str) -> QuerySheet:
    sheet, notes = QuerySheet().added(text)
    assert notes == ()
    return sheet


PLANT = sheet_of("leaf | foliage, stuff: soil, not: stem | stalk, flower")


def test_what_is_added() -> None:
    assert [entry.line for entry in PLANT.entries] == ["leaf | foliage", "stuff: soil", "not: stem | stalk", "flower"]
    assert PLANT.names == {1: "leaf", 2: "soil", 3: "stem", 4: "flower"}
    assert tuple(PLANT.colours.values()) == query_colours(4)
    assert all(entry.enabled for entry in PLANT.entries)


def test_what_is_looked_for() -> None:
    sheet = PLANT.changed(1, enabled=False)
    assert sheet.queries == (Query("soil", (), "stuff"), Query("flower"))
    assert sheet.query_ids == (2, 4)
    assert sheet.background_words == ("stem", "stalk")
    assert sheet.changed(3, enabled=False).background_words == ()
    assert PLANT.moved(4, 0).query_ids == (4, 1, 2)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("LEAF", '"LEAF" is in the list already.'),
        ("  Foliage ", '"Foliage" is in the list already, as a synonym of "leaf".'),
        ("stem", '"stem" is in the list already, as a distractor.'),
        ("stem | trunk", '"stem" is in the list already, as a distractor.'),
        ("flower", '"flower" is in the list already, switched off.'),
        ("stuff:", "A query is empty; type what to look for, for example: leaf."),
    ],
)
def test_what_is_there_is_not_added_twice(text: str, note: str) -> None:
    before = PLANT.changed(4, enabled=False)
    assert before.added(text) == (before, (note,))


def test_new_synonyms_join_the_entry_that_has_the_text() -> None:
    sheet, notes = PLANT.added("leaf | frond | Stalk")
    assert sheet.entry(1).synonyms == ("foliage", "frond")
    assert notes == ('"leaf" is in the list already; its synonyms now include "frond".',)
    sheet, notes = PLANT.added("fruit | Foliage | berry")
    assert sheet.entry(5).words == ("fruit", "berry")
    assert notes == (
        '"Foliage" is in the list already, as a synonym of "leaf": it was left out of the synonyms of "fruit".',
    )


def test_a_note_on_a_long_text_is_short() -> None:
    sheet, _ = QuerySheet().added("leaf " * 1000)
    _, (note,) = sheet.added("Leaf " * 1000)
    assert len(note) < 100


def test_duplicates_within_one_paste() -> None:
    sheet, notes = QuerySheet().added("leaf, Leaf, stem | leaf")
    assert sheet.names == {1: "leaf", 2: "stem"}
    assert len(notes) == 2
    assert sheet.entry(2).synonyms == ()


def test_lines_of_a_file_keep_their_commas() -> None:
    sheet, notes = QuerySheet().added_each(["dog, brown", "1. cat"])
    assert sheet.names == {1: "dog, brown", 2: "cat"}
    assert notes == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": " "}, "empty"),
        ({"text": "a\x07"}, "cannot be shown"),
        ({"text": "a | b"}, "holds a bar"),
        ({"synonyms": ("a|b",)}, "holds a bar"),
        ({"text": "Foliage"}, '"Foliage" is in the list already, as a synonym of "leaf".'),
        ({"synonyms": ("stalk",)}, '"stalk" is in the list already, as a synonym of "stem", as a distractor.'),
        ({"role": "distractor"}, "must be one of query, background"),
        ({"group": "animal"}, "must be one of thing, stuff"),
        ({"enabled": 1}, "must be true or false"),
        ({"colour": (1, 2)}, "three whole numbers"),
        ({"colour": (1, 2, 256)}, "three whole numbers"),
        ({"colour": (1, 2, 0.5)}, "whole number"),
        ({"id": 9}, "never changes"),
    ],
)
def test_unusable_changes_are_one_sentence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError, match=said) as raised:
        PLANT.changed(4, **fields)
    assert "\n" not in str(raised.value)


def test_a_word_of_a_later_entry_is_refused() -> None:
    with pytest.raises(QueryError, match=r'^"Flower" is in the list already\.$'):
        PLANT.reworded(1, "leaf | Flower")


def test_unknown_entry() -> None:
    with pytest.raises(KeyError):
        PLANT.entry(9)


def test_synonyms_are_cleaned() -> None:
    entry = PLANT.changed(1, text=" red   leaf ", synonyms=["frond", "Red Leaf", " Frond", "", "blade"]).entry(1)
    assert entry.text == "red leaf"
    assert entry.synonyms == ("frond", "blade")


def test_rewording() -> None:
    assert PLANT.reworded(1, "leaf, green | frond").entry(1).words == ("leaf, green", "frond")
    assert PLANT.reworded(3, "trunk").entry(3).role == "background"
    assert PLANT.reworded(1, "not: leaf").background_words == ("leaf", "stem", "stalk")
    assert PLANT.reworded(1, "stuff: leaf").entry(1).group == "stuff"
    assert PLANT.reworded(2, "earth").entry(2).group == "stuff"
    with pytest.raises(QueryError, match="empty"):
        PLANT.reworded(1, " | ")


@pytest.mark.parametrize(
    ("ids", "position", "order"),
    [
        (4, 0, [4, 1, 2, 3]),
        (1, 2, [2, 3, 1, 4]),
        (1, 99, [2, 3, 4, 1]),
        (4, -5, [4, 1, 2, 3]),
        ([4, 1], 1, [2, 1, 4, 3]),
        ([], 0, [1, 2, 3, 4]),
    ],
)
def test_moving(ids: int | list[int], position: int, order: list[int]) -> None:
    assert [entry.id for entry in PLANT.moved(ids, position).entries] == order


def test_a_removed_id_is_not_given_again_even_after_undo() -> None:
    sheet, _ = PLANT.removed([4]).added("fruit")
    assert list(sheet.names) == [1, 2, 3, 5]
    assert PLANT.removed([4]).colours == {key: colour for key, colour in PLANT.colours.items() if key != 4}
    undone = sheet.restored(PLANT)
    assert undone.entries == PLANT.entries
    again, _ = undone.added("berry")
    assert list(again.names) == [1, 2, 3, 4, 6]


def test_all_ids_used() -> None:
    entry = SheetEntry(id=MAX_ID - 1, text="a", colour=(1, 2, 3))
    sheet, notes = QuerySheet((entry,), MAX_ID).added("b, c")
    assert sheet.names == {MAX_ID - 1: "a", MAX_ID: "b"}
    assert len(notes) == 1
    assert "start a new one" in notes[0]
    assert QuerySheet.from_dict(sheet.to_dict()) == sheet


def damaged(**changes: Any) -> dict[str, Any]:
    fields = PLANT.to_dict()
    fields["entries"][0] |= changes
    return fields


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        {},
        {"entries": []},
        {"entries": [], "next_id": "1"},
        {"entries": [], "next_id": True},
        {"entries": [], "next_id": 0},
        {"entries": [], "next_id": 10**12},
        {"entries": {}, "next_id": 1},
        {"entries": [], "next_id": 1, "more": 1},
        {"entries": ["leaf"], "next_id": 2},
        {"entries": [{"id": 1, "text": "leaf"}], "next_id": 2},
        PLANT.to_dict() | {"next_id": 4},
        damaged(id=2),
        damaged(id=0),
        damaged(id=1.0),
        damaged(text="stalk"),
        damaged(text=None),
        damaged(synonyms="foliage"),
        damaged(synonyms=[1]),
        damaged(colour="red"),
        damaged(colour=None),
        damaged(more=1),
        damaged(**{"a b": 1}),
    ],
)
def test_damaged_lists_are_refused_in_one_sentence(fields: Any) -> None:
    with pytest.raises(QueryError) as raised:
        QuerySheet.from_dict(fields)
    assert str(raised.value).endswith(".")


WORDS = st.sampled_from(
    ["leaf", "Leaf", "stem", "red  leaf", "葉", "soil", "not: sky", "stuff: sky | air", "1. bud | soil"]
)
PLACES = st.integers(0, 6)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("added"), st.lists(WORDS, max_size=3).map(", ".join)),
        st.tuples(st.just("reworded"), PLACES, WORDS),
        st.tuples(st.just("changed"), PLACES, st.sampled_from([{"enabled": False}, {"role": "background"}])),
        st.tuples(st.just("moved"), PLACES, st.integers(-1, 7)),
        st.tuples(st.just("removed"), PLACES),
        st.tuples(st.just("undone"), st.integers(0, 20)),
    ),
    max_size=20,
)


def apply(operation: tuple[Any, ...], history: list[QuerySheet]) -> QuerySheet:
    """Perform an operation on the last sheet; what is refused changes nothing."""
    name, *values = operation
    sheet = history[-1]
    if name == "added":
        return sheet.added(values[0])[0]
    if name == "undone":
        return sheet.restored(history[values[0] % len(history)])
    if not sheet.entries:
        return sheet
    chosen = sheet.entries[values[0] % len(sheet.entries)].id
    if name == "removed":
        return sheet.removed([chosen])
    if name == "changed":
        return sheet.changed(chosen, **values[1])
    try:
        return getattr(sheet, name)(chosen, values[1])
    except QueryError:
        return sheet


@given(OPERATIONS)
def test_ids_are_unique_stable_and_never_given_again(operations: list[tuple[Any, ...]]) -> None:
    history = [QuerySheet()]
    given: dict[int, tuple[int, int, int]] = {}
    for operation in operations:
        before = history[-1]
        sheet = apply(operation, history)
        history.append(sheet)
        ids = [entry.id for entry in sheet.entries]
        assert len(set(ids)) == len(ids)
        assert sheet.next_id >= before.next_id
        new = set(ids) - set(given)
        assert all(before.next_id <= entry_id < sheet.next_id for entry_id in new)
        if operation[0] != "added":
            assert not new
        given |= {entry_id: sheet.colours[entry_id] for entry_id in new}
        assert all(colour == given[entry_id] for entry_id, colour in sheet.colours.items())
        assert QuerySheet.from_dict(json.loads(json.dumps(sheet.to_dict()))) == sheet
        assert len(sheet.queries) == len(sheet.query_ids)
        keys = [Query(word).key for entry in sheet.entries for word in entry.words]
        assert len(set(keys)) == len(keys)
