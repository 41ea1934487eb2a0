"""Cutting along a line."""

import itertools

import numpy as np
import pytest
from drawn_planes import changed, check_change, plane, planes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_car.annotation.correction.connected_parts import find_parts
from napari_car.annotation.correction.cutting import LinePixels, SmallerSides, cut, draw_line
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.errors import ConfigError

BAR = plane("""
    .......
    1111111
    1111111
    .......
    .11....
""")
ACROSS = np.array([[0.0, 2.0], [3.0, 2.0]])
NONE = InstanceTable()


def digits(labels: np.ndarray) -> np.ndarray:
    """Return labels with instances as 5, 6, ..."""
    return np.where(labels >= FIRST_ID, labels - FIRST_ID + 5, labels)


def test_the_smaller_side_becomes_an_instance_of_the_same_query() -> None:
    result = cut(BAR, 1, ACROSS - np.array([0, 0.5]), NONE, width_px=1)
    after = check_change(BAR, result.change)
    assert changed(digits(after), None) == [".......", "5511111", "5511111", ".......", ".11...."]
    assert result.new_ids == (FIRST_ID,)
    assert result.instances.query_ids == {FIRST_ID: 1}


def test_an_instance_is_cut_into_instances() -> None:
    table, (old,) = InstanceTable().added([4])
    labels = np.where(BAR == 1, old, 0)
    result = cut(labels, old, ACROSS, table, width_px=1)
    (new,) = result.new_ids
    assert result.instances.query_of(new) == 4
    assert check_change(labels, result.change)[1].tolist().count(old) > 3
    assert new > old


def test_the_line_becomes_background_if_asked() -> None:
    result = cut(BAR, 1, ACROSS, NONE, width_px=1, line_pixels="background")
    assert changed(digits(check_change(BAR, result.change)), None) == [
        ".......",
        "55.1111",
        "55.1111",
        ".......",
        ".11....",
    ]
    result = cut(BAR, 1, ACROSS, NONE, width_px=3, line_pixels="background", smaller_sides="same label")
    assert changed(BAR, result.change) == [".......", "1...111", "1...111", ".......", ".11...."]
    assert result.new_ids == ()
    assert result.instances is NONE


def test_the_smaller_side_is_removed_if_asked() -> None:
    result = cut(BAR, 1, ACROSS, NONE, width_px=1, line_pixels="background", smaller_sides="background")
    assert changed(BAR, result.change) == [".......", "...1111", "...1111", ".......", ".11...."]
    result = cut(BAR, 1, ACROSS + np.array([0, 0.5]), NONE, width_px=4, smaller_sides="background")
    assert changed(BAR, result.change) == [".......", "...1111", "...1111", ".......", ".11...."]


def test_pixels_under_the_line_go_to_the_nearest_side() -> None:
    labels = np.ones((1, 9), dtype=np.int32)
    result = cut(labels, 1, np.array([[-5.0, 3.5], [5.0, 3.5]]), NONE, width_px=4)
    assert digits(check_change(labels, result.change)).tolist() == [[5, 5, 5, 5, 1, 1, 1, 1, 1]]


def test_they_go_to_a_side_that_they_touch_even_if_another_is_nearer_across_a_gap() -> None:
    labels = plane("""
        1.11111
        1.11111
        1.1....
        111....
    """)
    result = cut(labels, 1, np.array([[-1.0, 2.0], [1.0, 2.0], [9.0, -6.0]]), NONE, width_px=1)
    after = check_change(labels, result.change)
    assert all(len(find_parts(after == id_)) == 1 for id_ in (1, *result.new_ids))
    np.testing.assert_array_equal(result.instances.semantic(after), labels)


@pytest.mark.parametrize(
    "path",
    [[[0, 2], [1, 2]], [[0, 0], [0, 6]], [[30, 30], [40, 40]], [[1, 3]], np.zeros((0, 2))],
    ids=["ends inside", "passes by", "is elsewhere", "is a dot", "is empty"],
)
def test_a_line_that_does_not_go_through_cuts_nothing(path: list[list[float]]) -> None:
    result = cut(BAR, 1, np.array(path, dtype=float), NONE, width_px=1, line_pixels="background")
    assert (result.change, result.new_ids, result.instances) == (None, (), NONE)


def test_a_line_that_bends_cuts_out_the_middle() -> None:
    labels = np.ones((9, 9), dtype=np.int32)
    path = np.array([[2, 2], [2, 6], [6, 6], [6, 2], [2, 2]], dtype=float)
    result = cut(labels, 1, path, NONE, width_px=1)
    after = check_change(labels, result.change)
    assert after[4, 4] == FIRST_ID
    assert (after == FIRST_ID).sum() in range(9, 26)
    assert len(find_parts(after == 1)) == 1


def test_all_parts_that_are_crossed_are_cut() -> None:
    result = cut(BAR, 1, np.array([[0, 1.5], [4, 1.5]]), NONE, width_px=0)
    after = check_change(BAR, result.change)
    assert len(result.new_ids) == 1  # the part of two pixels is wholly under the line
    assert after[4].tolist() == BAR[4].tolist()
    bars = np.concatenate([BAR[:4], BAR[:4]])
    result = cut(bars, 1, np.array([[0, 2], [8, 2]]), NONE, width_px=1)
    assert result.new_ids == (FIRST_ID, FIRST_ID + 1)


