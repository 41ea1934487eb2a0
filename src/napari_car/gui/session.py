"""The runs of one viewer: starting, following, stopping, and what becomes of their results."""

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_car.annotation.engine import ENGINE, Engine
from napari_car.annotation.frames import Frame
from napari_car.annotation.outcome import Outcome, describe_outcome
from napari_car.annotation.progress import Status
from napari_car.annotation.record import record_run
from napari_car.annotation.recorded_frame import RecordedFrame, hash_picture
from napari_car.annotation.results_store import ResultsStore
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import FrameFinished, FrameStarted
from napari_car.errors import CaRError

from .closing_worker import ClosingWorker
from .failures import explain_failure
from .image_results import ImageResults
from .redecision import Decided, Redecision
from .run_worker import RunRequest, StepSeen, WorkerEvent, run_request

if TYPE_CHECKING:
    from napari_car.results import Provenance


class Session(QObject):
    """Runs requests of one viewer, one at a time, in a worker thread.

    Layers are touched in the window's thread only, when the worker's events arrive there.

    Parameters
    ----------
    viewer : ViewerModel
    engine : Engine, optional
        By default the one that all windows share.
    """

    running_changed = Signal(bool)
    status_changed = Signal(object)
    """A :class:`~napari_car.annotation.progress.Status`."""
    frame_started = Signal(object)
    """A :class:`~napari_car.annotation.survey.FrameStarted`."""
    step_seen = Signal(object)
    """A :class:`~napari_car.gui.run_worker.StepSeen`."""
    results_changed = Signal()
    """:attr:`outcome` or :attr:`results` has changed."""
    proposal_changed = Signal()
    """What waits to be accepted or discarded has changed."""
    ended = Signal(str)
    """A run has come to its end or was stopped; a sentence that says so."""
    said = Signal(str)
    """Something that a person should know; a sentence."""
    discarded = Signal()
    """The proposal was discarded, and with it new thresholds."""
    failed = Signal(str)
    """A run has failed; a sentence for the user."""

    def __init__(self, viewer: ViewerModel, engine: Engine = ENGINE, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._engine = viewer, engine
        self._worker: ClosingWorker | None = None
        self._stop = threading.Event()
        self._stops = [self._stop]
        self.destroyed.connect(partial(_set_all, self._stops))
        self._reason = ""
        self._provenances: list[Provenance] = []
        self._recorded: dict[Frame, RecordedFrame] = {}
        self.request: RunRequest | None = None
        """The last run's."""
        self.results: ImageResults | None = None
        """The layers that it writes to."""
        self.outcome = Outcome()
        """What it found."""
        self.store = ResultsStore()
        """Its segmentations, as far as they fit into memory."""
        self._decided: dict[Frame, Decided] = {}
        self._redecision = Redecision(self)
        self._redecision.decided.connect(self._on_decided)
        self._redecision.failed.connect(self.failed)
        viewer.layers.events.removed.connect(self._on_layer_removed)

    @property
    def is_running(self) -> bool:
        """Whether a worker is at work, be it only to stop."""
        return self._worker is not None

    @property
    def is_deciding(self) -> bool:
        """Whether new thresholds are being worked on."""
        return self._redecision.is_busy

    def has_proposal_for(self, image: Image | None) -> bool:
        """Tell whether new labels of an image wait to be accepted or discarded."""
        return self.results is not None and self.results.has_proposal and self.results.image is image

    def start(self, request: RunRequest, image: Image) -> None:
        """Start a run; the one before must have ended.

        Parameters
        ----------
        request : RunRequest
        image : Image
            The layer that results belong to.
        """
        if self.is_running:
            raise RuntimeError("A run is going on: cancel it first.")
        self._open_results(request, image)
        self.request, self.outcome = request, Outcome()
        self._stop, self._reason, self._provenances, self._recorded = threading.Event(), "", [], {}
        self._stops[:] = [self._stop]
        self.store.clear()
        self._decided.clear()
        self._redecision.clear()
        worker = ClosingWorker(run_request, request, self._engine, self._stop)
        worker.yielded.connect(self._on_event)
        worker.errored.connect(self._on_error)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        self.running_changed.emit(True)
        self.results_changed.emit()
        worker.start()

    def cancel(self, reason: str = "Stopped.") -> None:
        """Stop the run between two pieces of work; what is finished stays."""
        if self.is_running and not self._stop.is_set():
            self._reason = reason
            self._stop.set()
            self.status_changed.emit(Status("Stopping", 0.0))

    def redecide(self, score_threshold: float | None, mask_threshold: float | None, first: Frame | None) -> None:
        """Propose what other thresholds would have found, without running the networks again.

        Parameters
        ----------
        score_threshold, mask_threshold : float or None
            θ and η; None: as in the run.
        first : Frame or None
            The frame that is seen, which is previewed at once.
        """
        if self.is_running or self.request is None:
            return
        frames = sorted(self.store.frames, key=lambda frame: frame != first)
        results = [(frame, result) for frame in frames if (result := self.store.get(frame)) is not None]
        n_gone = len(self.outcome) - len(results)
        if n_gone:
            self.said.emit(f"{n_gone} of {len(self.outcome)} parts are no longer in memory, so they stay as they are.")
        if results:
            self._redecision.decide(results, score_threshold, mask_threshold, self.request.grouping)

    def accept(self, *, protect: bool = True) -> None:
        """Write the proposal into the result layers; see :meth:`ImageResults.accept`."""
        if self.results is None or not self.results.has_proposal:
            return
        self._redecision.stop()
        decided, self._decided = self._decided, {}
        for frame, item in decided.items():
            self.store.put(frame, item.segmentation)
            self.outcome.put(frame, item.findings)
            self._recorded[frame] = self._recorded[frame].decided(item.decision)
        if decided and self.request is not None:
            self.results.note_run(self._record(self.request))
        self.results.accept(protect=protect)
        self.results.describe(self.results.sheet, self.outcome.summaries())
        self.results_changed.emit()
        self.proposal_changed.emit()

    def discard(self) -> None:
        """Forget the proposal, and with it new thresholds."""
        self._redecision.stop()
        self._decided.clear()
        if self.results is not None and self.results.has_proposal:
            self.results.discard()
        self.results_changed.emit()
        self.proposal_changed.emit()
        self.discarded.emit()

    @property
    def shown_outcome(self) -> Outcome:
        """What the run found, or what it would have found with the thresholds that are proposed."""
        if not self._decided:
            return self.outcome
        shown = self.outcome.copy()
        for frame, item in self._decided.items():
            shown.put(frame, item.findings)
        return shown

    def describe(self, sheet: QuerySheet) -> None:
        """Put changed names and colours into the result layers."""
        if self.results is not None:
            self.results.describe(sheet, self.outcome.summaries())

    def close(self) -> None:
        """Stop, forget the proposal, and let go of the viewer; result layers stay."""
        self.cancel()
        if self._worker is not None:
            self._worker.forget()
            self._worker = None
        self._redecision.close()
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
        if self.results is not None:
            self.results.close()
            self.results = None

    def _open_results(self, request: RunRequest, image: Image) -> None:
        """Make ready to write; a proposal of the run before is forgotten."""
        if self.results is not None:
            self.results.close()
        self.results = ImageResults(self._viewer, image, request.source, request.sheet)
        self.results.on_proposal_removed(self.discard)
        self.proposal_changed.emit()

    def _on_event(self, event: WorkerEvent) -> None:
        """Pass on what the worker says."""
        if self._stop.is_set() and not isinstance(event, FrameFinished):
            return
        if isinstance(event, Status):
            self.status_changed.emit(event)
        elif isinstance(event, FrameStarted):
            self.frame_started.emit(event)
        elif isinstance(event, StepSeen):
            self.step_seen.emit(event)
        else:
            self._on_frame(event)

    def _on_frame(self, event: FrameFinished) -> None:
        """Write or propose a frame's labels."""
        if self.results is None or self.request is None:
            return
        frame = event.place.frame
        self._provenances.append(event.segmentation.provenance)
        self._recorded[frame] = RecordedFrame(frame=frame, picture=hash_picture(event.segmentation.image))
        self.outcome.put(frame, event.findings)
        self.store.put(frame, event.segmentation)
        try:
            self.results.put(frame, event.painted)
        except CaRError as error:
            self.cancel(str(error))
            return
        self.results.describe(self.results.sheet, self.outcome.summaries())
        self.results_changed.emit()
        self.proposal_changed.emit()

    def _on_decided(self, decided: Decided) -> None:
        """Propose a frame with new thresholds."""
        if self.results is None:
            return
        self._decided[decided.frame] = decided
        self.results.put(decided.frame, decided.painted, propose=True)
        self.results_changed.emit()
        self.proposal_changed.emit()

    def _on_error(self, error: Exception) -> None:
        """Say what went wrong."""
        self._reason = explain_failure(error)
        self.failed.emit(self._reason)

    def _on_finished(self) -> None:
        """Keep the record of the run, and be ready for the next one."""
        worker, self._worker = self._worker, None
        if self.request is not None and self.results is not None and self._provenances:
            self.results.note_run(self._record(self.request))
        self.running_changed.emit(False)
        if worker is not None and not self._has_failed:
            notes = [note for provenance in self._provenances for note in provenance.notes]
            if self.results is not None:
                notes[:0] = self.results.notes
            self.ended.emit(self._reason or describe_outcome(self.outcome, notes))

    @property
    def _has_failed(self) -> bool:
        """Whether the run ended by an error, not by being stopped."""
        return bool(self._reason) and not self._stop.is_set()

    def _record(self, request: RunRequest) -> dict[str, Any]:
        """Return the record of the run, with what was decided later."""
        return record_run(
            sheet=request.sheet,
            config=request.effective_config,
            preset=request.preset,
            image=request.source.describe(),
            frames=tuple(self._recorded.values()),
            provenances=self._provenances,
            is_whole=len(self.outcome) == len(request.frames),
        )

    def _on_layer_removed(self, event: Any) -> None:
        """Stop when the image is taken away."""
        if self.results is not None and event.value is self.results.image:
            self.cancel("The image was removed, so the run was stopped.")


def _set_all(stops: list[threading.Event], *_: object) -> None:
    """Stop the run of a session whose window is gone: nobody else is left to do it."""
    for stop in stops:
        stop.set()
