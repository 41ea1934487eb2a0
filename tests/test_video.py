"""Frames one after another: what is taken over, what is not, and how much of it is kept."""

import gc
import itertools
import json
import tracemalloc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from random_clip import TINY, random_model, write_folder

from napari_car import CaRConfig, Progress, Query, Segmentation, Segmenter, Step
from napari_car.clip.loading import load_clip
from napari_car.clip.model import ClipModel
from napari_car.errors import ConfigError, ImageError, QueryError
from napari_car.results import Proposals, drain
from napari_car.video import VideoEvent, VideoFrame, VideoState, mean_difference

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = CaRConfig().changed({"crf.backend": "none", "classifier.templates": ["{}"], "recurrence.score_threshold": 0.0})
QUERIES = ("leaf", "cat", "dog", "red car")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    folder = write_folder(tmp_path_factory.mktemp("tiny"), TINY, random_model(TINY).state_dict())
    return load_clip(str(folder), device="cpu", cache_file=folder / "texts.sqlite")


@pytest.fixture
def segmenter(clip: ClipModel) -> Segmenter:
    return Segmenter(clip)


def make_frames(n: int, size_px: tuple[int, int] = (64, 80)) -> list[np.ndarray]:
    """A bright square that moves over noise; neighbours differ by a few grey levels."""
    background = np.random.default_rng(0).integers(0, 60, (*size_px, 3), dtype=np.uint8)
    frames = []
    for i in range(n):
        frame = background.copy()
        frame[10:40, 10 + 2 * i : 40 + 2 * i] += 120
        frames.append(frame)
    return frames


@pytest.fixture
def some_dropped(segmenter: Segmenter) -> CaRConfig:
    """Parameters with which the first frame drops some of the queries and keeps at least two."""
    first = segmenter.segment(make_frames(1)[0], QUERIES, QUICK)
    scores = np.sort(first.steps[0].scores)
    config = QUICK.changed({"recurrence.score_threshold": float(scores[0] + scores[1]) / 2, "recurrence.max_steps": 1})
    return config.changed({"video.carry_queries": True, "video.ask_again_every": 0})


def asked(result: Segmentation) -> set[int]:
    return {query for step in result.steps for query in step.queries}


def survivors(result: Segmentation) -> set[int]:
    return {index for index, query in enumerate(result.queries) if query.has_mask}


def assert_same(one: Segmentation, other: Segmentation) -> None:
    assert one.queries == other.queries
    np.testing.assert_array_equal(one.label_map, other.label_map)
    for step, same in zip(one.steps, other.steps, strict=True):
        assert step.queries == same.queries
        np.testing.assert_array_equal(step.proposals.maps, same.proposals.maps)
        np.testing.assert_array_equal(step.similarity, same.similarity)