def test_around_a_bend_they_go_to_the_nearest_side_too() -> None:
    labels = np.ones((41, 41), dtype=np.int32)
    path = np.array([[-20, 30], [24, 33], [60, 8]], dtype=float)
    result = cut(labels, 1, path, NONE, width_px=15)
    after = check_change(labels, result.change)
    under = draw_line(path, 15, labels.shape)
    gaps = {id_: ndimage.distance_transform_edt(under | (after != id_)) for id_ in (1, *result.new_ids)}
    nearest = np.min(list(gaps.values()), axis=0)
    assert all((gap - nearest)[under & (after == id_)].max(initial=0) <= 0.5 for id_, gap in gaps.items())


def test_ids_that_someone_painted_with_are_not_given() -> None:
    labels = BAR.copy()
    labels[4, 6] = FIRST_ID
    assert cut(labels, 1, ACROSS, NONE, width_px=1).new_ids == (FIRST_ID + 1,)


def test_ids_that_protected_pixels_left_no_place_for_are_not_new() -> None:
    bars = np.concatenate([BAR[:4], BAR[:4]])
    path = np.array([[0, 2], [8, 2]], dtype=float)
    protected = np.zeros_like(bars, dtype=bool)
    protected[:4] = True
    assert len(cut(bars, 1, path, NONE, width_px=1, protected=protected).new_ids) == 1
    result = cut(bars, 1, path, NONE, width_px=1, protected=protected | True)
    assert (result.change, result.new_ids, result.instances) == (None, (), NONE)


def test_what_would_not_cut_is_refused() -> None:
    with pytest.raises(ConfigError, match="background between them"):
        cut(BAR, 1, ACROSS, NONE, width_px=1, smaller_sides="same label", line_pixels="nearest side")
    for width_px in (-1, np.nan, np.inf):
        with pytest.raises(ConfigError, match="cannot cut"):
            cut(BAR, 1, ACROSS, NONE, width_px=width_px)


def test_lines_are_as_wide_as_asked() -> None:
    line = draw_line(np.array([[5.0, -3.0], [5.0, 30.0]]), 5, (11, 20))
    assert line.any(axis=1).nonzero()[0].tolist() == [3, 4, 5, 6, 7]
    assert line[5].all()
    dot = draw_line(np.array([[5.0, 5.0]]), 4, (11, 11))
    assert dot.sum() == 13  # a disc of radius 2


PATHS = hnp.arrays(np.float64, st.tuples(st.integers(2, 4), st.just(2)), elements=st.floats(-3, 15))


@given(PATHS, st.floats(0, 3))
def test_lines_hold_the_pixels_that_are_near(path: np.ndarray, width_px: float) -> None:
    line = draw_line(path, width_px, (9, 10))
    share = np.linspace(0, 1, 400)[:, None]
    places = np.concatenate([a + share * (b - a) for a, b in itertools.pairwise(path)])
    gaps = np.hypot(*(np.argwhere(line | True)[:, None] - places).transpose(2, 0, 1)).min(axis=1).reshape(9, 10)
    radius = max(width_px, np.sqrt(2)) / 2
    assert (gaps[line] <= radius + 0.03).all()
    assert (gaps[~line] > radius).all()


INSIDE = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(2)), elements=st.floats(0.5, 8.5))


@given(INSIDE)
def test_no_way_leads_through_a_thin_line_not_even_over_corners(path: np.ndarray) -> None:
    far = np.array([[30, 0]])
    from_above_to_below = np.concatenate([path[:1] - far, path, path[-1:] + far])
    sides = find_parts(~draw_line(from_above_to_below, 0, (9, 10)))
    left, right = (set(sides.numbers[:, column]) - {0} for column in (0, -1))
    assert not left & right


@given(
    planes(),
    PATHS,
    st.floats(0, 4),
    st.sampled_from(("instance", "same label", "background")),
    st.sampled_from(("nearest side", "background")),
)
def test_a_cut_keeps_other_labels_and_what_is_protected(
    drawn: tuple[np.ndarray, np.ndarray], path: np.ndarray, width_px: float, smaller: SmallerSides, under: LinePixels
) -> None:
    labels, protected = drawn
    if smaller == "same label" and under == "nearest side":
        return
    options = {"width_px": width_px, "smaller_sides": smaller, "line_pixels": under}
    result = cut(labels, 1, path, NONE, **options, protected=protected)
    after = check_change(labels, result.change, protected)
    np.testing.assert_array_equal(after[labels != 1], labels[labels != 1])
    free = cut(labels, 1, path, NONE, **options)
    after = check_change(labels, free.change)
    assert set(np.unique(after[after >= FIRST_ID])) == set(free.new_ids)
    before, now = find_parts(labels == 1), find_parts(after == 1)
    if smaller == "instance":
        assert len(now) == len(before)
        assert all(len(find_parts(after == id_)) == 1 for id_ in free.new_ids)
        if under == "nearest side":
            np.testing.assert_array_equal(free.instances.semantic(after), labels)
    if smaller == "same label" and free.change is not None:
        assert len(now) > len(before)
