"""What becomes of a label: what the predictor gets, and that answers do not depend on the way to them."""

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.frames import Box
from napari_car.annotation.prompting.attempt import Attempt
from napari_car.annotation.prompting.corrector import Answer, Corrector
from napari_car.annotation.prompting.pointing import Pointing
from napari_car.results import Progress, drain
from napari_car.sam.classical import ClassicalPredictor
from napari_car.sam.prompts import Point, Prediction, Prompts, Scribble


@dataclass
class DiscImage:
    """Adds or removes a disc of 3 px around each mark: after one without a mask, a smaller and a larger one, too."""

    image: np.ndarray
    asked: list[Prompts]

    @property
    def size_px(self) -> tuple[int, int]:
        return self.image.shape[:2]

    def predict(self, prompts: Prompts) -> Prediction:
        self.asked.append(prompts)
        is_ambiguous = len(prompts.points) == 1 and prompts.mask is None and prompts.logits is None
        masks = []
        for radius in (3, 2, 5) if is_ambiguous else (3,):
            mask = np.zeros(self.size_px, bool) if prompts.mask is None else prompts.mask.copy()
            if prompts.logits is not None:
                mask = prompts.logits > 0
            rows, cols = np.indices(self.size_px)
            for point in prompts.points:
                mask[np.hypot(rows - point.row, cols - point.col) <= radius] = point.is_positive
            masks.append(mask)
        stacked = np.stack(masks)
        scores = np.linspace(0.9, 0.5, len(masks), dtype=np.float32)
        return Prediction(stacked, scores, np.where(stacked, 1, -1).astype(np.float32))


@dataclass
class Discs:
    """A predictor of which it is plain what it answers."""

    opened: list[np.ndarray] = field(default_factory=list)
    asked: list[Prompts] = field(default_factory=list)
    name = "discs"

    def open(self, image: np.ndarray) -> Generator[Progress, None, DiscImage]:
        self.opened.append(image)
        yield Progress("sam-image", 0, 0, 1)
        return DiscImage(image, self.asked)


def make(labels: np.ndarray, id_: int = 1) -> tuple[Corrector, Discs, list[tuple[Box, int]]]:
    """A corrector, its predictor, and what was painted for it: the row in red, the column in green, modulo 256."""
    discs, painted = Discs(), list[tuple[Box, int]]()

    def render(box: Box, max_side_px: int) -> np.ndarray:
        painted.append((box, max_side_px))
        rows, cols = np.mgrid[box.slices]
        return np.stack([rows % 256, cols % 256, 0 * rows], axis=-1).astype(np.uint8)

    return Corrector(discs, render, labels, id_), discs, painted


def click(attempt: Attempt, row: float, col: float, *, is_positive: bool = True) -> Attempt:
    return attempt.with_pointing(attempt.pointing.with_point(Point(float(row), float(col), is_positive)))


def labels() -> np.ndarray:
    plane = np.zeros((40, 60), np.int32)
    plane[5:15, 5:15] = 1
    plane[5:15, 30:40] = 1
    plane[20:25, 20:25] = 2
    return plane


def same(one: Answer, other: Answer) -> bool:
    return one.window == other.window and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("target", "masks", "scores")
    )


def test_the_part_that_is_pointed_at_is_corrected_and_no_other() -> None:
    corrector, discs, painted = make(labels())
    answer = drain(corrector.correct(click(Attempt(), 10, 16)))
    assert painted == [(Box(0, 0, 40, 60), 60)]
    target = labels() == 1
    target[:, 20:] = False
    np.testing.assert_array_equal(answer.target, target)
    np.testing.assert_array_equal(discs.asked[0].mask, target)
    assert answer.masks[0, 10, 18]
    assert not answer.masks[0, 10, 35]
    assert len(answer.masks) == 1


def test_a_new_object_has_candidates_and_the_next_mark_goes_on_from_the_chosen_one() -> None:
    corrector, discs, _ = make(labels())
    first = click(Attempt(), 33, 50)
    answer = drain(corrector.correct(first))
    assert not answer.target.any()
    assert discs.asked[0].mask is None
    assert [int(mask.sum()) for mask in answer.masks] == [29, 13, 81]
    large = first.with_candidate(2)
    second = drain(corrector.correct(click(large, 33, 44)))
    assert int(second.masks[0].sum()) > 81
    np.testing.assert_array_equal(discs.asked[-1].logits > 0, answer.masks[2])
    small = drain(corrector.correct(click(first.with_candidate(1), 33, 44)))
    np.testing.assert_array_equal(discs.asked[-1].logits > 0, answer.masks[1])
    assert not same(second, small)


def test_the_image_is_looked_at_once_and_answers_are_remembered() -> None:
    corrector, discs, painted = make(labels())
    attempts = [click(Attempt(), 10, 10)]
    for number in range(5):
        attempts.append(click(attempts[-1], 10 + number, 18))
    for attempt in [*attempts, *attempts[::-1]]:
        drain(corrector.correct(attempt))
    assert len(discs.asked) == len(attempts)
    assert len(painted) == len(discs.opened) == 1


