"""A run over images of a project in a worker thread, while somebody corrects others."""

import threading
from collections.abc import Callable, Generator, Sequence

from qtpy.QtCore import QObject, Signal

from napari_car.annotation.engine import ENGINE, Engine, NetworkRequest, lent
from napari_car.annotation.project import ProjectImage
from napari_car.annotation.project_run import ImageDone, ImageStarted, PlaneStarted, ProjectRun
from napari_car.gui.closing_worker import ClosingWorker
from napari_car.gui.failures import explain_failure

Event = ImageStarted | PlaneStarted | ImageDone | None

NOTHING = {
    "all": "There is nothing to segment: no image is listed.",
    "selected": "There is nothing to segment: select images in the list.",
    "rest": "There is nothing to segment: all listed images have labels.",
}
"""What is said if no images were chosen, by the choice."""

MAX_NAMED = 3
"""Images that were not segmented, and are named."""


class BackgroundRun(QObject):
    """Runs over images, one after another; the networks are shared with the runs of all windows.

    Parameters
    ----------
    engine : Engine, optional
        By default the one that all windows share.
    parent : QObject, optional
    """

    image_started = Signal(str)
    """An image is begun, or a plane of a stack; what it is called."""
    image_done = Signal(object)
    """An :class:`~napari_car.annotation.project_run.ImageDone`."""
    running_changed = Signal(bool)

    def __init__(self, engine: Engine = ENGINE, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._worker: ClosingWorker | None = None
        self._stop = threading.Event()
        self.n_images = self.n_done = 0
        """Of the last run."""
        self._problems: list[str] = []
        self._failure = ""

    @property
    def is_running(self) -> bool:
        """Whether a worker is at work, be it only to stop."""
        return self._worker is not None

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def start(
        self,
        run: ProjectRun,
        networks: NetworkRequest,
        images: Sequence[ProjectImage],
        is_left_alone: Callable[[str], bool],
    ) -> None:
        """Start a run; the one before must have ended. See :meth:`ProjectRun.run`."""
        if self.is_running:
            raise RuntimeError("A run is going on: cancel it first.")
        self._stop = threading.Event()
        self.n_images, self.n_done, self._problems, self._failure = len(images), 0, [], ""
        worker = ClosingWorker(_work, self._engine, run, networks, images, is_left_alone, self._stop)
        worker.yielded.connect(self._on_event)
        worker.errored.connect(self._on_errored)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        self.running_changed.emit(True)
        worker.start()

    def cancel(self) -> None:
        """Stop between two pieces of work; images that are finished stay."""
        self._stop.set()

    def describe(self) -> tuple[str, bool]:
        """Say what became of the last run, and whether that is good."""
        if self._failure:
            return self._failure, False
        n, total = self.n_done, self.n_images
        said = f"Stopped after {n} of {total} images." if n < total else f"{n} image{'s' if n != 1 else ''} done."
        if not self._problems:
            return said, True
        more = f" And {len(self._problems) - MAX_NAMED} more." if len(self._problems) > MAX_NAMED else ""
        return f"{said} Not segmented: {' '.join(self._problems[:MAX_NAMED])}{more}", False

    def close(self) -> None:
        """Stop, and say nothing any more."""
        self.cancel()
        if self._worker is not None:
            self._worker.forget()
            self._worker = None

    def _on_event(self, event: Event) -> None:
        """Pass on what the worker says."""
        if isinstance(event, ImageStarted):
            self.image_started.emit(event.key)
        elif isinstance(event, PlaneStarted):
            self.image_started.emit(f"{event.key}, plane {event.number} of {event.total}")
        elif isinstance(event, ImageDone):
            self.n_done += 1
            if event.problem is not None:
                self._problems.append(f"{event.key}: {event.problem}")
            self.image_done.emit(event)

    def _on_errored(self, error: Exception) -> None:
        self._failure = explain_failure(error)

    def _on_finished(self) -> None:
        self._worker = None
        self.running_changed.emit(False)


def _work(
    engine: Engine,
    run: ProjectRun,
    networks: NetworkRequest,
    images: Sequence[ProjectImage],
    is_left_alone: Callable[[str], bool],
    stop: threading.Event,
) -> Generator[Event, None, None]:
    """Run; the networks are handed back after each image, so that a run in the window does not wait for all of them."""
    for image in images:
        for _ in engine.waiting():
            if stop.is_set():
                return
        with lent(engine):
            for event in run.run(engine.segmenter(networks), [image], is_left_alone):
                if event is not None:
                    yield event
                if stop.is_set():
                    return
