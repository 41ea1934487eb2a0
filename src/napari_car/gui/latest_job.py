"""Work in a worker thread of which only the latest request counts."""

import threading
from collections.abc import Callable, Generator
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from .closing_worker import ClosingWorker
from .failures import explain_failure

Work = Callable[..., Generator[Any, None, None]]
"""Takes its arguments, and an event that it looks at between pieces of work and ends once it is set."""


class LatestJob(QObject):
    """Does one piece of work at a time; a request that comes meanwhile stops and replaces it.

    Parameters
    ----------
    work : callable
        A generator function, run in a worker thread.
    delay_ms : int
        Requests within this time count as one.
    parent : QObject, optional
    """

    yielded = Signal(object)
    """What the work yields, unless it was stopped."""
    failed = Signal(str)
    """A sentence for the user."""
    idle = Signal()
    """Nothing is left to do."""

    def __init__(self, work: Work, delay_ms: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._wanted: tuple[Any, ...] | None = None
        self._worker: ClosingWorker | None = None
        self._stop = threading.Event()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._start)

    @property
    def is_busy(self) -> bool:
        """Whether something is wanted or worked on."""
        return self._worker is not None or self._wanted is not None

    def ask(self, *arguments: Any) -> None:
        """Ask for work with these arguments."""
        self._wanted = arguments
        self._stop.set()
        self._timer.start()

    def stop(self) -> None:
        """Forget what was asked for."""
        self._wanted = None
        self._timer.stop()
        self._stop.set()

    def close(self) -> None:
        """Stop, and say nothing any more."""
        self.stop()
        if self._worker is not None:
            self._worker.forget()
            self._worker = None

    def _start(self) -> None:
        """Work on what is wanted, unless a worker is still stopping: its end starts it."""
        if self._worker is not None or self._wanted is None:
            return
        wanted, self._wanted = self._wanted, None
        self._stop = threading.Event()
        worker = ClosingWorker(self._work, *wanted, self._stop)
        worker.yielded.connect(self._on_yielded)
        worker.errored.connect(lambda error: self.failed.emit(explain_failure(error)))
        worker.finished.connect(self._on_finished)
        self._worker = worker
        worker.start()

    def _on_yielded(self, result: Any) -> None:
        """Pass a result on, unless it is not wanted any more."""
        if not self._stop.is_set():
            self.yielded.emit(result)

    def _on_finished(self) -> None:
        self._worker = None
        if self._wanted is not None:
            self._start()
        else:
            self.idle.emit()
