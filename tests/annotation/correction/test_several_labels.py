"""Several labels of a plane are corrected by one change, with ids that are given once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.plane_edit import apply_change
from napari_car.annotation.correction.relabelling import Relabelling
from napari_car.annotation.correction.several_labels import count_changed_parts, relabel_each
from napari_car.annotation.correction.splitting import split_touching
from napari_car.annotation.correction.watershed import Splitting
from napari_car.annotation.proposal import Change

SPLITTING = Splitting(min_depth_px=0.0, min_distance_px=2.0)


def split(part, id_, _, table) -> Relabelling:
    return split_touching(part, id_, table, SPLITTING)


def pairs() -> np.ndarray:
    """Two pairs of squares that touch, of labels 1 and 2, and a square of label 3."""
    labels = np.zeros((9, 30), dtype=np.int32)
    for id_, left in ((1, 1), (2, 15)):
        labels[1:6, left : left + 5] = labels[1:6, left + 6 : left + 11] = labels[3, left + 5] = id_
    labels[7:9, 0:4] = 3
    return labels


def test_each_label_is_split_with_ids_of_its_own() -> None:
    labels = pairs()
    found = relabel_each(labels, None, InstanceTable(), split)
    assert found.new_ids == (FIRST_ID, FIRST_ID + 1)
    assert found.instances == InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 2}, FIRST_ID + 2)
    after = apply_change(found.change, labels)
    assert set(np.unique(after)) == {0, 1, 2, 3, FIRST_ID, FIRST_ID + 1}
    np.testing.assert_array_equal(found.instances.semantic(after), labels)
    assert count_changed_parts(labels, found.change) == 2


def test_only_labels_in_question_are_split() -> None:
    found = relabel_each(pairs(), [2, 3, 9], InstanceTable(), split)
    assert found.instances == InstanceTable({FIRST_ID: 2}, FIRST_ID + 1)
    assert (found.change.labels[found.change.where] == FIRST_ID).all()


def test_ids_that_only_protected_pixels_would_have_got_are_not_new() -> None:
    labels = pairs()
    found = relabel_each(labels, None, InstanceTable(), split, protected=np.asarray(labels == 1))
    assert found.new_ids == (FIRST_ID + 1,)
    assert relabel_each(labels, None, InstanceTable(), split, protected=labels > 0).change is None


@pytest.mark.parametrize("ids", [None, [], [7]])
def test_an_empty_plane_stays(ids: list[int] | None) -> None:
    found = relabel_each(np.zeros((3, 4), dtype=np.int32), ids, InstanceTable(), split)
    assert found.change is None
    assert found.instances == InstanceTable()
    assert found.new_ids == ()


@given(arrays(np.int32, (9, 11), elements=st.sampled_from([0, 1, 1, 1, 2])))
def test_it_is_as_if_each_were_split_after_the_other(labels: np.ndarray) -> None:
    first = split_touching(labels, 1, InstanceTable(), SPLITTING)
    second = split_touching(apply_change(first.change, labels), 2, first.instances, SPLITTING)
    both = relabel_each(labels, [2, 1], InstanceTable(), split)
    expected = apply_change(second.change, apply_change(first.change, labels))
    np.testing.assert_array_equal(apply_change(both.change, labels), expected)
    assert both.instances == second.instances
    assert both.new_ids == first.new_ids + second.new_ids


def test_parts_count_once_however_much_of_them_changed() -> None:
    labels = np.array([[1, 1, 0, 1, 0, 2]], dtype=np.int32)
    after = np.array([[5, 5, 0, 1, 0, 6]], dtype=np.int32)
    change = Change((slice(0, 1), slice(0, 6)), after, after != labels)
    assert count_changed_parts(labels, change) == 2
