"""Removing parts by their size."""

import numpy as np
import pytest
from drawn_planes import changed, check_change, plane, planes
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.connected_parts import Connectivity, find_parts
from napari_car.annotation.correction.small_parts import keep_largest_part, remove_small_parts
from napari_car.errors import ConfigError

LABELS = plane("""
    111..2
    1....2
    ..1..2
    1....1
""")


def test_parts_below_the_area_are_removed() -> None:
    assert changed(LABELS, remove_small_parts(LABELS, min_area_px=2)) == ["111..2", "1....2", ".....2", "......"]
    assert changed(LABELS, remove_small_parts(LABELS, [2], min_area_px=4)) == ["111...", "1.....", "..1...", "1....1"]
    assert remove_small_parts(LABELS, min_area_px=1) is None
    assert remove_small_parts(np.zeros((2, 2), dtype=np.int32), min_area_px=9) is None


def test_corners_connect_or_do_not() -> None:
    labels = plane("11. ..1")
    assert remove_small_parts(labels, min_area_px=2) is None
    assert changed(labels, remove_small_parts(labels, min_area_px=2, connectivity=4)) == ["11.", "..."]
    assert changed(labels, keep_largest_part(labels, connectivity=4)) == ["11.", "..."]


def test_the_largest_part_of_each_label_is_kept() -> None:
    assert changed(LABELS, keep_largest_part(LABELS)) == ["111..2", "1....2", ".....2", "......"]
    assert keep_largest_part(LABELS, [2]) is None
    equal = plane("1.1")
    assert changed(equal, keep_largest_part(equal)) in (["1.."], ["..1"])


def test_a_part_with_a_protected_pixel_is_kept_whole() -> None:
    labels = plane("11.111.11")
    protected = np.array([[True, *[False] * 8]])
    for change in (
        keep_largest_part(labels, protected=protected),
        remove_small_parts(labels, min_area_px=3, protected=protected),
    ):
        assert changed(labels, change) == ["11.111..."]


def test_a_negative_area_is_refused() -> None:
    with pytest.raises(ConfigError, match="-2 px"):
        remove_small_parts(LABELS, min_area_px=-2)


@given(planes(), st.integers(0, 8), st.sampled_from((4, 8)))
def test_what_is_left_is_large_or_protected(
    drawing: tuple[np.ndarray, np.ndarray], min_area_px: int, connectivity: Connectivity
) -> None:
    labels, protected = drawing
    change = remove_small_parts(labels, min_area_px=min_area_px, connectivity=connectivity, protected=protected)
    after = check_change(labels, change, protected)
    assert set(np.unique(after[after != labels])) <= {0}
    for id_ in range(1, 4):
        parts = find_parts(after == id_, connectivity)
        assert all((parts.areas_px >= min_area_px) | parts.holding(protected) | (np.arange(len(parts) + 1) == 0))
    again = remove_small_parts(after, min_area_px=min_area_px, connectivity=connectivity, protected=protected)
    assert again is None


@given(planes())
def test_one_part_of_each_label_is_left(drawing: tuple[np.ndarray, np.ndarray]) -> None:
    labels, protected = drawing
    after = check_change(labels, keep_largest_part(labels))
    for id_ in range(1, 4):
        before, parts = find_parts(labels == id_), find_parts(after == id_)
        assert len(parts) == min(1, len(before))
        assert parts.areas_px.max() == before.areas_px.max()
    assert keep_largest_part(after) is None
    check_change(labels, keep_largest_part(labels, protected=protected), protected)


@given(planes(highest=1), st.sampled_from((4, 8)))
def test_parts_have_areas_and_boxes(drawing: tuple[np.ndarray, np.ndarray], connectivity: Connectivity) -> None:
    mask = drawing[0] == 1
    parts = find_parts(mask, connectivity)
    np.testing.assert_array_equal(parts.numbers > 0, mask)
    assert parts.areas_px.sum() == mask.sum()
    for number, box in enumerate(parts.boxes, start=1):
        rows, columns = np.nonzero(parts.numbers == number)
        assert parts.areas_px[number] == len(rows)
        assert (box.top, box.left, box.bottom, box.right) == (
            rows.min(),
            columns.min(),
            rows.max() + 1,
            columns.max() + 1,
        )
