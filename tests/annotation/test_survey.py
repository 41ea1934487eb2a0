"""Runs over frames, with the demo checkpoint: what they yield, where they can be stopped, what is summed up."""

import numpy as np
import pytest

from napari_car import PRESETS, Query, Segmenter, Step, read_image
from napari_car.annotation.frames import Box, Frame, PlaneAxes, cut_frames
from napari_car.annotation.outcome import Finding, Outcome, collect_findings, describe_outcome
from napari_car.annotation.progress import StatusLine
from napari_car.annotation.results_store import ResultsStore
from napari_car.annotation.survey import TOGETHER, FrameEvent, FrameFinished, FrameStarted, paint_frame, survey_frames
from napari_car.scenes import load_scenes

CONFIG = PRESETS["demo"].config.changed({"crf.n_iterations": 2, "crf.backend": "torch"})
QUERIES = (Query("blue circle"), Query("sand"), Query("snow"))
IDS = (4, 2, 9)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter("demo")


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return read_image(next(scene.image for scene in load_scenes() if "sand" in scene.image.stem)).rgb


@pytest.fixture(scope="module")
def events(segmenter: Segmenter, image: np.ndarray) -> list:
    frames = cut_frames([(0,), (1,)], Box(0, 0, *image.shape[:2]))
    return list(
        survey_frames(segmenter, frames, lambda frame: (image, (f"plane {frame.plane}",)), QUERIES, IDS, CONFIG)
    )


def test_each_frame_starts_steps_and_finishes(events: list) -> None:
    assert [type(event) for event in events if not isinstance(event, FrameEvent)] == [FrameStarted, FrameFinished] * 2
    assert [event.place.number for event in events if isinstance(event, FrameFinished)] == [1, 2]
    assert any(isinstance(event.event, Step) for event in events if isinstance(event, FrameEvent))


def test_labels_are_the_ids_that_were_given(events: list) -> None:
    finished = next(event for event in events if isinstance(event, FrameFinished))
    labels = finished.painted[TOGETHER]
    assert set(np.unique(labels)) - {0} <= set(IDS)
    np.testing.assert_array_equal(labels == 2, finished.segmentation.mask("sand"))
    assert (labels == 2).any()
    assert finished.segmentation.provenance.notes[0] == "plane (0,)"


def test_masks_apart_come_for_every_query_even_if_empty(events: list) -> None:
    finished = next(event for event in events if isinstance(event, FrameFinished))
    frame = finished.place.frame
    painted = paint_frame(finished.segmentation, Frame(frame.plane, frame.box, Box(10, 20, 50, 80)), "apart")
    assert set(painted) == set(IDS)
    assert all(labels.shape == (40, 60) for labels in painted.values())
    for id_, labels in painted.items():
        assert set(np.unique(labels)) <= {0, id_}


def test_a_frame_rendered_smaller_comes_back_at_its_own_size(segmenter: Segmenter, image: np.ndarray) -> None:
    height, width = image.shape[:2]
    whole = Box(0, 0, 2 * height, 2 * width)
    survey = survey_frames(segmenter, cut_frames([()], whole), lambda _: (image, ()), QUERIES, IDS, CONFIG)
    finished = next(event for event in survey if isinstance(event, FrameFinished))
    assert finished.painted[TOGETHER].shape == (2 * height, 2 * width)


def test_expressions_that_become_the_same_keep_the_first_label(segmenter: Segmenter, image: np.ndarray) -> None:
    queries = (Query('the "sand"'), Query("The sand"), Query("snow"))
    config = CONFIG.changed({"mode": "referring"})
    survey = survey_frames(
        segmenter, cut_frames([()], Box(0, 0, *image.shape[:2])), lambda _: (image, ()), queries, (7, 8, 3), config
    )
    finished = next(event for event in survey if isinstance(event, FrameFinished))
    assert [query.id for query in finished.segmentation.queries] == [7, 3]


def test_closing_a_survey_stops_it(segmenter: Segmenter, image: np.ndarray) -> None:
    rendered = []

    def render(frame: Frame) -> tuple[np.ndarray, tuple[str, ...]]:
        rendered.append(frame)
        return image, ()

    survey = survey_frames(
        segmenter, cut_frames([(0,), (1,)], Box(0, 0, *image.shape[:2])), render, QUERIES, IDS, CONFIG
    )
    next(event for event in survey if isinstance(event, FrameFinished))
    survey.close()
    assert len(rendered) == 1


