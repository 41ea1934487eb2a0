"""What becomes of the marks: asked in a worker thread, and shown as soon as it is known."""

from collections.abc import Callable

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_car.annotation.engine import SamRequest
from napari_car.annotation.progress import Status
from napari_car.annotation.prompting.attempt import Attempt
from napari_car.errors import PromptError
from napari_car.gui.label_target import LabelTarget, find_target
from napari_car.gui.latest_job import LatestJob
from napari_car.gui.result_layers import is_result
from napari_car.gui.tracking import track

from .image_below import capture_below
from .preview_layer import PreviewLayer
from .work import Consideration, Preview, Task, correct

DELAY_MS = 40
"""Marks within this time are answered together."""


class Answers(QObject):
    """Asks a predictor what becomes of a label, and shows a preview of it.

    Parameters
    ----------
    viewer : ViewerModel
    choose_sam : callable
        Returns the SAM that is to be asked, or None; raises CaRError if there is something to be done first.
    parent : QObject, optional
    """

    arrived = Signal()
    """:attr:`preview` is there."""
    status_changed = Signal(object)
    """A :class:`~napari_car.annotation.progress.Status` of work that takes its time."""
    failed = Signal(str)
    """A sentence for the user."""

    def __init__(
        self, viewer: ViewerModel, choose_sam: Callable[[], SamRequest | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._choose_sam = viewer, choose_sam
        self._task: Task | None = None
        self._version: object = None
        self._asked: Attempt | None = None
        self.consideration = Consideration()
        """What corrections leave alone."""
        self.preview: Preview | None = None
        """What becomes of the attempt that was asked about last; None while that is not known."""
        self._shown = PreviewLayer(viewer)
        self._job = LatestJob(correct, DELAY_MS, self)
        self._job.yielded.connect(self._on_yielded)
        self._job.failed.connect(self._on_failed)

    @property
    def target(self) -> LabelTarget | None:
        """The label and plane that marks are about; None before there are any."""
        return None if self._task is None else self._task.target

    @property
    def is_busy(self) -> bool:
        """Whether an answer is under way."""
        return self._job.is_busy

    def begin(self, layer: Labels | None) -> LabelTarget:
        """Be about the label that is chosen in a layer, on the plane that is shown.

        Raises
        ------
        PromptError
            If that cannot be corrected.
        CheckpointError
            If the SAM that is chosen is not there.
        """
        self._task = self._make_task(find_target(self._viewer, layer))
        return self._task.target

    def ask(self, attempt: Attempt) -> None:
        """Ask what becomes of an attempt; labels, label and predictor are those of now.

        Raises
        ------
        CaRError
            If that cannot be asked.
        """
        if self._task is None:
            raise PromptError("Nothing was pointed at yet: click on the object.")
        self._asked, self.preview = attempt, None
        target = self._task.target
        chosen = int(target.layer.selected_label) or target.id_
        sam = self._choose_sam()
        if (chosen, sam) != (target.id_, self._task.sam) or track(target.layer).version != self._version:
            target = LabelTarget(target.layer, chosen, target.axes, target.plane)
            self._task = self._make_task(target)
        self._job.ask(self._task, attempt, self.consideration)

    def labels_have_changed(self) -> bool:
        """Tell whether labels were edited since they were asked about."""
        return self._task is not None and track(self._task.target.layer).version != self._version

    def clear(self) -> None:
        """Stop asking, and show nothing."""
        self._job.stop()
        self._asked = self.preview = None
        self._shown.clear()

    def forget(self) -> None:
        """Be about no label any more."""
        self.clear()
        self._task = None

    def remove(self) -> None:
        """Forget, and take the preview away."""
        self.forget()
        self._shown.close()

    def close(self) -> None:
        """Stop, and say nothing any more."""
        self.remove()
        self._job.close()

    def _make_task(self, target: LabelTarget) -> Task:
        """Return the task of a label as its layer is now."""
        if target.layer.data.shape != target.axes.shape:
            raise PromptError(f"{target.layer.name} has another size since it was pointed at: discard the marks (Esc).")
        source = capture_below(self._viewer, target)
        ledger = track(target.layer).ledger if is_result(target.layer) else None
        self._version = track(target.layer).version
        return Task(target, source, ledger, self._choose_sam())

    def _on_yielded(self, event: Status | Preview) -> None:
        """Show what the worker says."""
        if isinstance(event, Status):
            self.status_changed.emit(event)
        elif event.attempt is self._asked and self._task is not None:
            self.preview = event
            self._shown.show(self._task.target, event)
            self.arrived.emit()

    def _on_failed(self, reason: str) -> None:
        """Show nothing, and say why."""
        self.clear()
        self.failed.emit(reason)
