"""Polygons against pycocotools' own masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as library

from napari_car.evaluation.benchmarks.rasters import draw_target

POINTS = st.floats(-5, 40, allow_nan=False, width=16)
POLYGONS = st.lists(st.lists(st.tuples(POINTS, POINTS), min_size=3, max_size=6), min_size=1, max_size=3)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@settings(max_examples=60, deadline=None)
@given(outlines=POLYGONS, size_px=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_masks_are_those_of_the_library(outlines: list[list[tuple[float, float]]], size_px: tuple[int, int]) -> None:
    polygons = [[value for point in outline for value in point] for outline in outlines]
    counts = library.decode(library.frPyObjects(polygons, *size_px)).sum(axis=2)
    drawn = tuple(map(tuple, polygons))
    assert np.array_equal(draw_target(drawn, size_px, "released"), counts == 1)
    assert np.array_equal(draw_target(drawn, size_px, "union"), counts > 0)
