"""Masks to instances, and back."""

import numpy as np
import pytest
from drawn_planes import changed, check_change, disc, plane, planes
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.connected_parts import Connectivity, find_parts
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.instances import count_instances, to_instances, to_semantic
from napari_car.annotation.correction.relabelling import merge
from napari_car.annotation.correction.watershed import Splitting

NONE = InstanceTable()
LABELS = plane("""
    11..2
    11..2
    ..1.2
    3...1
""")


def digits(labels: np.ndarray) -> list[str]:
    """Draw instances as 5, 6, ..."""
    return changed(np.where(labels >= FIRST_ID, labels - FIRST_ID + 5, labels), None)


def test_each_object_of_the_queries_becomes_an_instance() -> None:
    result = to_instances(LABELS, [1, 2], NONE)
    assert digits(check_change(LABELS, result.change)) == ["55..7", "55..7", "..5.7", "3...6"]
    assert result.new_ids == (FIRST_ID, FIRST_ID + 1, FIRST_ID + 2)
    assert result.instances.query_ids == {FIRST_ID: 1, FIRST_ID + 1: 1, FIRST_ID + 2: 2}
    result = to_instances(LABELS, [1], NONE, connectivity=4)
    assert len(result.new_ids) == 3


def test_what_is_an_instance_stays_one() -> None:
    first = to_instances(LABELS, [1], NONE)
    after = check_change(LABELS, first.change)
    after[3, 2] = 1
    second = to_instances(after, [1], first.instances)
    assert digits(check_change(after, second.change)) == ["55..2", "55..2", "..5.2", "3.7.6"]
    assert to_instances(check_change(after, second.change), [1], second.instances).change is None


def test_touching_objects_are_split_if_asked() -> None:
    labels = np.zeros((19, 33), dtype=np.int32)
    labels[:, :19] = disc(8, 19)
    labels[:, 14:] |= disc(8, 19)
    splitting = Splitting()
    assert count_instances(labels, [1, 2], splitting=splitting) == {1: 2, 2: 0}
    assert count_instances(labels, [1]) == {1: 1}
    result = to_instances(labels, [1], NONE, splitting=splitting)
    assert len(result.new_ids) == 2
    after = check_change(labels, result.change)
    assert after[9, 9] != after[9, 23]


def test_ids_stay_when_objects_are_told_apart_anew() -> None:
    first = to_instances(LABELS, [1, 2], NONE)
    earlier = check_change(LABELS, first.change)
    edited = LABELS.copy()
    edited[3, 4] = 0
    edited[0, 2] = edited[2, 0] = 1
    again = to_instances(edited, [2, 1], first.instances, earlier=earlier)
    assert digits(check_change(edited, again.change)) == ["555.7", "55..7", "5.5.7", "3...."]
    assert (again.new_ids, again.instances) == ((), first.instances)
    split = to_instances(edited, [1], first.instances, connectivity=4, earlier=earlier)
    assert digits(check_change(edited, split.change))[:3] == ["555.2", "55..2", "5.8.2"]  # the larger one keeps it


def test_an_id_that_is_still_there_or_of_another_query_is_not_given_again() -> None:
    table, (there, other) = InstanceTable().added([1, 2])
    labels = plane("11.1")
    earlier = np.array([[there, there, 0, other]], dtype=np.int32)
    labels[0, 2] = there
    result = to_instances(labels, [1], table, earlier=earlier)
    assert len(result.new_ids) == 2
    assert there not in result.new_ids


def test_ids_that_someone_painted_with_are_not_given() -> None:
    labels = np.where(LABELS == 3, FIRST_ID, LABELS)
    assert to_instances(labels, [2], NONE).new_ids == (FIRST_ID + 1,)
    assert to_instances(labels, [9], NONE).instances is NONE


def test_instances_of_some_queries_become_semantic() -> None:
    result = to_instances(LABELS, [1, 2, 3], NONE)
    after = check_change(LABELS, result.change)
    some = check_change(after, to_semantic(after, result.instances, [2]))
    np.testing.assert_array_equal(some, np.where(LABELS == 2, 2, after))
    stranger = after.copy()
    stranger[0, 2] = 2**24
    assert check_change(stranger, to_semantic(stranger, result.instances))[0, 2] == 2**24


@pytest.mark.parametrize("labels", [np.zeros((3, 4), dtype=np.int32), LABELS])
def test_nothing_to_do(labels: np.ndarray) -> None:
    assert to_semantic(labels, NONE) is None
    result = to_instances(labels, [9], NONE)
    assert (result.change, result.new_ids, result.instances) == (None, (), NONE)
    assert count_instances(labels, [9]) == {9: 0}


SPLITTINGS = st.none() | st.builds(Splitting, min_depth_px=st.sampled_from((0, 0.5)), min_distance_px=st.just(0))


@given(planes(), st.sets(st.integers(1, 3)), st.sampled_from((4, 8)), SPLITTINGS)
def test_there_and_back_is_as_before_and_the_count_was_right(
    drawn: tuple[np.ndarray, np.ndarray], query_ids: set[int], connectivity: Connectivity, splitting: Splitting | None
) -> None:
    labels = drawn[0]
    result = to_instances(labels, query_ids, NONE, connectivity=connectivity, splitting=splitting)
    after = check_change(labels, result.change)
    assert len(set(result.new_ids)) == len(result.new_ids)
    is_meant = np.isin(labels, list(query_ids))
    assert set(after[is_meant].tolist()) == set(result.new_ids)
    np.testing.assert_array_equal(after[~is_meant], labels[~is_meant])
    counts = count_instances(labels, query_ids, connectivity=connectivity, splitting=splitting)
    assert counts == {id_: len(result.instances.instances_of(id_)) for id_ in query_ids}
    assert all(len(find_parts(after == id_)) == 1 for id_ in result.new_ids)
    np.testing.assert_array_equal(check_change(after, to_semantic(after, result.instances)), labels)
    merged = check_change(after, merge(after, result.new_ids, into=9))
    np.testing.assert_array_equal(merged, np.where(is_meant, 9, labels))
    again = to_instances(
        labels, query_ids, result.instances, connectivity=connectivity, splitting=splitting, earlier=after
    )
    np.testing.assert_array_equal(check_change(labels, again.change), after)
