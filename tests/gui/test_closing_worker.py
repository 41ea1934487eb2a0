"""A worker whose window is gone leaves nothing open, and one that is forgotten tells nobody."""

import warnings
from collections.abc import Generator

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent

from napari_car.gui.closing_worker import ClosingWorker

pytestmark = pytest.mark.gui


def holding(log: list[str], n: int) -> Generator[int, None, None]:
    log.append("taken")
    try:
        yield from range(n)
    finally:
        log.append("handed back")


def test_what_the_generator_holds_is_handed_back_when_nobody_listens_any_more(qtbot: QtBot) -> None:
    log: list[str] = []
    worker = ClosingWorker(holding, log, 3)

    def gone(_: int) -> None:
        raise RuntimeError("wrapped C/C++ object has been deleted")

    worker._next_value = lambda: gone(0)  # as an emission from a window that is gone
    next(worker._gen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        worker.run()
    assert log == ["taken", "handed back"]


def test_an_end_that_nobody_can_be_told_of_ends_nothing_else(qtbot: QtBot) -> None:
    log: list[str] = []
    worker = ClosingWorker(holding, log, 0)
    worker.signals.deleteLater()
    QCoreApplication.sendPostedEvents(worker.signals, QEvent.Type.DeferredDelete)
    worker.run()  # Qt would end the program if it raised
    assert log == []


def test_a_forgotten_worker_runs_on_and_tells_nobody(qtbot: QtBot) -> None:
    log: list[str] = []
    seen: list[int] = []
    worker = ClosingWorker(holding, log, 3)
    worker.yielded.connect(seen.append)
    worker.errored.connect(seen.append)
    worker.finished.connect(lambda: seen.append(-1))
    worker.forget()
    worker.run()
    qtbot.wait(10)
    assert log == ["taken", "handed back"]
    assert seen == []
