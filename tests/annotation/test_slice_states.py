"""Slices as frames of a video: which follows which, and that a run over them is repeated from its record."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_car import PRESETS, CaRConfig, Segmenter
from napari_car.annotation.frames import Box, Frame, PlaneAxes, cut_frames, planes_along
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.record import record_run
from napari_car.annotation.recorded_frame import RecordedFrame, hash_picture
from napari_car.annotation.recorded_run import read_run
from napari_car.annotation.reproduction import reproduce_layer
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.slice_states import SliceStates, is_next
from napari_car.annotation.survey import FrameFinished, survey_frames
from napari_car.results import drain

pytestmark = pytest.mark.usefixtures("one_thread")

SHEET, _ = QuerySheet().added("white square, dog")
VIDEO = CaRConfig().changed({"video.carry_queries": True})
CONFIG = PRESETS["demo"].config.changed(
    {"crf.backend": "torch", "crf.n_iterations": 1, "video.carry_queries": True, "video.smoothing": 0.6}
)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter.from_preset("demo")


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    """A bright square that moves over grey, twice; RGB."""
    planes = np.full((2, 3, 64, 80, 3), 90, np.uint8)
    for t in range(2):
        for z in range(3):
            planes[t, z, 10:40, 10 + 6 * z + 20 * t : 40 + 6 * z + 20 * t] = 244
    return planes


@pytest.mark.parametrize(
    ("before", "plane", "follows"),
    [
        ((0,), (1,), True),
        ((0,), (0,), False),
        ((0,), (2,), False),
        ((1,), (0,), False),
        ((0, 4), (0, 5), True),
        ((0, 4), (1, 4), True),
        ((0, 4), (1, 5), False),
        ((0, 2), (1, 0), False),
        ((), (), False),
        ((), (1,), False),
    ],
)
def test_a_slice_follows_the_one_before_it(before: tuple[int, ...], plane: tuple[int, ...], follows: bool) -> None:
    assert is_next(before, plane) == follows


def test_tiles_have_states_of_their_own() -> None:
    states = SliceStates(VIDEO)
    frames = cut_frames([(0,), (1,), (3,)], Box(0, 0, 10, 20), tile_px=10)
    found = [states.of(frame) for frame in frames]
    assert len(frames) == 6
    assert found[0] is not found[1]
    assert found[0] is found[2]
    assert found[1] is found[3]
    assert found[4] is not found[2]


def test_by_default_no_slice_knows_of_another() -> None:
    assert SliceStates(CaRConfig()).of(Frame((0,), Box(0, 0, 4, 4), Box(0, 0, 4, 4))) is None


def test_a_run_over_slices_is_repeated_from_its_record(segmenter: Segmenter, stack: np.ndarray, tmp_path: Path) -> None:
    axes = PlaneAxes(stack.shape[:-1], 2, 3)
    planes = planes_along(axes, (0, 0), {0: range(2), 1: range(3)})
    frames = cut_frames(planes, axes.whole)
    labels, alone = np.zeros(axes.shape, np.int32), np.zeros(axes.shape, np.int32)
    recorded, results = [], []

    def render(frame: Frame) -> tuple[np.ndarray, tuple[str, ...]]:
        return stack[frame.plane], ()

    for event in survey_frames(segmenter, frames, render, SHEET.queries, SHEET.query_ids, CONFIG):
        if isinstance(event, FrameFinished):
            frame = event.place.frame
            labels[frame.plane] = event.painted[0]
            recorded.append(RecordedFrame(frame=frame, picture=hash_picture(event.segmentation.image)))
            results.append(event.segmentation)
    still = CONFIG.changed({"video.carry_queries": False, "video.smoothing": 0.0})
    for frame in frames:
        alone[frame.plane] = segmenter.segment(render(frame)[0], SHEET.queries, still).label_map
    assert not np.array_equal(labels, alone)
    for first in (0, 3):  # the first slice of each series takes over nothing
        np.testing.assert_array_equal(labels[frames[first].plane], alone[frames[first].plane])
    assert [max(query.frames_ago for query in result.queries) for result in results] == [0, 1, 2, 0, 1, 2]
    record = record_run(
        sheet=SHEET,
        config=CONFIG,
        preset="demo",
        image={
            "name": "stack",
            "shape": list(axes.shape),
            "channels": [{"name": "stack", "rgb": True, "contrast_limits": [0, 255]}],
        },
        frames=recorded,
        provenances=[result.provenance for result in results],
        is_whole=True,
    )
    record = json.loads(json.dumps(record))
    assert read_run(record).config.video == CONFIG.video
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="rgb")
    layer = LabelLayer(
        name="labels",
        labels=labels,
        human=np.zeros(labels.shape, dtype=bool),
        provenance={"query": 0, "runs": [record]},
    )
    made = drain(reproduce_layer(layer, tmp_path / "stack.tif", lambda _: segmenter))
    assert made.is_exact
    record["config"]["video"] = {}
    layer = dataclasses.replace(layer, provenance={"query": 0, "runs": [record]})
    assert not drain(reproduce_layer(layer, tmp_path / "stack.tif", lambda _: segmenter)).is_exact
