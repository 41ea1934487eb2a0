"""Smoothing outlines."""

import numpy as np
import pytest
from drawn_planes import changed, check_change, disc, plane, planes
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.correction.smoothing import smooth
from napari_car.errors import ConfigError

ROUGH = plane("""
    ..........
    ....1.....
    .11111111.
    .11111111.
    .11111111.
    .111.1111.
    .11111111.
    ..........
""")


def test_spikes_vanish_and_pits_are_filled() -> None:
    assert changed(ROUGH, smooth(ROUGH, radius_px=1)) == [
        "..........",
        "..........",
        "..111111..",
        ".11111111.",
        ".11111111.",
        ".11111111.",
        "..111111..",
        "..........",
    ]


def test_nothing_to_do() -> None:
    assert smooth(ROUGH, radius_px=0) is None
    assert smooth(ROUGH, [2], radius_px=3) is None
    assert smooth(np.zeros((4, 4), dtype=np.int32), radius_px=3) is None
    assert smooth(np.ones((4, 4), dtype=np.int32), radius_px=3) is None  # the border is no outline


def test_a_straight_outline_stays_also_where_it_meets_the_border() -> None:
    labels = np.zeros((30, 30), dtype=np.int32)
    labels[10:20] = 1
    assert smooth(labels, radius_px=3) is None


def test_outlines_between_labels_stay() -> None:
    labels = np.full((12, 12), 2, dtype=np.int32)
    labels[4:8, 4:8] = 1  # all corners
    assert smooth(labels, radius_px=3) is None
    quadrants = np.zeros((20, 20), dtype=np.int32)
    quadrants[10:, :10], quadrants[10:, 10:] = 1, 2
    assert smooth(quadrants, radius_px=2) is None


def test_others_are_overwritten_if_asked() -> None:
    labels = plane("11111 11111 11211 11111 11111")
    assert smooth(labels, [1], radius_px=1) is None
    assert changed(labels, smooth(labels, [1], radius_px=1, overwrite=True)) == ["11111"] * 5
    protected = labels == 2
    assert smooth(labels, [1], radius_px=1, overwrite=True, protected=protected) is None


def test_a_disc_stays_a_disc() -> None:
    labels = disc(20, 61)
    change = smooth(labels, radius_px=2)
    assert change is None or change.where.sum() < 0.02 * labels.sum()


@pytest.mark.parametrize("radius_px", [-1, np.inf, np.nan])
def test_a_radius_that_is_none_is_refused(radius_px: float) -> None:
    with pytest.raises(ConfigError, match="cannot be smoothed"):
        smooth(ROUGH, radius_px=radius_px)


def majority(labels: np.ndarray, id_: int, radius_px: float, overwrite: bool) -> np.ndarray:
    """Weigh the surroundings of each pixel."""
    reach = int(4 * radius_px + 0.5)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * radius_px**2))
    weights /= weights.sum()
    padded = np.pad(labels, reach, mode="edge")
    after = labels.copy()
    for row, column in np.ndindex(*labels.shape):
        around = padded[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        own, background = ((weights * (around == label)).sum() for label in (id_, 0))
        if own > 0.5 and (labels[row, column] == 0 or overwrite):
            after[row, column] = id_
        elif background > 0.5 and labels[row, column] == id_:
            after[row, column] = 0
    return after


@given(planes(), st.sampled_from((0.6, 1.0, 2.3)), st.booleans())
def test_as_weights_tell(drawn: tuple[np.ndarray, np.ndarray], radius_px: float, overwrite: bool) -> None:
    labels = drawn[0]
    change = smooth(labels, [2], radius_px=radius_px, overwrite=overwrite)
    np.testing.assert_array_equal(check_change(labels, change), majority(labels, 2, radius_px, overwrite))


@given(planes(), st.sampled_from((0.6, 1.0, 2.3)))
def test_labels_neither_eat_each_other_nor_what_is_protected(
    drawn: tuple[np.ndarray, np.ndarray], radius_px: float
) -> None:
    labels, protected = drawn
    after = check_change(labels, smooth(labels, radius_px=radius_px, protected=protected), protected)
    assert not ((after != labels) & (after != 0) & (labels != 0)).any()
    np.testing.assert_array_equal(
        check_change(labels, smooth(labels, [1], radius_px=radius_px, overwrite=True, protected=protected), protected)[
            protected
        ],
        labels[protected],
    )
