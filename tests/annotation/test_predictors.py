"""Which predictor corrects, and that runs and corrections share one SAM."""

from pathlib import Path

import pytest

from napari_car.annotation.engine import Engine, NetworkRequest, SamRequest
from napari_car.annotation.predictors import Predictors
from napari_car.errors import CheckpointError
from napari_car.results import CheckpointIdentity
from napari_car.sam.classical import ClassicalPredictor
from napari_car.sam.interactive import SamPredictor
from napari_car.sam.loading import SamModel


def sam_request(name: str) -> SamRequest:
    return SamRequest(name=name, models_folder=Path("models"))


class Networks:
    """Counts what is loaded."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.engine = Engine(self.load_clip, self.load_sam)  # type: ignore[arg-type]

    def load_clip(self, request: NetworkRequest) -> "FakeSegmenter":
        assert request.sam is None
        self.loaded.append(request.f)
        return FakeSegmenter()

    def load_sam(self, request: SamRequest) -> SamModel:
        if request.name == "missing":
            raise CheckpointError("There is no such SAM.")
        self.loaded.append(request.name)
        return SamModel(None, True, CheckpointIdentity(request.name, "vit_t", "0" * 64, "float32", "cpu"))


class FakeSegmenter:
    sam: SamModel | None = None

    def use_sam(self, sam: SamModel) -> None:
        self.sam = sam


def test_without_sam_graphs_are_cut_and_nothing_is_loaded() -> None:
    networks = Networks()
    predictors = Predictors(networks.engine)
    assert predictors.is_loaded(None)
    first = predictors.predictor(None)
    assert isinstance(first, ClassicalPredictor)
    assert predictors.predictor(None) is first
    assert not networks.loaded


def test_runs_and_corrections_share_a_sam_and_switching_it_off_loads_nothing() -> None:
    networks = Networks()
    predictors = Predictors(networks.engine)
    run = NetworkRequest(f="B/16", g="L/14", models_folder=Path("models"))
    with_sam = NetworkRequest(f="B/16", g="L/14", sam="tiny", models_folder=Path("models"))
    assert not networks.engine.is_loaded(with_sam)
    segmenter = networks.engine.segmenter(run)
    assert networks.engine.is_loaded(run)
    assert not networks.engine.is_loaded(with_sam)
    assert networks.engine.segmenter(with_sam) is segmenter
    assert networks.engine.is_loaded(with_sam)
    assert predictors.is_loaded(sam_request("tiny"))
    predictor = predictors.predictor(sam_request("tiny"))
    assert isinstance(predictor, SamPredictor)
    assert predictor.name == "tiny"
    assert predictors.predictor(sam_request("tiny")) is predictor
    assert networks.engine.segmenter(run) is segmenter
    assert networks.loaded == ["B/16", "tiny"]


def test_another_sam_takes_the_place_of_the_first() -> None:
    networks = Networks()
    predictors = Predictors(networks.engine)
    tiny = predictors.predictor(sam_request("tiny"))
    large = predictors.predictor(sam_request("large"))
    assert (tiny.name, large.name) == ("tiny", "large")
    assert not predictors.is_loaded(sam_request("tiny"))
    assert predictors.predictor(sam_request("tiny")) is not tiny
    assert networks.loaded == ["tiny", "large", "tiny"]


def test_a_sam_that_is_not_there_can_be_asked_for_again() -> None:
    networks = Networks()
    predictors = Predictors(networks.engine)
    for _ in range(2):
        with pytest.raises(CheckpointError, match="no such SAM"):
            predictors.predictor(sam_request("missing"))
    assert predictors.predictor(sam_request("tiny")).name == "tiny"
