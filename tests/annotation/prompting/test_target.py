"""Which parts of a label are meant, and what a correction makes of the labels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_car.annotation.prompting.pointing import Pointing
from napari_car.annotation.prompting.target import find_spared, find_target, relabel
from napari_car.sam.prompts import Point, Scribble

CORNER = (100, 200)


def parts() -> np.ndarray:
    """Three parts: a square of 10 px, a bar, and a single pixel."""
    mask = np.zeros((40, 60), dtype=bool)
    mask[5:15, 5:15] = True
    mask[30:33, 20:50] = True
    mask[2, 55] = True
    return mask


SQUARE, BAR, PIXEL = (slice(5, 15), slice(5, 15)), (slice(30, 33), slice(20, 50)), (2, 55)


def at(row: float, col: float, *, is_positive: bool = True) -> Pointing:
    return Pointing().with_point(Point(float(row + CORNER[0]), float(col + CORNER[1]), is_positive))


def meant(pointing: Pointing) -> list[bool]:
    """Whether square, bar and pixel are meant; no part is meant by halves."""
    mask = parts()
    target = find_target(mask, pointing, CORNER)
    assert not (target & ~mask).any()
    found = [target[where] for where in (SQUARE, BAR, PIXEL)]
    assert all(np.all(part) or not np.any(part) for part in found)
    return [bool(np.all(part)) for part in found]


def test_a_point_means_the_part_below_it() -> None:
    assert meant(at(10, 10)) == [True, False, False]
    assert meant(at(31.4, 49.2, is_positive=False)) == [False, True, False]
    assert meant(at(2, 55)) == [False, False, True]


def test_a_point_beside_a_part_means_it_if_it_is_near_for_its_size() -> None:
    assert meant(at(10, 19)) == [True, False, False]  # 5 px from a part of 10 px
    assert meant(at(10, 20)) == [False, False, False]  # a new object
    assert meant(at(20, 40)) == [False, True, False]
    assert meant(at(2, 54)) == [False, False, False]  # further than half of a pixel


def test_of_two_near_parts_the_nearer_one() -> None:
    assert meant(at(18, 15)) == [True, False, False]
    assert meant(at(22, 22)) == [False, True, False]


def test_a_point_in_the_box_of_a_part_may_be_far_from_it() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[2:40, 2], mask[2, 2:40] = True, True
    assert find_target(mask, at(20, 15), CORNER).any()
    assert not find_target(mask, at(35, 35), CORNER).any()


def test_several_prompts_mean_several_parts() -> None:
    pointing = at(10, 10).with_scribble(Scribble(np.array([[131.0, 225.0], [131.0, 230.0]]), is_positive=True))
    assert meant(pointing) == [True, True, False]


def test_a_box_means_what_lies_in_it() -> None:
    assert meant(Pointing().with_box((100, 200, 118, 218))) == [True, False, False]
    assert meant(Pointing().with_box((100, 200, 111, 214))) == [True, False, False]  # more than half
    assert meant(Pointing().with_box((100, 200, 109, 214))) == [False, False, False]  # just half
    assert meant(Pointing().with_box((100, 200, 108, 214))) == [False, False, False]
    assert meant(Pointing().with_box((0, 0, 999, 999))) == [True, True, True]
    assert meant(Pointing().with_box((0, 0, 9, 9))) == [False, False, False]  # outside the window


def test_nothing_is_meant_where_there_is_no_label() -> None:
    assert not find_target(np.zeros((3, 4), dtype=bool), at(0, 0), CORNER).any()
    assert not find_target(parts(), Pointing(), CORNER).any()


LABELS = np.array([[1, 1, 2, 0], [1, 0, 2, 0], [1, 1, 1, 3]])
NOBODY = np.zeros(LABELS.shape, dtype=bool)


def corrected(
    predicted: list[list[int]],
    human: np.ndarray | None = None,
    marks: tuple[tuple[int, int], ...] = (),
    *,
    keeps_others: bool = False,
) -> list[list[int]]:
    mask = np.array(predicted, dtype=bool)
    where = relabel(LABELS, 1, LABELS == 1, mask, keeps_others=keeps_others)
    if human is not None:
        where = where & ~find_spared(where, human, np.array(marks, dtype=np.int64).reshape(-1, 2))
    return np.where(where, np.where(mask, 1, 0), LABELS).tolist()


ALL_ABOVE = [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]


def test_the_label_becomes_the_prediction() -> None:
    assert corrected(ALL_ABOVE) == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 3]]


def test_negative_labels_are_others_too() -> None:
    predicted = np.ones((1, 3), dtype=bool)
    changes = relabel(np.array([[-1, 0, 2]]), 1, np.zeros((1, 3), dtype=bool), predicted)
    assert changes.tolist() == [[False, True, False]]


def test_other_labels_can_be_kept() -> None:
    assert corrected(ALL_ABOVE, keeps_others=True) == [[1, 1, 2, 1], [1, 1, 2, 1], [0, 0, 0, 3]]


def test_a_persons_pixels_stay() -> None:
    human = np.array([[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=bool)
    assert corrected(ALL_ABOVE, human) == [[1, 1, 2, 0], [1, 1, 1, 1], [1, 0, 0, 3]]
    assert corrected(ALL_ABOVE) == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 3]]


def test_a_persons_pixels_that_are_pointed_at_change_with_those_they_touch() -> None:
    human = np.array([[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=bool)
    assert corrected(ALL_ABOVE, human, ((0, 3),)) == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 0, 3]]
    assert corrected(ALL_ABOVE, human, ((2, 0), (1, 1)))[2] == [0, 0, 0, 3]
    assert corrected(ALL_ABOVE, human, ((1, 3),)) == corrected(ALL_ABOVE, human)


def test_parts_that_are_not_meant_stay() -> None:
    target = np.zeros(LABELS.shape, dtype=bool)
    target[0] = LABELS[0] == 1
    where = relabel(LABELS, 1, target, np.zeros(LABELS.shape, dtype=bool), keeps_others=False)
    assert np.where(where, 0, LABELS).tolist() == [[0, 0, 2, 0], [1, 0, 2, 0], [1, 1, 1, 3]]


MASKS = arrays(bool, (4, 5))


@given(arrays(np.int32, (4, 5), elements=st.integers(0, 3)), MASKS, MASKS, MASKS, st.booleans(), st.booleans())
def test_only_what_may_change_changes(
    labels: np.ndarray, target: np.ndarray, predicted: np.ndarray, human: np.ndarray, keeps_others: bool, protect: bool
) -> None:
    where = relabel(labels, 1, target, predicted, keeps_others=keeps_others)
    if protect:
        where &= ~find_spared(where, human, np.zeros((0, 2), dtype=np.int64))
    after = np.where(where, np.where(predicted, 1, 0), labels)
    assert (after[where] != labels[where]).all()
    if protect:
        assert (after[human] == labels[human]).all()
    if keeps_others:
        assert (after[labels > 1] == labels[labels > 1]).all()
    assert (after[(labels == 1) & ~target] == 1).all()
    reachable = ~human if protect else np.ones_like(human)
    reachable &= (labels < 2) | (not keeps_others)
    assert ((after == 1) == predicted)[reachable & (target | (labels != 1))].all()


@given(arrays(bool, (12, 14)), st.lists(st.tuples(st.integers(-20, 30), st.integers(-20, 30)), max_size=4), st.data())
def test_a_part_of_the_plane_is_enough_if_it_holds_the_label(
    mask: np.ndarray, places: list[tuple[int, int]], data: st.DataObject
) -> None:
    pointing = Pointing(points=tuple(Point(float(row), float(col), is_positive=True) for row, col in places))
    if data.draw(st.booleans()):
        pointing = pointing.with_box((-3.0, 2.0, float(data.draw(st.integers(-2, 15))), 9.0))
    plane = np.pad(mask, 20)
    whole = find_target(plane, pointing, (-20, -20))
    np.testing.assert_array_equal(find_target(mask, pointing, (0, 0)), whole[20:-20, 20:-20])
    rows, cols = np.nonzero(mask)
    if len(rows):
        crop = (slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1))
        found = find_target(mask[crop], pointing, (int(rows.min()), int(cols.min())))
        np.testing.assert_array_equal(found, whole[20:-20, 20:-20][crop])