def test_the_status_says_what_happens_and_never_goes_back(events: list) -> None:
    line = StatusLine(len(QUERIES))
    statuses = [line.follow(event) for event in events]
    fractions = [status.fraction for status in statuses]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    texts = [status.text for status in statuses]
    assert any(text.startswith("Part 1 of 2 · Step 1: ") and text.endswith("of 3 queries left") for text in texts)
    assert any("checking masks, 3 of 3" in text for text in texts)
    assert any("Refining edges, 100 %" in text for text in texts)


def test_a_single_frame_is_not_counted(segmenter: Segmenter, image: np.ndarray) -> None:
    line = StatusLine(1)
    survey = survey_frames(
        segmenter, cut_frames([()], Box(0, 0, *image.shape[:2])), lambda _: (image, ()), QUERIES[:1], [1], CONFIG
    )
    texts = [line.follow(event).text for event in survey]
    assert not any("Part" in text for text in texts)
    assert any("of 1 query left" in text for text in texts)


def test_findings_are_summed_over_frames(events: list) -> None:
    outcome = Outcome()
    for event in events:
        if isinstance(event, FrameFinished):
            outcome.put(event.place.frame, event.findings)
    assert len(outcome) == 2
    by_id = {summary.id: summary for summary in outcome.summaries()}
    assert list(by_id) == list(IDS)
    sand, snow = by_id[2], by_id[9]
    assert (sand.verdict, sand.n_found, sand.n_frames) == ("present", 2, 2)
    single = outcome.findings(outcome.frames[0])[1]
    assert sand.area_px == 2 * single.area_px > 0
    assert (snow.verdict, snow.area_px, snow.n_found) == ("absent", 0, 0)
    assert snow.dropped_at_step == 1
    changed = outcome.copy()
    nothing = {TOGETHER: np.zeros((2, 2), dtype=np.int32)}
    changed.put(outcome.frames[0], collect_findings(events[-1].segmentation, nothing))
    assert outcome.findings(outcome.frames[0])[1] == single
    assert {summary.id: summary.n_found for summary in changed.summaries()}[2] == 1


def finding(id_: int, text: str, area_px: int, dropped_at_step: int | None = None) -> Finding:
    verdict = "absent" if dropped_at_step else "present"
    return Finding(id_, text, verdict, 0.9, dropped_at_step, area_px)


def test_what_is_covered_is_not_called_missing() -> None:
    axes = PlaneAxes((2, 4, 4), 1, 2)
    outcome = Outcome()
    outcome.put(
        Frame((0,), axes.whole, axes.whole), [finding(1, "sky", 5), finding(2, "cloud", 0), finding(3, "sea", 0, 1)]
    )
    assert describe_outcome(outcome) == "Found 1 of 3. Not found: sea. Recognised, but covered by other labels: cloud."
    outcome.put(
        Frame((1,), axes.whole, axes.whole), [finding(1, "sky", 0, 2), finding(2, "cloud", 3), finding(3, "sea", 0, 2)]
    )
    assert describe_outcome(outcome, ["Shrunk.", "Shrunk."]) == "Found 2 of 3. Not found: sea. Shrunk."
    assert [summary.dropped_at_step for summary in outcome.summaries()] == [None, None, None]


def test_the_store_forgets_the_oldest_when_memory_is_used_up(events: list) -> None:
    result = next(event.segmentation for event in events if isinstance(event, FrameFinished))
    axes = PlaneAxes((9, 4, 4), 1, 2)
    frames = [Frame((i,), axes.whole, axes.whole) for i in range(3)]
    store = ResultsStore(max_bytes=1)
    for frame in frames:
        store.put(frame, result)
    assert store.frames == (frames[2],)
    store = ResultsStore()
    for frame in (*frames, frames[0]):
        store.put(frame, result)
    assert store.frames == (frames[1], frames[2], frames[0])
    assert frames[1] in store
    assert store.get(frames[1]) is result
    store.clear()
    assert not len(store)
    assert store.get(frames[1]) is None
