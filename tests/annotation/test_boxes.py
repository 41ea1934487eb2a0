"""Where labels are."""

import numpy as np
import pytest
from drawn_planes import plane, planes
from hypothesis import given

from napari_car.annotation.boxes import box_of, find_box, find_boxes, union, with_margin
from napari_car.annotation.frames import Box

LABELS = plane("""
    ......
    .11..3
    .1....
    ....1.
""")


def test_boxes_are_as_small_as_can_be() -> None:
    assert find_boxes(LABELS) == {1: Box(1, 1, 4, 5), 3: Box(1, 5, 2, 6)}
    assert find_boxes(LABELS, [3, 2, 0]) == {3: Box(1, 5, 2, 6)}
    assert find_box(LABELS, 2).is_empty
    assert find_boxes(np.zeros((3, 0), dtype=np.int32)) == {}
    assert find_boxes(np.array([[2, -1, 2]])) == {2: Box(0, 0, 1, 3)}


@pytest.mark.parametrize("factor", [1, 70_000, 2**31 // 4])
def test_labels_may_be_large_and_many(factor: int) -> None:
    labels = np.arange(1, 4, dtype=np.int32)[None] * np.int32(factor)
    ids = {factor, 3 * factor, *range(-20, 0)}
    expected = {factor * n: Box(0, n - 1, 1, n) for n in (1, 2, 3)}
    assert find_boxes(labels) == expected
    assert find_boxes(labels, ids) == {id_: expected[id_] for id_ in (factor, 3 * factor)}


def test_planes_may_be_taller_than_a_band_and_transposed() -> None:
    labels = np.zeros((300, 200), dtype=np.uint16)
    labels[60:250, 190] = 5
    assert find_boxes(labels) == {5: Box(60, 190, 250, 191)}
    assert find_box(labels.T, 5) == Box(190, 60, 191, 250)


@given(planes(highest=12))
def test_one_by_one_or_all_at_once_is_the_same(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    labels, mask = drawn
    expected = {int(id_): box_of(labels == id_) for id_ in np.unique(labels) if id_}
    assert find_boxes(labels) == find_boxes(labels, range(1, 13)) == expected
    assert {id_: box for id_ in range(1, 13) for id_, box in find_boxes(labels, [id_]).items()} == expected
    assert box_of(mask).is_empty != mask.any()


def test_margins_end_at_the_border_of_the_plane() -> None:
    assert with_margin(Box(1, 1, 4, 5), 2, (5, 20)) == Box(0, 0, 5, 7)
    assert union([Box(1, 5, 2, 6), Box(0, 7, 1, 8)]) == Box(0, 5, 2, 8)
    assert union([]).is_empty
