"""Filling holes."""

import numpy as np
import pytest
from drawn_planes import changed, check_change, plane, planes
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.holes import fill_holes
from napari_car.errors import ConfigError

CELLS = plane("""
    11111.22
    1...1.2.
    1.3.1.22
    1...1...
    11111...
""")


def test_background_is_filled_and_other_labels_stay() -> None:
    filled = ["11111.22", "11111.2.", "11311.22", "11111...", "11111..."]
    assert changed(CELLS, fill_holes(CELLS)) == filled
    assert changed(CELLS, fill_holes(CELLS, [1])) == filled
    assert fill_holes(CELLS, [2, 3, 7]) is None


def test_what_reaches_the_border_is_no_hole() -> None:
    assert fill_holes(plane("1.1 1.1 111")) is None


def test_a_gap_at_a_corner_does_not_let_out() -> None:
    ring = plane(".1. 1.1 .1.")
    assert changed(ring, fill_holes(ring)) == [".1.", "111", ".1."]


def test_holes_above_the_area_stay() -> None:
    assert fill_holes(CELLS, max_area_px=8) is None  # with label 3 in it, it has 9
    assert fill_holes(CELLS, max_area_px=9) is not None
    two = plane("111111 1.1..1 111111")
    assert changed(two, fill_holes(two, max_area_px=1)) == ["111111", "111..1", "111111"]


def test_holes_that_touch_at_a_corner_are_two() -> None:
    labels = plane("1111 1.11 11.1 1111")
    assert changed(labels, fill_holes(labels, max_area_px=1)) == ["1111"] * 4


def test_the_innermost_label_gets_the_background() -> None:
    rings = plane("""
        2222222
        2.....2
        2.111.2
        2.1.1.2
        2.111.2
        2.....2
        2222222
    """)
    filled = ["2222222", "2222222", "2211122", "2211122", "2211122", "2222222", "2222222"]
    assert changed(rings, fill_holes(rings)) == filled
    other_way_round = np.array([0, 2, 1], dtype=np.int32)[rings]
    assert changed(other_way_round, fill_holes(other_way_round)) == [
        row.translate(str.maketrans("12", "21")) for row in filled
    ]


def test_protected_background_stays() -> None:
    labels, protected = plane("111 1.1 1.1 111"), np.zeros((4, 3), dtype=bool)
    protected[1] = True
    assert changed(labels, fill_holes(labels, protected=protected)) == ["111", "1.1", "111", "111"]


def test_a_negative_area_is_refused() -> None:
    with pytest.raises(ConfigError, match="-1 px"):
        fill_holes(CELLS, max_area_px=-1)


def is_enclosed(labels: np.ndarray, id_: int, row: int, column: int) -> bool:
    """Walk from a pixel until there is nowhere left to go, or the border."""
    todo, seen = [(row, column)], set()
    while todo:
        place = todo.pop()
        if not (0 <= place[0] < labels.shape[0] and 0 <= place[1] < labels.shape[1]):
            return False
        if place not in seen and labels[place] != id_:
            seen.add(place)
            todo += [(place[0] + down, place[1] + right) for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return True


@given(planes(), st.integers(1, 3))
def test_as_a_walk_tells(drawn: tuple[np.ndarray, np.ndarray], id_: int) -> None:
    labels, protected = drawn
    expected = labels.copy()
    for place in np.argwhere((labels == 0) & ~protected):
        if is_enclosed(labels, id_, *place):
            expected[tuple(place)] = id_
    after = check_change(labels, fill_holes(labels, [id_], protected=protected), protected)
    np.testing.assert_array_equal(after, expected)


@given(planes(), st.none() | st.integers(0, 5))
def test_only_background_changes_and_a_second_time_nothing(
    drawn: tuple[np.ndarray, np.ndarray], max_area_px: int | None
) -> None:
    labels, protected = drawn
    after = check_change(labels, fill_holes(labels, max_area_px=max_area_px, protected=protected), protected)
    np.testing.assert_array_equal(after[labels != 0], labels[labels != 0])
    if max_area_px is None:
        assert fill_holes(after, protected=protected) is None