def test_a_mark_on_another_part_starts_anew_with_both() -> None:
    corrector, discs, _ = make(labels())
    attempt = click(click(Attempt(), 10, 10), 10, 35)
    answer = drain(corrector.correct(attempt))
    np.testing.assert_array_equal(answer.target, labels() == 1)
    assert discs.asked[-1].logits is None
    np.testing.assert_array_equal(discs.asked[-1].mask, labels() == 1)


def test_marks_that_were_taken_away_count_no_more() -> None:
    attempt = click(click(Attempt(), 10, 10), 10, 18)
    fewer = attempt.with_pointing(Pointing(points=attempt.pointing.points[1:]))
    assert fewer.before is None
    assert click(Attempt(), 1, 1).before is None
    assert attempt.with_pointing(attempt.pointing.with_box((0.0, 0.0, 9.0, 9.0))).before is attempt


def test_of_a_large_plane_a_window_is_looked_at_as_long_as_marks_lie_in_it() -> None:
    plane = np.zeros((3000, 4000), np.int32)
    plane[1000:1020, 2000:2020] = 1
    corrector, discs, painted = make(plane)
    attempt = click(Attempt(), 1010, 2025)
    answer = drain(corrector.correct(attempt))
    assert answer.window.box == Box(498, 1501, 1522, 2525)
    assert painted == [(answer.window.box, 1024)]
    assert tuple(discs.opened[0][0, 0, :2]) == (498 % 256, 1501 % 256)
    np.testing.assert_array_equal(answer.target, plane[498:1522, 1501:2525] == 1)
    assert answer.masks[0, 1010 - 498, 2027 - 1501]
    nearby = click(attempt, 1500, 2500)
    drain(corrector.correct(nearby))
    assert len(painted) == 1
    moved = drain(corrector.correct(click(nearby, 2900, 2500)))
    assert len(painted) == 2
    assert moved.window.contains(Box(1000, 2000, 2901, 2501))
    assert moved.window.picture_px[0] == 1024
    assert moved.masks.shape[1:] == moved.window.box.size_px


def test_a_mark_beside_the_plane_does_no_harm() -> None:
    corrector, *_ = make(labels())
    answer = drain(corrector.correct(click(Attempt(), -500, 900)))
    assert answer.window.box == Box(0, 0, 40, 60)


def test_older_answers_are_found_again_by_going_the_way_once_more() -> None:
    corrector, discs, _ = make(labels())
    attempts = [click(Attempt(), 10, 10)]
    for number in range(30):
        attempts.append(click(attempts[-1], 8 + number % 5, 18 + number % 7))
    answers = [drain(corrector.correct(attempt)) for attempt in attempts]
    n_asked = len(discs.asked)
    assert same(drain(corrector.correct(attempts[3])), answers[3])
    assert n_asked < len(discs.asked) <= n_asked + 4


MARKS = st.tuples(st.integers(0, 39), st.integers(0, 59), st.booleans())


@given(st.lists(st.tuples(st.integers(0, 9), MARKS, st.integers(0, 2)), min_size=1, max_size=10), st.randoms())
def test_answers_do_not_depend_on_what_was_asked_before(
    steps: list[tuple[int, tuple[int, int, bool], int]], random: object
) -> None:
    attempts = [Attempt()]
    makes = make(labels())[0]
    for parent, (row, col, is_positive), candidate in steps:
        before = attempts[parent % len(attempts)]
        if before:
            n_candidates = len(drain(makes.correct(before)).masks)
            before = before.with_candidate(candidate % n_candidates)
        attempts.append(click(before, row, col, is_positive=is_positive))
    expected = [drain(make(labels())[0].correct(attempt)) for attempt in attempts[1:]]
    order = list(range(len(expected)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shared = make(labels())[0]
    for index in order:
        assert same(drain(shared.correct(attempts[1 + index])), expected[index])


def test_the_classical_predictor_gets_what_was_meant() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(90, 110, (50, 70, 3), dtype=np.uint8)
    image[10:40, 15:45] += 80
    plane = np.zeros((50, 70), np.int32)
    plane[10:30, 15:45] = 3
    plane[45:48, 60:65] = 3
    corrector = Corrector(ClassicalPredictor(), lambda box, _: image[box.slices], plane, 3)
    stroke = Scribble(np.array([[33.0, 20.0], [33.0, 40.0]]), is_positive=True, width_px=3.0)
    attempt = Attempt().with_pointing(Pointing(scribbles=(stroke,)))
    answer = drain(corrector.correct(attempt))
    mask = plane == 3
    mask[45:] = False
    direct = drain(ClassicalPredictor().open(image)).predict(Prompts(scribbles=(stroke,), mask=mask))
    np.testing.assert_array_equal(answer.masks, direct.masks)
    square = np.zeros(plane.shape, bool)
    square[10:40, 15:45] = True
    assert np.count_nonzero(answer.masks[0] ^ square) < 60


def test_a_candidate_that_is_not_there_any_more_is_the_best() -> None:
    corrector, _, _ = make(labels())
    several = drain(corrector.correct(click(Attempt(), 33, 50)))
    assert [several.candidate_of(Attempt(candidate=candidate)) for candidate in range(4)] == [0, 1, 2, 0]
    alone = click(Attempt(), 10, 16).with_candidate(2)  # of an earlier answer, by another predictor
    assert len(drain(corrector.correct(click(alone, 12, 16))).masks) == 1
