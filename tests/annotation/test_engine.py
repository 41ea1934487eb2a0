"""One pair of networks at a time, one run at a time."""

import threading
from pathlib import Path

import pytest

from napari_car.annotation.engine import Engine, NetworkRequest, lent
from napari_car.errors import CheckpointError


def request(f: str) -> NetworkRequest:
    return NetworkRequest(f=f, g=f, models_folder=Path("models"))


def test_networks_are_loaded_once_and_replaced_by_others() -> None:
    loaded: list[str] = []
    engine = Engine(lambda wanted: loaded.append(wanted.f) or object())  # type: ignore[arg-type,return-value,func-returns-value]
    first = engine.segmenter(request("a"))
    assert engine.segmenter(request("a")) is first
    assert engine.is_loaded(request("a"))
    engine.segmenter(request("b"))
    assert not engine.is_loaded(request("a"))
    assert loaded == ["a", "b"]


def test_a_failure_leaves_nothing_loaded_and_can_be_tried_again() -> None:
    def load(wanted: NetworkRequest) -> object:
        if wanted.f == "bad":
            raise CheckpointError("There is no checkpoint.")
        return object()

    engine = Engine(load)  # type: ignore[arg-type]
    engine.segmenter(request("good"))
    with pytest.raises(CheckpointError):
        engine.segmenter(request("bad"))
    assert not engine.is_loaded(request("good"))
    assert engine.segmenter(request("good"))


def test_a_second_run_waits_and_says_so() -> None:
    engine = Engine()
    assert not list(engine.waiting())
    waiting = engine.waiting()
    next(waiting)
    threading.Timer(0.2, engine.release).start()
    assert all(said is None for said in waiting)
    with lent(engine):
        pass
    assert not list(engine.waiting())  # it was handed back


def test_a_run_that_stops_waiting_takes_nothing() -> None:
    engine = Engine()
    list(engine.waiting())
    waiting = engine.waiting()
    next(waiting)
    waiting.close()
    engine.release()
    assert not list(engine.waiting())