VARIANTS = {
    "semantic": {},
    "referring": {"mode": "referring"},
    "apart": {"mutual_background.enabled": True},
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_by_default_every_frame_is_segmented_by_itself(clip: ClipModel, some_dropped, changes) -> None:
    config = some_dropped.changed(changes | {"video.carry_queries": False, "crf.backend": "torch"})
    queries = [*QUERIES, Query("sky", group="stuff"), Query("sand", group="stuff")]
    frames = make_frames(3)
    together = list(Segmenter(clip).segment_video(frames, queries, config))
    assert len(together) == 3
    for frame, result in zip(frames, together, strict=True):
        assert_same(result, Segmenter(clip).segment(frame, queries, config))
        assert not any(query.frames_ago for query in result.queries)


def test_events_name_their_frame(segmenter: Segmenter) -> None:
    events = list(segmenter.run_video(make_frames(3), QUERIES, QUICK))
    kinds = [[event for event in events if event.frame == number] for number in range(3)]
    assert [event.frame for event in events] == sorted(event.frame for event in events)
    for of_frame in kinds:
        assert isinstance(of_frame[-1], VideoFrame)
        inner = [event.event for event in of_frame[:-1] if isinstance(event, VideoEvent)]
        assert {type(event) for event in inner} == {Progress, Step}


def test_survivors_are_the_first_queries_of_the_next_frame(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    results = list(segmenter.segment_video(make_frames(4), QUERIES, some_dropped))
    assert asked(results[0]) == set(range(4))
    assert 0 < len(survivors(results[0])) < 4
    for before, after in itertools.pairwise(results):
        assert asked(after) == (survivors(before) or set(range(4)))


def test_what_is_not_asked_again_keeps_what_was_known(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    first, second, third = segmenter.segment_video(make_frames(1) * 3, QUERIES, some_dropped)
    (dropped,) = set(range(4)) - survivors(first)
    for n_frames, result in enumerate((first, second, third)):
        assert [query.text for query in result.queries] == list(QUERIES)
        known = result[dropped]
        assert known.frames_ago == n_frames
        assert (known.score, known.verdict, known.has_mask) == (first[dropped].score, first[dropped].verdict, False)
        assert known.dropped_at_step == 1
        assert not result.mask(dropped).any()
        assert result.to_dict()["queries"][dropped]["frames_ago"] == n_frames
        json.dumps(result.to_dict(), allow_nan=False)
    assert first.score_map(dropped).any()
    assert not second.score_map(dropped).any()


def test_a_lower_threshold_brings_nothing_back_that_was_not_asked_for(segmenter: Segmenter, some_dropped) -> None:
    first, second = segmenter.segment_video(make_frames(2), QUERIES, some_dropped)
    (dropped,) = set(range(4)) - survivors(first)
    assert first.redecide(score_threshold=0.0)[dropped].has_mask
    decided = second.redecide(score_threshold=0.0)
    assert survivors(decided) == asked(second)
    assert decided[dropped].dropped_at_step == 1
    assert not second.redecide(score_threshold=1.0).present


@pytest.mark.parametrize("every", [1, 2, 3])
def test_all_are_asked_again_after_so_many_frames(segmenter: Segmenter, some_dropped: CaRConfig, every: int) -> None:
    config = some_dropped.changed({"video.ask_again_every": every})
    results = segmenter.segment_video(make_frames(1) * 7, QUERIES, config)
    assert [number for number, result in enumerate(results) if len(asked(result)) == 4] == list(range(0, 7, every))


def test_if_nothing_survives_all_are_asked_in_the_next_frame(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    config = some_dropped.changed({"recurrence.score_threshold": 1.0})
    for result in segmenter.segment_video(make_frames(3), QUERIES, config):
        assert not result.present
        assert asked(result) == set(range(4))
        assert not any(query.frames_ago for query in result.queries)


def test_a_survivor_that_has_nothing_to_be_told_apart_from_is_not_asked_alone(segmenter: Segmenter) -> None:
    changes = {
        "proposals.background_lists": [],
        "recurrence.keep_best": True,
        "recurrence.score_threshold": 1.0,
        "recurrence.max_steps": 1,
        "video.carry_queries": True,
    }
    alone = list(segmenter.segment_video(make_frames(2), QUERIES, QUICK.changed(changes)))
    assert len(survivors(alone[0])) == 1
    assert asked(alone[1]) == set(range(4))
    contrasted = QUICK.changed(changes | {"proposals.background_lists": ["released"]})
    results = list(segmenter.segment_video(make_frames(2), QUERIES, contrasted))
    assert asked(results[1]) == survivors(results[0])


def test_things_and_stuff_are_carried_apart(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    """Each keeps the other as its background, also what of it was dropped; a group without survivors asks anew."""
    queries = [*QUERIES, Query("sky", group="stuff"), Query("sand", group="stuff")]
    config = some_dropped.changed({"mutual_background.enabled": True, "mutual_background.thing_background": "stuff"})
    first, second = segmenter.segment_video(make_frames(1) * 2, queries, config)
    for group in ({0, 1, 2, 3}, {4, 5}):
        assert asked(second) & group == (survivors(first) & group or group)
    assert second.provenance.background == first.provenance.background == QUERIES


def test_another_size_or_a_cut_begins_anew(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    config = some_dropped.changed({"video.smoothing": 0.5})
    small, large = make_frames(2), make_frames(1, (80, 96))[0]
    inverted = 255 - small[1]
    for other, is_new in ((large, True), (inverted, True), (small[1], False)):
        for cut_above in (45.0, 0.0):
            cut = config.changed({"video.cut_above": cut_above})
            _, second = segmenter.segment_video([small[0], other], QUERIES, cut)
            expected = is_new and (cut_above > 0 or other is large)
            assert (len(asked(second)) == 4) == expected
            if expected:
                assert_same(second, segmenter.segment(other, QUERIES, cut))


def test_other_queries_or_parameters_begin_anew(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    frame, state = make_frames(1)[0], VideoState()
    drain(segmenter.run(frame, QUERIES, some_dropped, state))
    assert len(asked(drain(segmenter.run(frame, QUERIES, some_dropped, state)))) < 4
    fewer = drain(segmenter.run(frame, QUERIES[:3], some_dropped, state))
    assert asked(fewer) == {0, 1, 2}
    drain(segmenter.run(frame, QUERIES, some_dropped, state))
    assert len(asked(drain(segmenter.run(frame, QUERIES, some_dropped.changed({"mode": "referring"}), state)))) == 4


def test_a_run_that_is_stopped_leaves_the_state_as_it_was(segmenter: Segmenter, some_dropped: CaRConfig) -> None:
    frames, state = make_frames(2), VideoState()
    first = drain(segmenter.run(frames[0], QUERIES, some_dropped, state))
    stopped = segmenter.run(frames[1], QUERIES, some_dropped, state)
    for _ in range(3):
        next(stopped)
    stopped.close()
    assert asked(drain(segmenter.run(frames[1], QUERIES, some_dropped, state))) == survivors(first)


class TestSmoothing:
    def test_proposals_are_averaged_exponentially(self, segmenter: Segmenter) -> None:
        frames = make_frames(3)
        plain = [segmenter.segment(frame, QUERIES, QUICK).steps[-1].proposals.maps for frame in frames]
        config = QUICK.changed({"video.smoothing": 0.25})
        expected = plain[0]
        for number, result in enumerate(segmenter.segment_video(frames, QUERIES, config)):
            expected = expected if number == 0 else 0.25 * expected + 0.75 * plain[number]
            np.testing.assert_allclose(result.steps[-1].proposals.maps, expected, atol=1e-6)
            maps = result.steps[-1].proposals.stacked()
            background = 1 - maps.max(axis=0)
            np.testing.assert_array_equal(result.mask(0), (maps[0] > background) & (maps[0] >= maps[1:].max(axis=0)))
            np.testing.assert_array_equal(result.redecide().label_map, result.label_map)

    def test_queries_are_aligned_and_what_is_new_is_left_alone(self, segmenter: Segmenter, some_dropped) -> None:
        """The second frame asks for all again, of which one has no proposal in the first."""
        config = some_dropped.changed({"video.smoothing": 0.5, "video.ask_again_every": 1})
        first, second = segmenter.segment_video(make_frames(2), QUERIES, config)
        plain = segmenter.segment(make_frames(2)[1], QUERIES, config)
        assert len(survivors(first)) == 3
        for query in range(4):
            before, now, alone = (
                found.steps[-1].proposals.maps[found.steps[-1].queries.index(query)] for found in (first, second, plain)
            )
            expected = 0.5 * before + 0.5 * alone if query in survivors(first) else alone
            np.testing.assert_allclose(now, expected, atol=1e-6)

    def test_with_separate_expressions(self, segmenter: Segmenter) -> None:
        config = QUICK.changed({"video.smoothing": 0.5, "mode": "referring"})
        frames = make_frames(2)
        first, second = segmenter.segment_video(frames, QUERIES, config)
        alone = segmenter.segment(frames[1], QUERIES, config)
        expected = (first.steps[-1].proposals.maps + alone.steps[-1].proposals.maps) / 2
        np.testing.assert_allclose(second.steps[-1].proposals.maps, expected, atol=1e-6)


class TestFeatures:
    @pytest.fixture
    def n_encoded(self, monkeypatch: pytest.MonkeyPatch) -> list[None]:
        """One entry for each image that f's encoder has seen."""
        from napari_car import segmenter as module

        seen: list[None] = []
        encode = module.encode_image
        monkeypatch.setattr(module, "encode_image", lambda *arguments: seen.append(None) or encode(*arguments))
        return seen

    def test_only_identical_frames_share_features_by_default(self, segmenter: Segmenter, n_encoded) -> None:
        one, other = make_frames(2)
        nearly = one.copy()
        nearly[0, 0, 0] += 1
        results = list(segmenter.segment_video([one, one.copy(), nearly, other], QUERIES, QUICK))
        assert len(n_encoded) == 3
        assert_same(results[0], results[1])

    def test_frames_that_hardly_differ_share_features(self, segmenter: Segmenter, n_encoded) -> None:
        """Frames are compared with the one whose features they would take, so that small steps do not add up."""
        frames = make_frames(6)
        step = mean_difference(frames[0], frames[1])
        differences = [mean_difference(frames[0], frame) for frame in frames]
        assert differences == sorted(differences)
        bound = differences[2]
        config = QUICK.changed({"video.reuse_below": bound, "compute.max_features_cached": 0})
        assert step < bound
        results = list(segmenter.segment_video(frames, QUERIES, config))
        assert len(n_encoded) == 2
        np.testing.assert_array_equal(results[0].steps[0].proposals.maps, results[2].steps[0].proposals.maps)
        assert not np.array_equal(results[2].steps[0].proposals.maps, results[3].steps[0].proposals.maps)

    def test_a_buffer_may_be_written_again(self, segmenter: Segmenter) -> None:
        frames = make_frames(3)

        def decoded() -> Iterator[np.ndarray]:
            buffer = np.empty_like(frames[0])
            for frame in frames:
                buffer[...] = frame
                yield buffer

        config = QUICK.changed({"video.smoothing": 0.5})
        labels = [result.label_map for result in segmenter.segment_video(decoded(), QUERIES, config)]
        for found, result in zip(labels, segmenter.segment_video(frames, QUERIES, config), strict=True):
            np.testing.assert_array_equal(found, result.label_map)


def test_mean_difference() -> None:
    black, white = np.zeros((4, 5, 3), "u1"), np.full((4, 5, 3), 255, "u1")
    half = black.copy()
    half[:2] = 10
    assert mean_difference(black, white) == mean_difference(white, black) == 255
    assert mean_difference(black, half) == 5
    assert mean_difference(black, black[:3]) == float("inf")


def test_frames_are_asked_for_one_by_one(segmenter: Segmenter) -> None:
    given: list[int] = []

    def frames() -> Iterator[np.ndarray]:
        for number, frame in enumerate(make_frames(5)):
            given.append(number)
            yield frame

    results = segmenter.segment_video(frames(), QUERIES, QUICK)
    assert given == []
    next(results)
    assert given == [0]
    next(results)
    assert given == [0, 1]
    results.close()


class _Frame(np.ndarray):
    """An image that can be referred to weakly."""


def tiny_frames(n: int, alive: set[int], counts: list[int]) -> Iterator[np.ndarray]:
    """Frames of 16 x 16 px; note how many are alive whenever one is asked for."""
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    for number in range(n):
        frame = picture.copy().view(_Frame)
        alive.add(number)
        weakref.finalize(frame, alive.discard, number)
        counts.append(len(alive))
        yield frame


CARRYING = QUICK.changed({"video.carry_queries": True, "video.smoothing": 0.5, "video.reuse_below": 255.0})


def test_frames_are_let_go(segmenter: Segmenter) -> None:
    counts: list[int] = []
    for result in segmenter.segment_video(tiny_frames(30, set(), counts), ["leaf"], CARRYING):
        assert result.present
    assert max(counts) <= 3


def test_memory_does_not_grow_with_the_length(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of frames, without the networks: only their time steps are made up."""

    def steps(*_: object) -> Iterator[Step]:
        maps, ones = np.ones((1, 1, 1), "f4"), np.ones((1, 1), "f4")
        yield Step(1, (0,), Proposals(maps, (16, 16)), ones, ones[0], np.ones(1, bool))

    monkeypatch.setattr(segmenter, "_recur", steps)
    counts: list[int] = []
    try:
        for number, _ in enumerate(segmenter.segment_video(tiny_frames(2000, set(), counts), ["leaf"], CARRYING)):
            if number == 1700:
                tracemalloc.start()  # counts what is allocated from now on, and is slow
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(counts) == 2000
    assert max(counts) <= 3
    assert grown < 50_000


@pytest.mark.parametrize("bad", [-0.1, 1.0, float("nan")])
def test_smoothing_is_checked(bad: float) -> None:
    with pytest.raises(ConfigError, match=r"VideoConfig\.smoothing"):
        CaRConfig().changed({"video.smoothing": bad})


def test_what_is_wrong_is_said_at_the_frame(segmenter: Segmenter) -> None:
    results = segmenter.segment_video([make_frames(1)[0], np.zeros(5)], QUERIES, QUICK)
    next(results)
    with pytest.raises(ImageError):
        next(results)
    with pytest.raises(QueryError):
        next(segmenter.segment_video(make_frames(1), []))
    assert list(segmenter.segment_video([], QUERIES)) == []
