"""Flicker of videos, against loops over pixels and cases worked out by hand."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import average, overlap

from napari_car.errors import ConfigError, ImageError
from napari_car.evaluation.metrics import FlickerTally
from napari_car.evaluation.metrics.flicker import Change

SHAPE = (3, 4)
EMPTY, FULL = np.zeros(SHAPE, dtype=bool), np.ones(SHAPE, dtype=bool)


def watched(predictions: np.ndarray, truths: np.ndarray | None = None, target: str = "a") -> FlickerTally:
    """Count all pairs of a video."""
    tally = FlickerTally()
    for frame in range(1, len(predictions)):
        true = {} if truths is None else {"previous_truth": truths[frame - 1], "current_truth": truths[frame]}
        tally.update("v", target, frame, previous=predictions[frame - 1], current=predictions[frame], **true)
    return tally


def change(first: np.ndarray, second: np.ndarray) -> Fraction:
    both, either = overlap(first, second)
    return 1 - Fraction(both, either) if either else Fraction(0)


@given(st.integers(2, 5).flatmap(lambda n: hnp.arrays(bool, (2, n, *SHAPE))))
@settings(max_examples=60, deadline=None)
def test_scores_are_those_of_the_definition(masks: np.ndarray) -> None:
    expected = [average([change(*pair) for pair in itertools.pairwise(video)]) for video in masks]
    found = watched(*masks).scores()
    assert found.n_pairs == masks.shape[1] - 1
    assert found.change == pytest.approx(float(expected[0]), abs=1e-14)
    assert found.true_change == pytest.approx(float(expected[1]), abs=1e-14)
    assert found.flicker == pytest.approx(float(expected[0] - expected[1]), abs=1e-14)


def test_a_mask_that_comes_and_goes_flickers() -> None:
    still = np.stack([FULL] * 4)
    blinking = np.stack([FULL, EMPTY, FULL, EMPTY])
    assert watched(blinking, still).scores().flicker == 1
    assert watched(blinking, blinking).scores().flicker == 0
    assert watched(still, blinking).scores().flicker == -1
    assert watched(np.stack([EMPTY] * 4), still).scores().change == 0


def test_videos_without_ground_truth_have_a_change_alone() -> None:
    found = watched(np.stack([FULL, EMPTY])).scores()
    assert (found.n_pairs, found.change, found.true_change, found.flicker) == (1, 1, None, None)
    assert FlickerTally().scores().change is None


def test_each_object_has_the_same_weight() -> None:
    blinking, still = np.stack([FULL, EMPTY, FULL]), np.stack([FULL] * 5)
    found = watched(blinking, still[:3]).merge(watched(still, still, "b")).scores()
    assert (found.n_pairs, found.flicker) == (6, 0.5)
    mixed = watched(blinking, still[:3]).merge(watched(blinking, target="b")).scores()
    assert (mixed.change, mixed.flicker, mixed.true_change) == (1, 1, 0)


class TestBadInput:
    """What cannot be counted is refused, and nothing of it is counted."""

    def test_masks(self) -> None:
        tally = FlickerTally()
        with pytest.raises(ImageError, match="the previous mask 3 x 4, the current mask 3 x 3"):
            tally.update("v", "a", 1, previous=FULL, current=FULL[:, :3])
        with pytest.raises(ImageError, match="current true mask 3 x 3"):
            watched(np.stack([FULL] * 2)).update(
                "v", "a", 2, previous=FULL, current=FULL, previous_truth=FULL, current_truth=FULL[:, :3]
            )
        assert len(tally) == 0

    def test_the_truth_of_one_frame(self) -> None:
        with pytest.raises(ConfigError, match="v, frame 1: the ground truth of both frames is needed, or of none"):
            FlickerTally().update("v", "a", 1, previous=FULL, current=FULL, current_truth=FULL)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"n_both": 6}, "more pixels stay than there are"),
            ({"n_true_both": 6}, "more pixels stay than there are"),
            ({"has_truth": False}, "there are true pixels, but no ground truth"),
            ({"has_truth": 1}, "must be true or false"),
        ],
    )
    def test_impossible_counts(self, changes: dict, says: str) -> None:
        counts = {"n_both": 5, "n_either": 5, "n_true_both": 5, "n_true_either": 5, "has_truth": True}
        with pytest.raises(ConfigError, match=says):
            Change(sequence="v", target="a", frame=1, **{**counts, **changes})
