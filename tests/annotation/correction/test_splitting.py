"""Splitting objects that touch."""

import numpy as np
import pytest
from drawn_planes import check_change, disc, plane, planes
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.connected_parts import find_parts
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.relabelling import merge
from napari_car.annotation.correction.splitting import split_touching
from napari_car.annotation.correction.watershed import Splitting, count_in_part, split_part
from napari_car.errors import ConfigError, PromptError

NONE = InstanceTable()
SPLITTING = Splitting()
ANY = Splitting(min_depth_px=0, min_distance_px=0)


def beads(n: int, radius_px: int, step_px: int) -> np.ndarray:
    """Return discs in a row that overlap."""
    size_px = 2 * radius_px + 3
    labels = np.zeros((size_px, size_px + (n - 1) * step_px), dtype=np.int32)
    for left in range(0, n * step_px, step_px):
        labels[:, left : left + size_px] |= disc(radius_px, size_px)
    return labels


@pytest.mark.parametrize("n", [1, 2, 5])
def test_discs_that_touch_are_split_at_their_necks(n: int) -> None:
    labels = beads(n, 8, 14)
    result = split_touching(labels, 1, NONE, SPLITTING)
    assert len(result.new_ids) == n - 1
    after = check_change(labels, result.change)
    ids = [int(after[9, 9 + 14 * number]) for number in range(n)]
    assert len(set(ids)) == n
    for number, id_ in enumerate(ids):
        columns = np.nonzero(after == id_)[1]
        assert 14 * number + 1 <= columns.min() < columns.max() <= 14 * number + 17
    assert {result.instances.query_of(id_) for id_ in ids} == {1}
    assert 1 in ids


def test_the_largest_object_keeps_the_label() -> None:
    labels = np.zeros((25, 40), dtype=np.int32)
    labels[:23, :23] = disc(10, 23)
    labels[5:18, 19:32] |= disc(5, 13)
    result = split_touching(labels, 1, NONE, SPLITTING)
    after = check_change(labels, result.change)
    assert (after[11, 11], after[11, 25]) == (1, FIRST_ID)
    long = np.zeros((19, 80), dtype=np.int32)
    long[5:14, 17:79] = 1  # not as wide as the disc, but larger
    long[:, :19] |= disc(8, 19)
    long[[5, 6, 12, 13], 19] = 0
    after = check_change(long, split_touching(long, 1, NONE, SPLITTING).change)
    assert (after[9, 9], after[9, 60]) == (FIRST_ID, 1)


def test_a_neck_must_be_narrow_and_middles_apart() -> None:
    labels = beads(2, 8, 14)  # half widths: 8 at the middles, 4 at the neck
    part = labels == 1
    assert count_in_part(part, Splitting(min_depth_px=3, min_distance_px=0)) == 2
    assert count_in_part(part, Splitting(min_depth_px=6, min_distance_px=0)) == 1
    assert count_in_part(part, Splitting(min_depth_px=0.5, min_distance_px=13)) == 2
    assert count_in_part(part, Splitting(min_depth_px=0.5, min_distance_px=15)) == 1
    assert count_in_part(np.ones((4, 4), dtype=bool), ANY) == 1
    assert count_in_part(np.ones((1, 1), dtype=bool), ANY) == 1


def test_of_middles_that_are_near_the_widest_counts() -> None:
    labels = np.zeros((25, 40), dtype=np.int32)
    labels[:23, :23] = disc(10, 23)
    labels[5:18, 19:32] |= disc(5, 13)
    labels[:, 30:] |= np.roll(disc(3, 25), (0, -8), (0, 1))[:, :10]
    part = labels == 1
    assert count_in_part(part, Splitting(min_depth_px=0.5, min_distance_px=0)) == 3
    objects = split_part(part, Splitting(min_depth_px=0.5, min_distance_px=12))
    assert objects.max() == 2
    assert objects[11, 11] != objects[11, 25] == objects[12, 34]


def test_only_the_part_that_was_clicked_is_split() -> None:
    labels = np.concatenate([beads(2, 8, 14)] * 2)
    result = split_touching(labels, 1, NONE, SPLITTING, at=(30, 9))
    assert len(result.new_ids) == 1
    np.testing.assert_array_equal(check_change(labels, result.change)[:19], labels[:19])
    assert len(split_touching(labels, 1, NONE, SPLITTING).new_ids) == 2
    with pytest.raises(PromptError):
        split_touching(labels, 1, NONE, SPLITTING, at=(0, 0))


def test_nothing_to_split() -> None:
    for labels in (np.zeros((3, 3), dtype=np.int32), disc(4, 11), plane("11 11")):
        result = split_touching(labels, 1, NONE, SPLITTING)
        assert (result.change, result.new_ids, result.instances) == (None, (), NONE)


def test_a_bridge_over_corners_belongs_to_an_object() -> None:
    part = plane("111.... 111.... 111.... ...1... ....111 ....111 ....111") == 1
    objects = split_part(part, ANY)
    assert objects.max() == 2
    np.testing.assert_array_equal(objects > 0, part)


def test_ids_that_someone_painted_with_are_not_given() -> None:
    labels = beads(2, 8, 14)
    labels[0, 0] = FIRST_ID
    assert split_touching(labels, 1, NONE, SPLITTING).new_ids == (FIRST_ID + 1,)


def test_depths_are_not_negative() -> None:
    with pytest.raises(ConfigError):
        Splitting(min_depth_px=-1)


SPLITTINGS = st.builds(Splitting, min_depth_px=st.sampled_from((0, 0.3, 1)), min_distance_px=st.sampled_from((0, 2, 4)))


@given(planes(), SPLITTINGS)
def test_a_split_that_is_merged_is_as_before(drawn: tuple[np.ndarray, np.ndarray], splitting: Splitting) -> None:
    labels, protected = drawn
    result = split_touching(labels, 1, NONE, splitting)
    after = check_change(labels, result.change)
    np.testing.assert_array_equal(check_change(after, merge(after, result.new_ids, into=1)), labels)
    np.testing.assert_array_equal(result.instances.semantic(after), labels)
    assert set(np.unique(after[after >= FIRST_ID])) == set(result.new_ids)
    guarded = split_touching(labels, 1, NONE, splitting, protected=protected)
    after = check_change(labels, guarded.change, protected)
    np.testing.assert_array_equal(after[labels != 1], labels[labels != 1])


@given(planes(highest=1), SPLITTINGS)
def test_objects_cover_a_part_and_are_as_many_as_counted(
    drawn: tuple[np.ndarray, np.ndarray], splitting: Splitting
) -> None:
    parts = find_parts(drawn[0] == 1)
    for number, box in enumerate(parts.boxes, start=1):
        part = parts.numbers[box.slices] == number
        objects = split_part(part, splitting)
        np.testing.assert_array_equal(objects > 0, part)
        assert len(np.unique(objects[part])) == objects.max() == count_in_part(part, splitting)
        assert all(len(find_parts(objects == object_)) == 1 for object_ in range(1, objects.max() + 1))
        if not splitting.min_depth_px:
            assert count_in_part(part, splitting) >= count_in_part(part, SPLITTING)
