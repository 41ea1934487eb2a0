"""Outlines of masks against filling by hand."""

import cv2
import numpy as np
import pytest
from dataset_cases import parts_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from napari_car.dataset.outlines import straightened, trace_bridged, trace_parts

MASKS = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(lambda size: hnp.arrays(bool, size))


def filled(corners: NDArray[np.int64], size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centres are in a polygon, by counting the sides to the left of each."""
    mask = np.zeros(size_px, dtype=bool)
    for row, column in np.ndindex(size_px):
        crossings = 0
        for (x, y), (x2, y2) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
            if (y <= row) != (y2 <= row):  # the centre is half a pixel below the border
                crossings += x + (row + 0.5 - y) / (y2 - y) * (x2 - x) < column + 0.5
        mask[row, column] = crossings % 2
    return mask


def drawn(points: NDArray[np.int64], size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Draw a polygon with its border through the pixels of its points."""
    mask = np.zeros(size_px, dtype=np.uint8)
    cv2.fillPoly(mask, [(points // 2).astype(np.int32)], 1)
    return mask.astype(bool)


def test_one_pixel_is_its_four_corners() -> None:
    (points,) = trace_parts(np.ones((1, 1), dtype=bool))
    assert {tuple(point) for point in points.tolist()} == {(0, 0), (0, 1), (1, 1), (1, 0)}


def test_a_frame_has_one_cut_straight_up() -> None:
    frame = np.ones((5, 5), dtype=bool)
    frame[2, 1:4] = False
    (points,) = trace_parts(frame)
    corners = straightened((points + 1) // 2)
    assert sorted(map(tuple, corners.tolist())) == sorted(
        [(0, 0), (5, 0), (5, 5), (0, 5), (1, 0), (1, 0), (1, 2), (4, 2), (4, 3), (1, 3)]
    )


def test_no_pixel_no_part() -> None:
    assert trace_parts(np.zeros((3, 4), dtype=bool)) == ()


@given(MASKS)
@settings(max_examples=150, deadline=None)
def test_parts_are_what_hangs_together_and_give_back_the_mask(mask: NDArray[np.bool_]) -> None:
    found = trace_parts(mask)
    by_hand = sorted(sorted(part) for part in parts_of(mask))
    assert sorted(sorted(map(tuple, np.argwhere(drawn(part, mask.shape)).tolist())) for part in found) == by_hand
    assert (
        sorted(
            sorted(map(tuple, np.argwhere(filled(straightened((part + 1) // 2), mask.shape)).tolist()))
            for part in found
        )
        == by_hand
    )


@given(MASKS.filter(np.any))
@settings(max_examples=150, deadline=None)
def test_bridges_only_add_lines_between_parts(mask: NDArray[np.bool_]) -> None:
    points = trace_bridged(mask)
    bridged = drawn(points, mask.shape)
    assert (bridged >= mask).all()
    assert len(parts_of(bridged)) == 1
    if len(parts_of(mask)) == 1:
        np.testing.assert_array_equal(bridged, mask)
    else:  # seen without its border, nothing is added
        assert (filled_inside(points, mask.shape) <= mask).all()


def filled_inside(points: NDArray[np.int64], size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Return pixels whose middle is in an outline; the outline is a quarter pixel inside of the borders."""
    x, y = (points[:, axis] / 2 + 0.25 for axis in (0, 1))
    mask = np.zeros(size_px, dtype=bool)
    for row, column in np.ndindex(size_px):
        middle_x, middle_y = column + 0.5, row + 0.5
        is_across = (y <= middle_y) != (np.roll(y, -1) <= middle_y)
        sides = [(x[i], y[i], np.roll(x, -1)[i], np.roll(y, -1)[i]) for i in np.flatnonzero(is_across)]
        mask[row, column] = sum(a + (middle_y - b) / (d - b) * (c - a) < middle_x for a, b, c, d in sides) % 2
    return mask


def test_a_bridge_is_the_shortest() -> None:
    mask = np.zeros((5, 12), dtype=bool)
    mask[1:4, 1:3] = mask[3, 6:8] = mask[0, 11] = True
    bridged = drawn(trace_bridged(mask), mask.shape)
    added = np.argwhere(bridged & ~mask).tolist()
    assert added[-3:] == [[3, 3], [3, 4], [3, 5]]
    assert all(column > 7 and row < 4 for row, column in added[:-3])


@pytest.mark.parametrize("pattern", ["checkers", "stripes", "rings", "dust"])
def test_large_masks_take_no_time(pattern: str) -> None:
    y, x = np.indices((600, 600))
    masks = {
        "checkers": (x // 3 + y // 3) % 2 == 0,
        "stripes": x % 4 < 2,
        "rings": np.hypot(x - 300, y - 300).astype(int) % 6 < 3,
        "dust": np.random.default_rng(0).random((600, 600)) < 0.6,
    }
    mask = masks[pattern]
    parts = trace_parts(mask)
    total = np.zeros(mask.shape, dtype=bool)
    for part in parts:
        low, high = part.min(axis=0) // 2, part.max(axis=0) // 2 + 1
        total[low[1] : high[1], low[0] : high[0]] |= drawn(part - 2 * low, (high - low)[::-1])
    np.testing.assert_array_equal(total, mask)
    assert (drawn(trace_bridged(mask), mask.shape) >= mask).all()


def test_straightened_keeps_turns_and_ends_of_cuts() -> None:
    points = np.array([[0, 0], [0, 0], [2, 0], [4, 0], [4, 4], [2, 2], [4, 4], [0, 4], [0, 2]])
    assert straightened(points).tolist() == [[0, 0], [4, 0], [4, 4], [2, 2], [4, 4], [0, 4]]
