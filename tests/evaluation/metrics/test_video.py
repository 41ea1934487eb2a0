"""J and F of videos: against the official figures on real masks, loops over pixels, and cases worked out by hand."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import boundary_measure, boundary_places, decay, overlap
from PIL import Image

from napari_car.errors import ConfigError, ImageError
from napari_car.evaluation.metrics import VideoTally
from napari_car.evaluation.metrics.boundary import trace_boundary
from napari_car.evaluation.metrics.video import FrameMatch, summarise_frames


@pytest.fixture(scope="module")
def expected(reference_folder: Path) -> dict:
    path = reference_folder / "davis_expected.json"
    return json.loads(path.read_text(encoding="utf-8"))["sequences"]


@pytest.fixture(scope="module")
def tally(expected: dict, photo_folder: Path) -> VideoTally:
    tally = VideoTally()
    for sequence in expected:
        files = sorted((photo_folder / "davis16/Annotations/480p" / sequence).glob("*.png"))
        masks = [np.asarray(Image.open(path)) > 0 for path in files]
        assert [path.name for path in files[1:]] == expected[sequence]["frames"]
        for frame in range(1, len(masks)):
            tally.update(sequence, "1", frame, masks[frame - 1], masks[frame])
    return tally


class TestConformance:
    """The official program on DAVIS-2016: the mask of each frame as prediction of the next one."""

    def test_each_frame_and_all_statistics(self, tally: VideoTally, expected: dict) -> None:
        targets = tally.scores().targets
        assert [target.sequence for target in targets] == sorted(expected)
        for target in targets:
            official = expected[target.sequence]
            assert target.region_by_frame == pytest.approx(official["J"], abs=1e-6)
            assert target.boundary_by_frame == pytest.approx(official["F"], abs=1e-6)
            for letter, found in (("J", target.region), ("F", target.boundary)):
                for name in ("mean", "recall", "decay"):
                    assert getattr(found, name) == pytest.approx(official[f"{letter}_{name}"], abs=1e-12)

    def test_means_over_objects(self, tally: VideoTally, expected: dict) -> None:
        scores = tally.scores()
        assert scores.region is not None
        assert scores.boundary is not None
        for letter, found in (("J", scores.region), ("F", scores.boundary)):
            for name in ("mean", "recall", "decay"):
                values = [official[f"{letter}_{name}"] for official in expected.values()]
                assert getattr(found, name) == pytest.approx(np.mean(values), abs=1e-12)
        assert scores.region_and_boundary == pytest.approx((scores.region.mean + scores.boundary.mean) / 2)

    def test_without_the_ends(self, tally: VideoTally, expected: dict) -> None:
        for target in tally.scores(without_ends=True).targets:
            assert target.region_by_frame == pytest.approx(expected[target.sequence]["J"][1:-1], abs=1e-6)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a prediction, the truth and void; long images have a reach of several pixels."""
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)) | st.sampled_from([(2, 300), (410, 2)]))
    patches = hnp.arrays(bool, (min(shape[0], 7), min(shape[1], 7)))
    found = []
    for _ in range(3):
        mask = np.zeros(shape, dtype=bool)
        patch = draw(patches | st.just(np.zeros((1, 1), dtype=bool)))
        top, left = (draw(st.integers(0, min(9, side - part))) for side, part in zip(shape, patch.shape, strict=True))
        mask[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
        found.append(mask)
    return found[0], found[1], found[2]


@given(pairs())
@settings(max_examples=100, deadline=None)
def test_j_and_f_are_those_of_the_definitions(masks: tuple[np.ndarray, ...]) -> None:
    prediction, truth, void = masks
    assert [tuple(place) for place in np.argwhere(trace_boundary(truth)).tolist()] == boundary_places(truth)
    found = VideoTally().update("s", "1", 0, prediction, truth)
    both, either = overlap(prediction, truth)
    assert found.region == (both / either if either else 1)
    assert found.boundary == pytest.approx(float(boundary_measure(prediction, truth)), rel=1e-14)
    without_void = VideoTally().update("s", "1", 0, prediction & ~void, truth & ~void)
    assert VideoTally().update("s", "1", 0, prediction, truth, void=void) == without_void


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400))
@settings(deadline=None)
def test_statistics_are_those_of_the_definitions(values: list[float]) -> None:
    found = summarise_frames(values)
    assert found.mean == pytest.approx(sum(values) / len(values), abs=1e-12)
    assert found.recall == sum(value > 0.5 for value in values) / len(values)
    assert found.decay == pytest.approx(decay(values), abs=1e-12)


