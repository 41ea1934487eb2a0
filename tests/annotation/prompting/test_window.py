"""Windows on large planes, and places and masks in and out of their pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.frames import Box
from napari_car.annotation.prompting.pointing import Pointing
from napari_car.annotation.prompting.window import Window, choose_window
from napari_car.sam.prompts import Point, Scribble


def test_a_plane_of_moderate_size_is_looked_at_whole() -> None:
    assert choose_window(Box(0, 0, 300, 700), Box(5, 5, 9, 9)) == Window(Box(0, 0, 300, 700), (300, 700))
    assert choose_window(Box(0, 0, 1536, 768), Box(5, 5, 9, 9)) == Window(Box(0, 0, 1536, 768), (1024, 512))


@pytest.mark.parametrize(
    ("focus", "box"),
    [
        (Box(5000, 4000, 5100, 4200), Box(4538, 3588, 5562, 4612)),
        (Box(0, 0, 10, 10), Box(0, 0, 1024, 1024)),
        (Box(7990, 5990, 9000, 9000), Box(6976, 4976, 8000, 6000)),
    ],
)
def test_of_a_large_plane_the_surroundings(focus: Box, box: Box) -> None:
    assert choose_window(Box(0, 0, 8000, 6000), focus) == Window(box, (1024, 1024))


def test_a_large_object_is_looked_at_from_further_away() -> None:
    window = choose_window(Box(0, 0, 8000, 1000), Box(1000, 0, 3000, 1000))
    assert window == Window(Box(500, 0, 3500, 1000), (1024, 341))


@given(
    size=st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    length=st.integers(1, 9000),
)
def test_the_object_is_in_its_window(size: tuple[int, int], corner: tuple[float, float], length: int) -> None:
    whole = Box(0, 0, *size)
    top, left = (int(share * (side - 1)) for share, side in zip(corner, size, strict=True))
    focus = Box(top, left, top + length, left + length)
    window = choose_window(whole, focus)
    assert window.box.clipped(whole) == window.box
    assert window.contains(focus.clipped(whole))
    assert max(window.picture_px) <= 1024
    assert min(window.picture_px) >= 1


def test_what_is_pointed_at_is_where_it_was() -> None:
    window = Window(Box(100, 200, 140, 280), (20, 40))
    stroke = Scribble(np.array([[99.5, 199.5], [139.5, 279.5]]), is_positive=False, width_px=6.0)
    pointing = Pointing(
        (Point(100.5, 200.5, is_positive=True), Point(500.0, 0.0, is_positive=False)), scribbles=(stroke,)
    )
    prompts = window.prompts(pointing.with_box((100.5, 200.5, 120.5, 1000.0)), None)
    assert prompts.points == (Point(0.0, 0.0, is_positive=True), Point(19.0, 0.0, is_positive=False))
    assert prompts.box == (0.0, 0.0, 10.0, 39.0)
    (moved,) = prompts.scribbles
    np.testing.assert_allclose(moved.path, [[-0.5, -0.5], [19.5, 39.5]])
    assert (moved.width_px, moved.is_positive) == (3.0, False)
    assert prompts.mask is None


def test_the_mask_comes_with_it() -> None:
    window = Window(Box(0, 0, 4, 6), (2, 3))
    mask = np.zeros((4, 6), dtype=bool)
    mask[:2, :4] = True
    mask[2, 4] = True  # a quarter of a pixel of the picture
    prompts = window.prompts(Pointing().with_point(Point(0.0, 0.0, is_positive=True)), mask)
    assert prompts.mask.tolist() == [[True, True, False], [False, False, False]]


def test_what_is_not_changed_keeps_its_fine_outline() -> None:
    window = Window(Box(0, 0, 40, 40), (10, 10))
    mask = np.tri(40, dtype=bool)
    picture = window.shrink(mask)
    np.testing.assert_array_equal(window.enlarge(picture, mask), mask)
    picture[:4, 6:] = True
    enlarged = window.enlarge(picture, mask)
    np.testing.assert_array_equal(enlarged[20:], mask[20:])
    assert enlarged[:14, 26:].all()
    whole = Window(Box(0, 0, 5, 5), (5, 5))
    drawn = np.eye(5, dtype=bool)
    assert whole.enlarge(drawn, ~drawn) is drawn
