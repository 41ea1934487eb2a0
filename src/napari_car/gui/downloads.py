"""The button that downloads checkpoints, and what it shows meanwhile."""

import threading
from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.checkpoint_state import CheckpointState
from napari_car.annotation.downloads import DownloadStatus, download_missing
from napari_car.annotation.sizes import say_size
from napari_car.checkpoints.registry import Checkpoint

from .closing_worker import ClosingWorker
from .failures import explain_failure
from .sentence import Sentence

_SCALE = 1000


class DownloadBar(QWidget):
    """Downloads checkpoints in a thread of its own; shows progress, and can be stopped and resumed.

    Parameters
    ----------
    parent : QWidget, optional
    """

    wanted = Signal()
    """A person pressed Download."""
    ended = Signal(str)
    """A download is over, with the sentence on what went wrong; empty if it succeeded or was cancelled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._worker: ClosingWorker | None = None
        self._checkpoints: tuple[Checkpoint, ...] = ()
        self._failure = ""
        self._stop = threading.Event()
        self._title, self._detail = Sentence("Download"), Sentence("Progress of the download")
        self._progress = QProgressBar()
        self._progress.setRange(0, _SCALE)
        self._progress.setTextVisible(False)
        self._button = QPushButton()
        self._button.clicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._title, self._progress, self._detail, self._button):
            layout.addWidget(part)
        self._show_running(False)
        self.offer(CheckpointState())
        # A widget inside a dock is destroyed without being closed.
        self.destroyed.connect(self._stop.set)

    @property
    def is_running(self) -> bool:
        """Whether a download is under way, or stopping."""
        return self._worker is not None

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """What is being downloaded."""
        return self._checkpoints if self.is_running else ()

    def offer(self, state: CheckpointState) -> None:
        """Be the button that downloads what is missing, hidden if nothing is; a running download keeps its own."""
        if self.is_running:
            return
        verb = "Resume download" if state.n_partial_bytes else "Download"
        self._button.setText(verb if state.n_bytes_left is None else f"{verb} ({say_size(state.n_bytes_left)})")
        self._button.setToolTip("From the Hugging Face hub. It can be stopped, and goes on later where it stopped.")
        self.setVisible(state.can_be_downloaded)

    def start(self, checkpoints: Sequence[Checkpoint], folder: Path) -> None:
        """Download what is missing; does nothing while a download is under way."""
        if self.is_running:
            return
        self._stop.clear()
        self._failure = ""
        self._checkpoints = tuple(checkpoints)
        worker = ClosingWorker(download_missing, self._checkpoints, folder, self._stop)
        worker.yielded.connect(self._show_status)
        worker.errored.connect(self._on_error)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        self._show_running(True)
        worker.start()

    def cancel(self) -> None:
        """Stop the download; what was received is kept."""
        if self.is_running:
            self._stop.set()
            self._button.setEnabled(False)
            self._button.setText("Stopping")
            self._button.setToolTip("The download stops when the hub answers, or within a few seconds.")

    def stop(self) -> None:
        """Stop the download and hear no more of it, as the window is closing."""
        self._stop.set()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.forget()

    def _on_clicked(self) -> None:
        """Start or stop."""
        if self.is_running:
            self.cancel()
        else:
            self.wanted.emit()

    def _show_running(self, is_running: bool) -> None:
        """Show the progress, and the button that stops; or the button alone."""
        self._title.say("Starting the download" if is_running else "")
        self._detail.say("")
        self._progress.setValue(0)
        self._progress.setVisible(is_running)
        self._button.setEnabled(True)
        if is_running:
            self._button.setText("Cancel download")
            self._button.setToolTip("Stop; what was received is kept, and the next download goes on from there.")

    def _show_status(self, status: DownloadStatus) -> None:
        """Show how far the download is."""
        self._title.say(status.title)
        self._detail.say(status.detail)
        self._progress.setValue(round(status.fraction * _SCALE))

    def _on_error(self, error: Exception) -> None:
        self._failure = explain_failure(error)

    def _on_finished(self) -> None:
        """Be ready for the next download."""
        self._worker = None
        self._show_running(False)
        self.ended.emit(self._failure)
