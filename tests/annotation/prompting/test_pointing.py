"""What was pointed at: added to, compared, and measured."""

import numpy as np

from napari_car.annotation.frames import Box
from napari_car.annotation.prompting.pointing import Pointing
from napari_car.sam.prompts import Point, Scribble

POINT, OTHER = Point(2.0, 3.0, is_positive=True), Point(8.5, 1.0, is_positive=False)
STROKE = Scribble(np.array([[4.0, 4.0], [6.0, 9.4]]), is_positive=True, width_px=3.0)


def test_nothing() -> None:
    assert not Pointing()
    assert Pointing().places.shape == (0, 2)
    assert Pointing().extent.is_empty


def test_places_and_extent() -> None:
    pointing = Pointing().with_point(POINT).with_scribble(STROKE).with_box((7.0, 5.0, 1.0, 2.0))
    assert pointing
    assert pointing.box == (1.0, 2.0, 7.0, 5.0)
    assert pointing.places.tolist() == [[2, 3], [1, 2], [7, 5], [4, 4], [6, 9.4]]
    assert pointing.extent == Box(1, 2, 8, 11)


def test_going_on_from_an_earlier_one() -> None:
    first = Pointing().with_point(POINT)
    assert first.extends(Pointing())
    assert first.with_point(OTHER).extends(first)
    assert first.with_scribble(STROKE).extends(first)
    assert first.with_box((0, 0, 1, 1)).extends(first)
    assert not first.extends(first.with_point(OTHER))
    assert not Pointing().with_point(OTHER).extends(first)
    assert not first.with_box((0, 0, 1, 1)).extends(first.with_box((0, 0, 2, 2)))
    assert first.with_scribble(STROKE).with_scribble(STROKE).extends(first.with_scribble(STROKE))
    boxed = first.with_box((0, 0, 1, 1))
    assert boxed.with_point(OTHER).extends(boxed)
    assert not first.extends(boxed)


def test_pixels_that_are_passed_leave_no_gap_and_lie_in_the_box() -> None:
    stroke = Scribble(np.array([[4.0, 4.0], [4.0, 5.6], [6.6, 5.6]]), is_positive=True)
    pointing = Pointing().with_point(POINT).with_scribble(stroke).with_box((0.0, 0.0, 9.0, 9.0))
    expected = [[2, 3], [4, 4], [4, 5], [4, 6], [5, 6], [6, 6], [7, 6]]
    assert pointing.pixels(Box(0, 0, 9, 9)).tolist() == expected
    assert pointing.pixels(Box(2, 4, 7, 6)).tolist() == [[2, 0], [2, 1]]
    assert Pointing().pixels(Box(0, 0, 9, 9)).shape == (0, 2)
