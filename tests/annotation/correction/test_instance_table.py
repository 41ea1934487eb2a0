"""Ids of instances."""

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.instance_table import FIRST_ID, LAST_ID, InstanceTable
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import QueryError


def test_ids_are_above_those_of_queries_and_never_given_twice() -> None:
    table, ids = InstanceTable().added([3, 3, 7])
    assert ids == (65_536, 65_537, 65_538)
    assert [table.query_of(label) for label in (*ids, 3, 65_539, 0)] == [3, 3, 7, 3, 65_539, 0]
    assert table.instances_of(3) == ids[:2]
    assert len(table) == 3
    again, more = table.added([3])
    assert more == (65_539,)
    assert len(table) == 3
    assert again.query_ids == {**table.query_ids, 65_539: 3}
    assert table.added([]) == (table, ())
    with pytest.raises(QueryError):
        QuerySheet(next_id=FIRST_ID + 1)  # a list of queries cannot reach them


def test_ids_that_someone_painted_with_are_not_given() -> None:
    table, _ = InstanceTable().added([1])
    labels = np.array([[0, 65_540], [1, 2**31 - 1]], dtype=np.int32)
    assert table.beyond(labels).next_id == 65_541
    assert table.beyond(labels[:, :1]) is table
    assert table.beyond(labels[:0]) is table
    assert table.beyond(labels.astype(np.uint8)) is table


def test_instances_of_another_table_get_new_ids() -> None:
    mine, _ = InstanceTable().added([4, 4])
    other = InstanceTable({FIRST_ID + 5: 1, FIRST_ID: 2}, FIRST_ID + 9)
    labels = np.array([[FIRST_ID, 0, 3], [FIRST_ID + 5, FIRST_ID, FIRST_ID + 7]], dtype=np.int32)
    table, moved = mine.adopted(labels, other)
    assert table.query_ids == {**mine.query_ids, FIRST_ID + 2: 1, FIRST_ID + 3: 2}
    assert moved.tolist() == [[FIRST_ID + 3, 0, 3], [FIRST_ID + 2, FIRST_ID + 3, FIRST_ID + 7]]
    assert labels[0, 0] == FIRST_ID
    same, kept = mine.adopted(labels, InstanceTable())
    assert same == mine
    np.testing.assert_array_equal(kept, labels)


def test_an_instance_that_was_painted_is_recorded() -> None:
    table = InstanceTable().recorded(65_540, 2)
    assert table == InstanceTable({65_540: 2}, 65_541)
    assert table.recorded(65_540, 2) == table
    assert table.recorded(65_537, 2).next_id == 65_541
    with pytest.raises(QueryError, match="one of query 2"):
        table.recorded(65_540, 3)


@pytest.mark.parametrize(
    ("rows", "next_id"),
    [
        ({5: 1}, FIRST_ID),
        ({LAST_ID + 1: 1}, LAST_ID + 1),
        ({FIRST_ID: FIRST_ID}, FIRST_ID + 1),
        ({FIRST_ID: 0}, FIRST_ID + 1),
        ({FIRST_ID: True}, FIRST_ID + 1),
        ({FIRST_ID: 1}, FIRST_ID),
        ({}, FIRST_ID - 1),
        ({}, LAST_ID + 2),
        ({}, 65_536.0),
    ],
)
def test_what_is_no_table_is_refused(rows: dict[int, int], next_id: int) -> None:
    with pytest.raises(QueryError):
        InstanceTable(rows, next_id)


def test_there_are_only_so_many_ids() -> None:
    table, ids = InstanceTable(next_id=LAST_ID).added([1])
    assert ids == (LAST_ID,)
    with pytest.raises(QueryError, match="no ids for 1 more"):
        table.added([1])


def test_labels_get_the_ids_of_their_queries() -> None:
    table = InstanceTable({65_537: 4, 65_540: 9}, 65_541)
    labels = np.array([[[0, 4, 65_537], [65_540, 65_538, 2**31 - 1]]], dtype=np.int32)
    assert table.semantic(labels).tolist() == [[[0, 4, 4], [9, 65_538, 2**31 - 1]]]
    assert labels[0, 0, 2] == 65_537
    assert InstanceTable().semantic(labels).tolist() == labels.tolist()
    assert table.semantic(labels[:0]).shape == (0, 2, 3)


def test_it_can_be_copied_and_does_not_follow_what_it_was_made_of() -> None:
    rows = {65_537: 4}
    table = InstanceTable(rows, 65_538)
    rows[65_537] = 5
    assert table.query_of(65_537) == 4
    assert copy.deepcopy(table) == pickle.loads(pickle.dumps(table)) == table


@given(st.dictionaries(st.integers(FIRST_ID, LAST_ID), st.integers(1, FIRST_ID - 1)), st.integers(0, 1000))
def test_json_holds_it(rows: dict[int, int], gap: int) -> None:
    table = InstanceTable(rows, min(max(rows, default=FIRST_ID - 1) + 1 + gap, LAST_ID + 1))
    assert InstanceTable.from_dict(json.loads(json.dumps(table.to_dict()))) == table


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {"next_id": FIRST_ID},
        {"next_id": FIRST_ID, "instances": [], "more": 1},
        {"next_id": FIRST_ID, "instances": {}},
        {"next_id": FIRST_ID + 1, "instances": [[FIRST_ID]]},
        {"next_id": FIRST_ID + 1, "instances": [[FIRST_ID, "1"]]},
        {"next_id": FIRST_ID + 1, "instances": [[FIRST_ID, 1], [FIRST_ID, 2]]},
        {"next_id": "65536", "instances": []},
    ],
)
def test_what_json_holds_is_checked(fields: Any) -> None:
    with pytest.raises(QueryError):
        InstanceTable.from_dict(fields)
