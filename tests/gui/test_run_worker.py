"""The worker's generator by itself: what it yields, and where it stops."""

import threading
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_car import PRESETS, read_image
from napari_car.annotation.engine import Engine, NetworkRequest
from napari_car.annotation.frames import cut_frames
from napari_car.annotation.progress import Status
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import FrameFinished
from napari_car.gui.run_worker import RunRequest, StepSeen, run_request
from napari_car.gui.sources import ImageSource
from napari_car.scenes import load_scenes
from napari_car.segmenter import Segmenter

QUERIES = "blue circle, sand, snow, wood, gravel, orange circle, yellow square, red star, not: brick wall"


@pytest.fixture(scope="module")
def engine() -> Engine:
    segmenter = Segmenter("demo")
    return Engine(lambda _: segmenter)


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> RunRequest:
    viewer = ViewerModel()
    layer = viewer.add_image(read_image(load_scenes()[1].image).rgb)
    source = ImageSource.capture(viewer, layer, composite=False)
    return RunRequest(
        source=source,
        frames=cut_frames([()], source.axes.whole),
        sheet=QuerySheet().added(QUERIES)[0],
        config=PRESETS["demo"].config.changed({"crf.n_iterations": 2}),
        preset="demo",
        networks=NetworkRequest(f="demo", g="demo", models_folder=Path("none")),
    )


def test_distractors_join_the_background_and_the_crf_leaves_the_window_alone(request_: RunRequest) -> None:
    config = request_.effective_config
    assert config.proposals.background_words == ("brick wall",)
    assert config.crf.backend == "torch"
    assert request_.config.crf.backend == "auto"


def test_it_says_what_it_does_and_ends_with_labels(engine: Engine, request_: RunRequest) -> None:
    events = list(run_request(request_, engine, threading.Event()))
    statuses = [event for event in events if isinstance(event, Status)]
    assert [status.fraction for status in statuses[1:]] == sorted(status.fraction for status in statuses[1:])
    steps = [event for event in events if isinstance(event, StepSeen)]
    finished = next(event for event in events if isinstance(event, FrameFinished))
    assert len(steps) == len(finished.segmentation.steps)
    assert finished.segmentation.label_map.any()
    assert list(engine.waiting()) == []
    engine.release()


def test_it_stops_before_the_next_batch_of_g(
    engine: Engine, request_: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = engine.segmenter(request_.networks)
    segmenter._prompted = type(segmenter._prompted)()  # nothing is known from before
    batches: list[int] = []
    encode = type(segmenter.g.tower).class_token_embedding
    monkeypatch.setattr(
        type(segmenter.g.tower),
        "class_token_embedding",
        lambda self, images, blocks: (batches.append(len(images)), encode(self, images, blocks))[1],
    )
    stop = threading.Event()
    for event in run_request(request_, engine, stop):
        if batches:
            stop.set()
        assert not isinstance(event, FrameFinished)
    assert batches == [4]  # of eight masks
    assert list(engine.waiting()) == []  # the networks were handed back
    engine.release()


def test_a_run_does_not_change_the_image(engine: Engine, request_: RunRequest) -> None:
    before = np.array(request_.source.channels[0].levels[0])
    list(run_request(request_, engine, threading.Event()))
    np.testing.assert_array_equal(request_.source.channels[0].levels[0], before)
