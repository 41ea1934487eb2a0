"""Masks from marks without a network: what a person relies on, and pictures whose answer is known."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_car.errors import PromptError
from napari_car.results import Progress, drain
from napari_car.sam.classical import ClassicalImage, ClassicalPredictor
from napari_car.sam.prompts import MaskPredictor, OpenImage, Point, Prediction, Prompts, Scribble

SIZE = (90, 120)


def disc(row: float, col: float, radius: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    rows, cols = np.mgrid[: size[0], : size[1]]
    return np.hypot(rows - row, cols - col) <= radius


def picture(*things: np.ndarray, noise: float = 12.0, seed: int = 0) -> np.ndarray:
    """Red things on a green ground, with noise."""
    rng = np.random.default_rng(seed)
    colours = np.full((*things[0].shape, 3), (60.0, 140.0, 70.0))
    colours[np.any(things, axis=0)] = 190.0, 70.0, 60.0
    return np.clip(colours + rng.normal(0, noise, colours.shape), 0, 255).astype(np.uint8)


def click(row: float, col: float, is_positive: bool) -> Point:
    return Point(float(row), float(col), is_positive)


def opened(image: np.ndarray) -> OpenImage:
    return drain(ClassicalPredictor().open(image))


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


LEFT, RIGHT = disc(42, 36, 20), disc(50, 90, 15)
TWO = picture(LEFT, RIGHT)


def check(prediction: Prediction, size: tuple[int, int]) -> None:
    """What holds for every prediction."""
    n_candidates = len(prediction.masks)
    assert 1 <= n_candidates <= 3
    assert prediction.masks.shape == (n_candidates, *size)
    assert prediction.scores.shape == (n_candidates,)
    assert (prediction.scores >= 0).all()
    assert (prediction.scores <= 1).all()
    assert (np.diff(prediction.scores) <= 0).all()
    np.testing.assert_array_equal(prediction.logits > 0, prediction.masks)


class TestAnalyticPictures:
    @pytest.mark.parametrize("seed", range(4))
    def test_one_click_finds_a_disc(self, seed: int) -> None:
        image = picture(LEFT, seed=seed)
        prediction = opened(image).predict(Prompts((click(42, 36, True),)))
        assert iou(prediction.masks[0], LEFT) > 0.95

    @pytest.mark.parametrize("radius", [6, 12, 25, 40])
    def test_discs_of_any_size(self, radius: int) -> None:
        thing = disc(45, 60, radius)
        prediction = opened(picture(thing)).predict(Prompts((click(45, 60, True),)))
        assert iou(prediction.masks[0], thing) > 0.95

    @pytest.mark.parametrize("box", [(22.0, 16.0, 62.0, 56.0), (15.0, 10.0, 70.0, 65.0)])
    def test_a_box_finds_what_is_in_it(self, box: tuple[float, float, float, float]) -> None:
        prediction = opened(TWO).predict(Prompts(box=box))
        assert iou(prediction.masks[0], LEFT) > 0.95

    def test_a_scribble_finds_a_disc(self) -> None:
        stroke = Scribble(np.array([[35.0, 28.0], [50.0, 44.0]]), True, 3.0)
        assert iou(opened(TWO).predict(Prompts(scribbles=(stroke,))).masks[0], LEFT) > 0.95

    def test_a_second_click_adds_another_thing_whole(self) -> None:
        prediction = opened(TWO).predict(Prompts((click(50, 90, True),), mask=LEFT))
        assert iou(prediction.masks[0], LEFT | RIGHT) > 0.95

    def test_a_negative_click_takes_a_thing_away_whole(self) -> None:
        prediction = opened(TWO).predict(Prompts((click(50, 90, False),), mask=LEFT | RIGHT))
        assert iou(prediction.masks[0], LEFT) > 0.97

    def test_a_hole_in_a_mask_is_filled_to_its_rim(self) -> None:
        bitten = LEFT & ~disc(42, 50, 9)
        prediction = opened(TWO).predict(Prompts((click(42, 50, True),), mask=bitten))
        assert iou(prediction.masks[0], LEFT) > 0.95

    def test_large_images_are_outlined_as_well(self) -> None:
        thing = disc(500, 430, 260, (1000, 1024))
        prediction = opened(picture(thing)).predict(Prompts((click(500, 430, True),)))
        assert iou(prediction.masks[0], thing) > 0.97


class TestMarks:
    @pytest.mark.parametrize("start", [None, LEFT, LEFT | RIGHT])
    def test_positive_marks_are_inside_and_negative_ones_outside(self, start: np.ndarray | None) -> None:
        points = (click(10, 10, True), click(42, 36, False), click(50, 90, True), click(89, 119, False))
        (mask,) = opened(TWO).predict(Prompts(points, mask=start)).masks
        assert [bool(mask[int(point.row), int(point.col)]) for point in points] == [True, False, True, False]

    def test_all_of_a_stroke_counts(self) -> None:
        path = np.array([[5.0, 5.0], [80.0, 5.0], [80.0, 110.0]])
        (mask,) = opened(TWO).predict(Prompts(scribbles=(Scribble(path, True),), mask=LEFT)).masks
        assert mask[5:81, 5].all()
        assert mask[80, 5:111].all()

    def test_the_later_of_two_that_contradict_each_other_holds(self) -> None:
        points = (click(42, 36, True), click(42, 36, False))
        assert not opened(TWO).predict(Prompts(points, mask=LEFT)).masks[0][42, 36]
        assert opened(TWO).predict(Prompts(points[::-1], mask=LEFT)).masks[0][42, 36]

    def test_nothing_is_outside_a_box_but_positive_marks(self) -> None:
        points = (click(50, 90, True), click(42, 36, True))
        (mask,) = opened(TWO).predict(Prompts(points, box=(20.0, 14.0, 64.0, 40.0))).masks
        outside = mask.copy()
        outside[20:65, 14:41] = False
        assert np.argwhere(outside).tolist() == [[50, 90]]

    def test_a_single_mark_can_mean_several_extents(self) -> None:
        inner, outer = disc(45, 60, 12), disc(45, 60, 36)
        image = picture(outer)
        image[inner] = (210, 120, 60)
        prediction = opened(image).predict(Prompts((click(45, 60, True),)))
        assert max(iou(mask, inner) for mask in prediction.masks) > 0.95
        assert max(iou(mask, outer) for mask in prediction.masks) > 0.95
        assert len(opened(image).predict(Prompts((click(45, 60, True), click(5, 5, False)))).masks) == 1

    def test_more_marks_give_higher_scores(self) -> None:
        points = (click(42, 36, True), click(5, 5, False), click(85, 5, False))
        scores = [opened(TWO).predict(Prompts(points[:n])).scores[0] for n in (1, 2, 3)]
        assert scores == sorted(scores)


class TestLocality:
    def test_a_mark_that_the_mask_agrees_with_changes_nothing(self) -> None:
        rough = disc(40, 40, 25)
        points = (click(40, 40, True), click(80, 110, False))
        np.testing.assert_array_equal(opened(TWO).predict(Prompts(points, mask=rough)).masks[0], rough)

    @pytest.mark.parametrize(("is_positive", "at"), [(True, (42, 50)), (False, (42, 50))])
    def test_only_one_region_around_the_mark_changes(self, is_positive: bool, at: tuple[int, int]) -> None:
        image = np.random.default_rng(1).integers(0, 255, (*SIZE, 3), dtype=np.uint8)
        speckles = np.random.default_rng(2).random(SIZE) < 0.3
        mask = speckles.copy()
        mask[30:55, 40:60] = not is_positive
        (changed,) = opened(image).predict(Prompts((click(*at, is_positive),), mask=mask)).masks
        difference = changed != mask
        n_parts, _ = cv2.connectedComponents(difference.astype(np.uint8), connectivity=4)
        assert n_parts == 2  # the rest, and one
        assert difference[at]
        assert (changed[difference] == is_positive).all()

    def test_far_away_nothing_changes(self) -> None:
        size = (400, 400)
        rough = disc(100, 100, 40, size) | (np.random.default_rng(3).random(size) < 0.05)
        image = picture(disc(100, 104, 42, size), disc(300, 300, 60, size))
        (mask,) = opened(image).predict(Prompts((click(100, 144, True),), mask=rough)).masks
        assert mask[100, 144]
        far = ~disc(100, 144, 110, size)
        np.testing.assert_array_equal(mask[far], rough[far])

    def test_clicks_one_by_one_are_as_clicks_together(self) -> None:
        points = (click(42, 36, True), click(50, 90, True), click(20, 100, False), click(42, 52, False))
        image, one_by_one = opened(TWO), opened(TWO)
        for n in range(1, 5):
            together = opened(TWO).predict(Prompts(points[:n])).masks[0]
            np.testing.assert_array_equal(image.predict(Prompts(points[:n])).masks[0], together)
        logits = None
        for n in range(1, 5):
            logits = one_by_one.predict(Prompts(points[:n], logits=logits)).logits[0]
        np.testing.assert_array_equal(logits > 0, together)


class TestProtocol:
    def test_it_is_a_mask_predictor(self) -> None:
        predictor: MaskPredictor = ClassicalPredictor()
        assert predictor.name == "classical"
        opening = predictor.open(TWO)
        assert [next(opening), next(opening)] == [Progress("sam-image", 0, 0, 1), Progress("sam-image", 0, 1, 1)]
        assert drain(predictor.open(TWO)).size_px == SIZE

    def test_images_are_remembered_by_their_content(self) -> None:
        predictor = ClassicalPredictor(max_images=2)
        first = drain(predictor.open(TWO))
        assert list(predictor.open(TWO.copy())) == []
        assert drain(predictor.open(TWO.copy())) is first
        for shade in (1, 2):
            drain(predictor.open(np.full_like(TWO, shade)))
        assert drain(predictor.open(TWO)) is not first

    def test_the_same_pixels_in_another_shape_are_another_image(self) -> None:
        predictor = ClassicalPredictor()
        assert drain(predictor.open(TWO.reshape(120, 90, 3))).size_px == (120, 90)
        assert drain(predictor.open(TWO)).size_px == SIZE

    def test_it_is_deterministic_whatever_random_numbers_opencv_is_at(self) -> None:
        prompts = Prompts((click(30, 30, True), click(50, 90, False)), box=(5.0, 5.0, 80.0, 100.0))
        masks = []
        for seed in (1, 2):
            cv2.setRNGSeed(seed)
            masks.append(opened(TWO).predict(prompts).masks)
        np.testing.assert_array_equal(*masks)

    def test_a_prediction_does_not_share_memory_with_its_prompts(self) -> None:
        mask = LEFT.copy()
        image = opened(TWO)
        prompts = Prompts((click(42, 36, True),), mask=mask)
        image.predict(prompts).masks[:] = False
        np.testing.assert_array_equal(image.predict(prompts).masks[0], LEFT)

    @pytest.mark.parametrize(
        ("prompts", "said"),
        [
            (Prompts(), "Nothing was pointed at"),
            (Prompts(mask=LEFT), "Nothing was pointed at"),
            (Prompts((click(1, 1, True),), mask=LEFT[1:]), "The mask is 120 x 89 px, but the image is 120 x 90 px"),
            (Prompts((click(1, 1, True),), logits=np.zeros((256, 256), "f4")), "The logits are 256 x 256 px"),
        ],
    )
    def test_prompts_that_cannot_be_used(self, prompts: Prompts, said: str) -> None:
        with pytest.raises(PromptError, match=said):
            opened(TWO).predict(prompts)


class TestOddInput:
    IMAGES = (
        np.zeros((1, 1, 3), np.uint8),
        np.full((1, 30, 3), 9, np.uint8),
        np.full((30, 2, 3), 9, np.uint8),
        np.full((40, 50, 3), 128, np.uint8),
        np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8),
    )

    @pytest.mark.parametrize("image", IMAGES, ids=lambda image: str(image.shape))
    @pytest.mark.parametrize("fill", [None, False, True])
    @pytest.mark.parametrize("is_positive", [False, True])
    @pytest.mark.parametrize("box", [None, (0.0, 0.0, 0.0, 0.0), (3.0, 7.0, 3.0, 9.0), (-5.0, -5.0, 99.0, 99.0)])
    def test_it_never_fails(
        self, image: np.ndarray, fill: bool | None, is_positive: bool, box: tuple[float, float, float, float] | None
    ) -> None:
        size = image.shape[:2]
        mask = None if fill is None else np.full(size, fill)
        corner = click(size[0] - 1, size[1] - 1, is_positive)
        stroke = Scribble(np.array([[-50.0, -20.0], [0.0, 0.0], [500.0, 7.0]]), not is_positive, 4.0)
        for points, scribbles in (((corner,), ()), ((), (stroke,)), ((corner, corner), (stroke,))):
            check(opened(image).predict(Prompts(points, box, scribbles, mask)), size)

    def test_a_stroke_outside_the_image_changes_nothing(self) -> None:
        away = Scribble(np.array([[-50.0, 10.0], [-40.0, 1e12]]), True, 3.0)
        np.testing.assert_array_equal(opened(TWO).predict(Prompts(scribbles=(away,), mask=LEFT)).masks[0], LEFT)

    def test_a_box_upside_down_is_the_same_box(self) -> None:
        image = opened(TWO)
        np.testing.assert_array_equal(
            image.predict(Prompts(box=(62.0, 56.0, 22.0, 16.0))).masks,
            image.predict(Prompts(box=(22.0, 16.0, 62.0, 56.0))).masks,
        )


SMALL = picture(disc(12, 14, 7, (24, 32)))
rows, cols = st.floats(-3, 27), st.floats(-3, 35)
points = st.builds(Point, rows, cols, st.booleans())
strokes = st.builds(
    lambda path, is_positive, width: Scribble(np.array(path), is_positive, width),
    st.lists(st.tuples(rows, cols), min_size=1, max_size=4),
    st.booleans(),
    st.floats(0.5, 6),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(points, max_size=4),
    st.none() | st.tuples(rows, cols, rows, cols),
    st.lists(strokes, max_size=2),
    st.sampled_from(["none", "mask", "logits"]),
    st.integers(0, 3),
)
def test_whatever_is_pointed_at(
    points: list[Point],
    box: tuple[float, float, float, float] | None,
    strokes: list[Scribble],
    start: str,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    before = cv2.blur(rng.random((24, 32), dtype=np.float32), (5, 5)) > 0.5
    prompts = Prompts(
        tuple(points),
        box,
        tuple(strokes),
        before if start == "mask" else None,
        before.astype(np.float32) - 0.5 if start == "logits" else None,
    )
    image = ClassicalImage(SMALL)
    if prompts.is_empty:
        with pytest.raises(PromptError):
            image.predict(prompts)
        return
    prediction = image.predict(prompts)
    check(prediction, (24, 32))
    if not strokes:
        at = {
            (int(np.clip(np.rint(point.row), 0, 23)), int(np.clip(np.rint(point.col), 0, 31))): point.is_positive
            for point in points
        }
        for mask in prediction.masks:
            assert {place: bool(mask[place]) for place in at} == at
