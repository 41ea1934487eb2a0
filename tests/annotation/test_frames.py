"""Boxes, planes and tiles."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.frames import Box, PlaneAxes, cut_frames, planes_along
from napari_car.errors import ConfigError


def test_boxes() -> None:
    box = Box(2, 3, 10, 20)
    assert box.size_px == (8, 17)
    assert box.clipped(Box(0, 5, 4, 100)) == Box(2, 5, 4, 20)
    assert box.clipped(Box(30, 0, 40, 10)).is_empty
    assert not box.is_empty
    assert Box(4, 5, 6, 7).relative_to(box) == Box(2, 2, 4, 4)
    assert box.moved(1, -3) == Box(3, 0, 11, 17)
    assert np.zeros((12, 30))[box.slices].shape == box.size_px


@pytest.mark.parametrize(("row_axis", "column_axis"), [(1, 3), (3, 1), (2, 0)])
def test_a_plane_is_a_view_with_rows_and_columns_as_shown(row_axis: int, column_axis: int) -> None:
    axes = PlaneAxes((2, 3, 4, 5), row_axis, column_axis)
    array = np.arange(120).reshape(2, 3, 4, 5)
    plane = (1,) * 2
    view = axes.plane(array, plane)
    assert view.shape == axes.size_px == (array.shape[row_axis], array.shape[column_axis])
    moved = np.moveaxis(array, (row_axis, column_axis), (-2, -1))
    np.testing.assert_array_equal(view, moved[1, 1])
    box = Box(1, 0, 2, 3)
    np.testing.assert_array_equal(axes.plane(array, plane, box), view[box.slices])
    np.testing.assert_array_equal(axes.plane_of(array[axes.index(plane, box)]), view[box.slices])
    view[0, 1] = -1
    assert np.count_nonzero(array == -1) == 1


def test_hidden_axes_and_planes() -> None:
    axes = PlaneAxes((7, 3, 40, 50), 2, 3)
    assert axes.hidden_axes == (0, 1)
    assert axes.whole == Box(0, 0, 40, 50)
    assert planes_along(axes, (4, 1), {}) == [(4, 1)]
    assert planes_along(axes, (4, 1), {0: range(2, 4)}) == [(2, 1), (3, 1)]
    assert len(planes_along(axes, (4, 1), {0: range(7), 1: range(3)})) == 21
    assert planes_along(PlaneAxes((4, 5), 0, 1), (), {}) == [()]


def test_without_tiles_a_region_is_one_frame_per_plane() -> None:
    region = Box(1, 2, 30, 40)
    frames = cut_frames([(0,), (1,)], region)
    assert [(frame.plane, frame.box, frame.kept) for frame in frames] == [
        ((0,), region, region),
        ((1,), region, region),
    ]


@given(st.integers(0, 50), st.integers(1, 400), st.integers(1, 400), st.integers(8, 120), st.floats(0, 0.49))
def test_tiles_cover_a_region_exactly_once(start: int, height: int, width: int, tile: int, share: float) -> None:
    overlap = int(share * tile)
    region = Box(start, start, start + height, start + width)
    counts = np.zeros((start + height, start + width), dtype=int)
    for frame in cut_frames([()], region, tile, overlap):
        counts[frame.kept.slices] += 1
        assert frame.box.clipped(region) == frame.box
        assert frame.kept.clipped(frame.box) == frame.kept
        assert max(frame.box.size_px) <= tile
    assert (counts[region.slices] == 1).all()
    assert counts.sum() == height * width


def test_neighbouring_tiles_overlap_by_at_least_what_was_asked() -> None:
    tops = sorted({(frame.box.top, frame.box.bottom) for frame in cut_frames([()], Box(0, 0, 1000, 10), 256, 64)})
    assert all(before[1] - after[0] >= 64 for before, after in pairwise(tops))
    assert len(tops) == 5


@pytest.mark.parametrize(("region", "tile", "overlap"), [(Box(0, 0, 0, 9), 0, 0), (Box(0, 0, 9, 9), 4, 2)])
def test_what_cannot_be_cut_is_said(region: Box, tile: int, overlap: int) -> None:
    with pytest.raises(ConfigError):
        cut_frames([()], region, tile, overlap)
