"""Growing and shrinking."""

import math

import numpy as np
import pytest
from drawn_planes import changed, check_change, disc, plane, planes
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_car.annotation.correction.growth import MAX_DISTANCE_PX, grow, measure_distance, shrink
from napari_car.errors import ConfigError

DOT = plane("""
    .......
    .......
    .......
    ...1...
    .......
    .......
    .......
""")


def test_distances_are_euclidean() -> None:
    assert changed(DOT, grow(DOT, distance_px=2.3)) == [
        ".......",
        "..111..",
        ".11111.",
        ".11111.",
        ".11111.",
        "..111..",
        ".......",
    ]
    assert changed(DOT, grow(DOT, distance_px=1)) == changed(DOT, grow(DOT, distance_px=1.4))
    np.testing.assert_array_equal(check_change(DOT, grow(DOT, distance_px=math.sqrt(5))), disc(math.sqrt(5), 7))


def test_shrinking_leaves_what_is_further_inside() -> None:
    labels = plane("11111. 11111. 11111. 112222 112222")
    # Labels are not shrunk from the border of the plane.
    assert changed(labels, shrink(labels, [1], distance_px=1)) == ["1111..", "1111..", "11....", "1.2222", "1.2222"]
    assert changed(labels, shrink(labels, distance_px=1)) == ["1111..", "1111..", "11....", "1.....", "1..222"]
    assert changed(DOT, shrink(DOT, distance_px=1)) == ["......."] * 7


def test_nothing_to_do() -> None:
    for tool in (grow, shrink):
        assert tool(DOT, distance_px=0) is None
        assert tool(DOT, [2], distance_px=3) is None
        assert tool(np.zeros((4, 4), dtype=np.int32), distance_px=3) is None
        assert tool(np.ones((4, 4), dtype=np.int32), distance_px=3) is None


def test_others_stay_and_what_is_behind_them_is_not_reached() -> None:
    labels = plane("1.2... ..2... ..2...")
    assert changed(labels, grow(labels, [1], distance_px=4)) == ["112...", "112...", "112..."]
    protected = np.zeros_like(labels, dtype=bool)
    protected[1] = True
    assert changed(labels, grow(labels, [1], distance_px=4, protected=protected)) == ["112...", "..2...", "..2..."]


def test_the_nearest_gets_a_pixel_and_of_two_the_lower() -> None:
    labels = plane("3.....2 3.....2")
    assert changed(labels, grow(labels, distance_px=9)) == ["3332222"] * 2
    assert changed(labels, grow(labels, distance_px=2)) == ["333.222"] * 2


@pytest.mark.parametrize("distance_px", [-1, math.nan, MAX_DISTANCE_PX + 1])
def test_a_distance_that_is_none_is_refused(distance_px: float) -> None:
    for tool in (grow, shrink):
        with pytest.raises(ConfigError, match="can grow or shrink"):
            tool(DOT, distance_px=distance_px)


@pytest.mark.parametrize("radius_px", [3, 7.5, 12])
def test_a_disc_that_grew_is_a_larger_disc_and_shrinks_back(radius_px: float) -> None:
    labels = disc(radius_px, 61)
    larger = check_change(labels, grow(labels, distance_px=10))
    assert np.count_nonzero(larger) == pytest.approx(math.pi * (radius_px + 10) ** 2, rel=0.06)
    again = check_change(larger, shrink(larger, distance_px=10))
    assert (again[labels == 1] == 1).all()
    assert np.count_nonzero(again != labels) <= 8


@pytest.mark.parametrize("size_px", [(301, 402), (501, 2), (2, 501)])
def test_far_distances_are_told_apart(size_px: tuple[int, int]) -> None:
    labels = np.zeros(size_px, dtype=np.int32)
    labels[0, 0] = 1
    after = check_change(labels, grow(labels, distance_px=MAX_DISTANCE_PX))
    rows, columns = np.indices(labels.shape)  # 300² + 400² = 500²
    np.testing.assert_array_equal(after == 1, rows**2 + columns**2 <= MAX_DISTANCE_PX**2)


def reachable(labels: np.ndarray, id_: int, distance_px: float, protected: np.ndarray) -> np.ndarray:
    """Measure the distance to every pixel of a label, one by one, and flood."""
    rows, columns = np.indices(labels.shape)
    near = np.zeros(labels.shape, dtype=bool)
    for row, column in np.argwhere(labels == id_):
        near |= (rows - row) ** 2 + (columns - column) ** 2 <= distance_px**2 + 1e-9
    allowed = (labels == id_) | (near & (labels == 0) & ~protected)
    return ndimage.binary_propagation(labels == id_, structure=np.ones((3, 3)), mask=allowed)


DISTANCES = st.sampled_from((1, math.sqrt(2), 2, 3.7, 5))


@given(planes(), DISTANCES)
def test_one_label_grows_as_far_as_a_flood_of_near_pixels(
    drawn: tuple[np.ndarray, np.ndarray], distance_px: float
) -> None:
    labels, protected = drawn
    after = check_change(labels, grow(labels, [1], distance_px=distance_px, protected=protected), protected)
    np.testing.assert_array_equal(after == 1, reachable(labels, 1, distance_px, protected))


@given(planes(), DISTANCES)
def test_growing_changes_only_background_and_shrinking_leaves_only_background(
    drawn: tuple[np.ndarray, np.ndarray], distance_px: float
) -> None:
    labels, protected = drawn
    larger = check_change(labels, grow(labels, distance_px=distance_px, protected=protected), protected)
    np.testing.assert_array_equal(larger[labels != 0], labels[labels != 0])
    smaller = check_change(labels, shrink(labels, distance_px=distance_px, protected=protected), protected)
    assert not smaller[smaller != labels].any()
    outside = labels != 1
    depth = ndimage.distance_transform_edt(~outside) if outside.any() else np.full(labels.shape, np.inf)
    np.testing.assert_array_equal(smaller == 1, (labels == 1) & ((depth > distance_px + 1e-9) | protected))


@given(planes(highest=1), DISTANCES)
def test_what_grew_and_shrinks_again_has_lost_nothing(drawn: tuple[np.ndarray, np.ndarray], distance_px: float) -> None:
    labels = drawn[0]
    larger = check_change(labels, grow(labels, distance_px=distance_px))
    again = check_change(larger, shrink(larger, distance_px=distance_px))
    assert (again[labels == 1] == 1).all()


@given(planes(highest=1))
def test_distances_are_those_of_scipy(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    mask = drawn[0] == 1
    expected = ndimage.distance_transform_edt(mask) if not mask.all() else np.full(mask.shape, np.inf)
    np.testing.assert_allclose(measure_distance(mask), expected, rtol=1e-6)
