"""Scores of referring segmentation, against loops over pixels and cases worked out by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import average, overlap

from napari_car.errors import ConfigError, ImageError
from napari_car.evaluation.metrics import ReferringTally
from napari_car.evaluation.metrics.referring import PRECISION_THRESHOLDS, Overlap

Pair = tuple[np.ndarray, np.ndarray]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Draw a prediction and the truth; either may be empty."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=5))
    mask = st.just(np.zeros(shape, dtype=bool)) | hnp.arrays(bool, shape)
    return draw(mask), draw(mask)


def counted(given_pairs: list[Pair]) -> ReferringTally:
    tally = ReferringTally()
    for index, (prediction, truth) in enumerate(given_pairs):
        tally.update(f"item {index}", prediction, truth)
    return tally


def masks(n_predicted: int, n_true: int, n_both: int) -> Pair:
    """Return masks with so many pixels."""
    prediction, truth = np.zeros((2, 1, 200), dtype=bool)
    prediction[0, :n_predicted] = True
    truth[0, n_predicted - n_both : n_predicted - n_both + n_true] = True
    return prediction, truth


def same(value: float | None, fraction: Fraction | None) -> bool:
    return value == (None if fraction is None else pytest.approx(float(fraction), rel=1e-14))


@pytest.mark.parametrize("empty_iou", [0, 1])
@given(st.lists(pairs(), max_size=6))
@settings(max_examples=80, deadline=None)
def test_scores_are_those_of_the_definitions(empty_iou: int, given_pairs: list[Pair]) -> None:
    found = counted(given_pairs).scores(empty_iou=empty_iou)  # type: ignore[arg-type]
    overlaps = [overlap(*pair) for pair in given_pairs]
    ious = [Fraction(both, either) if either else Fraction(empty_iou) for both, either in overlaps]
    n_both, n_either = (sum(numbers) for numbers in zip(*overlaps, strict=True)) if overlaps else (0, 0)
    assert found.n_items == len(given_pairs)
    assert same(found.mean_iou, average(ious))
    assert same(found.overall_iou, Fraction(n_both, n_either) if n_either else None)
    if not given_pairs:
        assert found.precision == {}
    for tenths, threshold in enumerate(PRECISION_THRESHOLDS if given_pairs else (), start=5):
        expected = average([Fraction(iou >= Fraction(tenths, 10)) for iou in ious])
        assert same(found.precision[threshold], expected)


@pytest.mark.parametrize("min_pixels", [1, 4])
@given(st.lists(pairs(), max_size=6))
@settings(max_examples=80, deadline=None)
def test_generalized_scores_are_those_of_the_definitions(min_pixels: int, given_pairs: list[Pair]) -> None:
    found = counted(given_pairs).generalized_scores(min_pixels=min_pixels)
    ious, aimed_ious, n_both, n_either = [], [], 0, 0
    outcomes: dict[str, list[Fraction]] = {"N": [], "T": []}
    for prediction, truth in given_pairs:
        answer = prediction if prediction.sum() >= min_pixels else np.zeros_like(prediction)
        both, either = overlap(answer, truth)
        n_both, n_either = n_both + both, n_either + either
        if truth.any():
            outcomes["T"].append(Fraction(bool(answer.any())))
            ious.append(Fraction(both, either))
            aimed_ious.append(ious[-1])
        else:
            outcomes["N"].append(Fraction(not answer.any()))
            ious.append(Fraction(not answer.any()))
    assert (found.n_items, found.n_without_target) == (len(given_pairs), len(outcomes["N"]))
    assert same(found.generalized_iou, average(ious))
    assert same(found.cumulative_iou, Fraction(n_both, n_either) if n_either else None)
    assert same(found.no_target_accuracy, average(outcomes["N"]))
    assert same(found.target_accuracy, average(outcomes["T"]))
    assert set(found.precision) == (set(PRECISION_THRESHOLDS) if aimed_ious else set())
    for threshold, value in found.precision.items():
        assert same(value, average([Fraction(float(iou) >= threshold) for iou in aimed_ious]))


def test_an_iou_at_the_threshold_reaches_it() -> None:
    assert counted([masks(10, 10, 10)]).scores().precision == dict.fromkeys(PRECISION_THRESHOLDS, 1.0)
    for tenths, threshold in enumerate(PRECISION_THRESHOLDS, start=5):
        precision = counted([masks(10, tenths, tenths)]).scores().precision
        assert precision[threshold] == 1
        assert sum(precision.values()) == tenths - 4
        assert counted([masks(100, 10 * tenths - 1, 10 * tenths - 1)]).scores().precision[threshold] == 0


def test_the_released_iou_of_two_empty_masks_is_0() -> None:
    tally = counted([masks(0, 0, 0), masks(4, 4, 4)])
    assert tally.scores().mean_iou == 0.5
    assert tally.scores(empty_iou=1).mean_iou == 1
    assert tally.generalized_scores().generalized_iou == 1


def test_generalized_scores_by_hand() -> None:
    tally = counted([masks(0, 0, 0), masks(6, 0, 0), masks(0, 8, 0), masks(4, 4, 2)])
    found = tally.generalized_scores()
    assert found.generalized_iou == pytest.approx((1 + 0 + 0 + 1 / 3) / 4)
    assert found.cumulative_iou == pytest.approx(2 / (6 + 8 + 6))
    assert (found.no_target_accuracy, found.target_accuracy, found.n_without_target) == (0.5, 0.5, 2)
    assert set(found.precision.values()) == {0.0}
    by_paper = tally.generalized_scores(min_pixels=5)
    assert (by_paper.no_target_accuracy, by_paper.target_accuracy) == (0.5, 0.0)
    assert by_paper.cumulative_iou == 0
    assert tally.generalized_scores(min_pixels=7).no_target_accuracy == 1


def test_what_was_counted_is_returned() -> None:
    tally = ReferringTally()
    found = tally.update("a", *masks(4, 3, 2))
    assert found == Overlap(item="a", n_predicted=4, n_true=3, n_both=2)
    assert tally.items == (found,)
    assert found.iou(0) == 2 / 5


class TestBadInput:
    """What cannot be counted is refused, and nothing of it is counted."""

    @pytest.mark.parametrize(
        ("prediction", "truth", "says"),
        [
            (np.ones((2, 3), bool), np.ones((3, 2), bool), "has the predicted mask 2 x 3, the true mask 3 x 2"),
            (np.ones((2, 3), np.uint8), np.ones((2, 3), bool), "predicted mask must be .* not an array of uint8"),
            (np.ones((2, 3), bool), np.ones(6, bool), "true mask must be .* with the shape 6"),
            (np.ones((2, 3), bool), np.array(True), "the shape of a single number"),
            (np.ones((0, 3), bool), np.ones((0, 3), bool), "with the shape 0 x 3"),
            (np.ones((2, 3), bool), None, "true mask must be a mask"),
        ],
    )
    def test_masks(self, prediction: np.ndarray, truth: np.ndarray, says: str) -> None:
        tally = ReferringTally()
        with pytest.raises(ImageError, match=says):
            tally.update("a", prediction, truth)
        assert len(tally) == 0

    def test_an_expression_twice(self) -> None:
        tally = counted([masks(1, 1, 1)])
        with pytest.raises(ConfigError, match="item 0 was counted already in this tally of referring"):
            tally.update("item 0", *masks(0, 0, 0))
        assert tally == counted([masks(1, 1, 1)])

    def test_impossible_counts(self) -> None:
        with pytest.raises(ConfigError, match="a: two masks cannot share more pixels"):
            Overlap(item="a", n_predicted=2, n_true=5, n_both=3)

    def test_masks_of_no_pixels_that_count(self) -> None:
        with pytest.raises(ConfigError, match="min_pixels is 0"):
            ReferringTally().generalized_scores(min_pixels=0)