def test_recall_is_above_one_half_and_decay_is_what_is_lost() -> None:
    assert summarise_frames([0.5, 0.5]).recall == 0
    found = summarise_frames([1.0, 0.9, 0.8, 0.7, 0.6])
    assert found.decay == pytest.approx((1.0 + 0.9) / 2 - (0.7 + 0.6) / 2)
    # Of three frames, a half that is rounded up gives the middle one to the first quarter, and not to the last.
    assert summarise_frames([1.0, 0.5, 0.0]).decay == 0.75
    assert summarise_frames([0.3]).decay == 0


def moving(frame: int, shift: int = 0) -> np.ndarray:
    """Return a square that moves to the right."""
    mask = np.zeros((20, 60), dtype=bool)
    mask[5:15, frame + shift : frame + shift + 10] = True
    return mask


def made(frames: list[tuple[str, int]], tally: VideoTally | None = None) -> VideoTally:
    """Count two objects in frames, of which one is predicted worse and worse."""
    tally = tally if tally is not None else VideoTally()
    for sequence, frame in frames:
        tally.update(sequence, "a", frame, moving(frame), moving(frame))
        tally.update(sequence, "b", frame, moving(frame, shift=frame), moving(frame))
    return tally


FRAMES = [(sequence, frame) for sequence in ("x", "y") for frame in range(12)]


def test_shards_of_frames_in_any_order_are_one_run() -> None:
    whole = made(FRAMES)
    shuffled = FRAMES.copy()
    random.Random(3).shuffle(shuffled)
    for cut in (0, 1, 13, 24):
        merged = made(shuffled[:cut]).merge(made(shuffled[cut:]))
        assert merged.to_dict() == whole.to_dict()
        assert merged.scores() == whole.scores()
        assert merged.scores(without_ends=True) == whole.scores(without_ends=True)


def test_each_object_has_the_same_weight() -> None:
    tally = made([("x", frame) for frame in range(5)])
    tally.update("x", "c", 0, np.zeros((20, 60), bool), moving(0))
    scores = tally.scores()
    assert [(target.target, target.frames) for target in scores.targets] == [
        ("a", (0, 1, 2, 3, 4)),
        ("b", (0, 1, 2, 3, 4)),
        ("c", (0,)),
    ]
    a, b, c = (target.region for target in scores.targets)
    assert (a.mean, a.decay, c.mean) == (1, 0, 0)
    assert b.decay > 0
    assert scores.region is not None
    assert scores.region.mean == pytest.approx((1 + b.mean + 0) / 3)


def test_ends_are_those_of_the_video() -> None:
    tally = made([("x", frame) for frame in range(6)])
    tally.update("x", "late", 3, moving(3), moving(3))
    assert [target.frames for target in tally.scores(without_ends=True).targets] == [(1, 2, 3, 4), (1, 2, 3, 4), (3,)]


def test_no_frames_have_no_scores() -> None:
    scores = VideoTally().scores(without_ends=True)
    assert scores.targets == ()
    assert scores.region is scores.boundary is scores.region_and_boundary is None


class TestBadInput:
    """What cannot be counted is refused, and nothing of it is counted."""

    def test_masks(self) -> None:
        tally = VideoTally()
        with pytest.raises(ImageError, match="the predicted mask 20 x 60, the true mask 20 x 60, the void mask 1 x 1"):
            tally.update("x", "a", 0, moving(0), moving(0), void=np.ones((1, 1), bool))
        with pytest.raises(ImageError, match=r"The predicted mask must be a mask .* not an array of int64"):
            tally.update("x", "a", 0, moving(0).astype(np.int64), moving(0))
        assert len(tally) == 0

    def test_a_frame_twice(self) -> None:
        with pytest.raises(ConfigError, match="x / a / 3 was counted already in this tally of video"):
            made([("x", 3)], made([("x", 3)]))

    @pytest.mark.parametrize("frame", [-1, 1.5, "1", True])
    def test_no_place_of_a_frame(self, frame: int) -> None:
        with pytest.raises(ConfigError, match=r"FrameMatch\.frame is"):
            VideoTally().update("x", "a", frame, moving(0), moving(0))

    def test_only_ends(self) -> None:
        with pytest.raises(ConfigError, match="x: no frame of a is left without the first and the last"):
            made([("x", 0), ("x", 1)]).scores(without_ends=True)

    @pytest.mark.parametrize("name", ["n_both", "n_boundary_matched", "n_true_boundary_matched"])
    def test_impossible_counts(self, name: str) -> None:
        counts = dict.fromkeys(("n_both", "n_either", "n_boundary", "n_boundary_matched"), 2)
        counts |= dict.fromkeys(("n_true_boundary", "n_true_boundary_matched"), 2)
        assert FrameMatch(sequence="x", target="a", frame=0, **counts).boundary == 1
        with pytest.raises(ConfigError, match="x, frame 0: more pixels match than there are"):
            FrameMatch(sequence="x", target="a", frame=0, **{**counts, name: 3})
