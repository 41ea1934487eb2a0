"""Merging and reassigning."""

import numpy as np
import pytest
from drawn_planes import changed, check_change, plane, planes
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.relabelling import merge, reassign, reassign_to_query
from napari_car.errors import PromptError

LABELS = plane("""
    11..2
    11..2
    ....2
    1.33.
    .1...
""")


def test_labels_are_merged() -> None:
    assert changed(LABELS, merge(LABELS, [1, 2, 3, 9], into=3)) == ["33..3", "33..3", "....3", "3.33.", ".3..."]
    assert merge(LABELS, [3, 9], into=3) is None
    assert merge(LABELS, [], into=3) is None


def test_a_label_or_a_part_of_it_gets_another() -> None:
    assert changed(LABELS, reassign(LABELS, 1, to=4)) == ["44..2", "44..2", "....2", "4.33.", ".4..."]
    assert changed(LABELS, reassign(LABELS, 1, to=4, at=(4, 1))) == ["11..2", "11..2", "....2", "4.33.", ".4..."]
    assert changed(LABELS, reassign(LABELS, 3, to=0, at=(3, 2))) == ["11..2", "11..2", "....2", "1....", ".1..."]
    assert reassign(LABELS, 7, to=4) is None
    assert reassign(LABELS, 1, to=1) is None


@pytest.mark.parametrize("at", [(0, 2), (-1, 0), (0, 5), (5, 0)])
def test_a_click_must_meet_the_label(at: tuple[int, int]) -> None:
    with pytest.raises(PromptError, match="click into the part"):
        reassign(LABELS, 1, to=4, at=at)


def test_a_label_that_is_given_to_a_query_gets_its_id() -> None:
    result = reassign_to_query(LABELS, 1, 5, InstanceTable(), at=(0, 0))
    assert changed(LABELS, result.change) == ["55..2", "55..2", "....2", "1.33.", ".1..."]
    assert result.new_ids == ()
    assert reassign_to_query(LABELS, 1, 1, InstanceTable()).change is None


def test_an_instance_that_is_given_to_a_query_gets_a_new_id() -> None:
    table, (old,) = InstanceTable().added([1])
    labels = np.where(LABELS == 1, old, LABELS)
    result = reassign_to_query(labels, old, 2, table)
    (new,) = result.new_ids
    after = check_change(labels, result.change)
    np.testing.assert_array_equal(after, np.where(LABELS == 1, new, LABELS))
    assert new not in (old, 2)
    assert result.instances.query_of(new) == 2
    assert result.instances.query_of(old) == 1  # what can be undone keeps its meaning
    assert reassign_to_query(labels, old, 1, table).change is None
    labels[0, 2] = new  # someone painted with it
    assert reassign_to_query(labels, old, 2, table).new_ids == (new + 1,)
    gone = reassign_to_query(LABELS, FIRST_ID, 2, table)
    assert (gone.change, gone.new_ids, gone.instances) == (None, (), table)


@given(planes(), st.sets(st.integers(1, 3)), st.integers(0, 4))
def test_protected_pixels_are_neither_merged_nor_reassigned(
    drawn: tuple[np.ndarray, np.ndarray], ids: set[int], into: int
) -> None:
    labels, protected = drawn
    after = check_change(labels, merge(labels, ids, into=into, protected=protected), protected)
    np.testing.assert_array_equal(after, np.where(np.isin(labels, list(ids)) & ~protected, into, labels))
    after = check_change(labels, reassign(labels, 2, to=into, protected=protected), protected)
    np.testing.assert_array_equal(after, np.where((labels == 2) & ~protected, into, labels))
