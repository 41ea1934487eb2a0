"""A correction by pointing: its marks and their undo, until it is written into the labels."""

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_car.annotation.engine import SamRequest
from napari_car.annotation.prompting.attempt import Attempt
from napari_car.annotation.prompting.pointing import Pointing
from napari_car.errors import CaRError, PromptError
from napari_car.gui.label_target import find_target, label_layer
from napari_car.gui.line_layer import soon
from napari_car.gui.sentence import warned

from .answers import Answers
from .mark_layers import MarkLayers
from .mouse import MarkingMouse
from .timeline import Timeline
from .work import Consideration, Preview
from .writing import describe_correction, write_correction


class CorrectionSession(QObject):
    """Corrects the chosen label of the active layer, object by object.

    Marks change nothing until they are accepted, as one undo step of the layer.

    Parameters
    ----------
    viewer : ViewerModel
    choose_sam : callable
        Returns the SAM that is to be asked, or None; raises CaRError if there is something to be done first.
    parent : QObject, optional
    """

    changed = Signal()
    """Marks, what can be undone, or what is predicted has changed."""
    said = Signal(str)
    """A sentence for the user."""

    def __init__(
        self, viewer: ViewerModel, choose_sam: Callable[[], SamRequest | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._timeline = Timeline()
        self._is_on = self._accepts_next = False
        self._soon_tidied = soon(self._tidy, self)
        self.mouse = MarkingMouse(viewer, self)
        self.marks = MarkLayers(viewer, self._on_marks_edited)
        self.answers = Answers(viewer, choose_sam, self)
        self.answers.arrived.connect(self._on_answer)
        self.answers.failed.connect(self._on_failed)
        self.mouse.pointed.connect(lambda point: self.mark(lambda pointing: pointing.with_point(point)))
        self.mouse.boxed.connect(lambda box: self.mark(lambda pointing: pointing.with_box(box)))
        self.mouse.stroked.connect(lambda stroke: self.mark(lambda pointing: pointing.with_scribble(stroke)))
        self.mouse.drawing.connect(self._on_drawing)

    @property
    def is_on(self) -> bool:
        """Whether the mouse makes marks."""
        return self._is_on

    @property
    def layer(self) -> Labels | None:
        """The layer that is corrected."""
        return self.mouse.layer

    @property
    def attempt(self) -> Attempt:
        """The marks as they are."""
        return self._timeline.attempt

    @property
    def preview(self) -> Preview | None:
        """What accepting would do; None while that is not known."""
        return self.answers.preview

    def start(self) -> None:
        """Let the mouse make marks.

        Raises
        ------
        PromptError
            If there is no layer of labels.
        """
        layer = label_layer(self._viewer)
        if layer is None:
            raise PromptError("There are no labels to be corrected: segment an image, or select a layer of labels.")
        self._is_on = True
        self._viewer.layers.selection.active = layer
        layer.mode = "pan_zoom"
        self._viewer.layers.selection.events.active.connect(self._on_active)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self._viewer.dims.events.current_step.connect(self._open_marks)
        self._attach(layer)

    def stop(self) -> None:
        """Let the mouse alone, and forget marks that were not accepted."""
        if not self._is_on:
            return
        self._is_on = False
        self._viewer.layers.selection.events.active.disconnect(self._on_active)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._viewer.dims.events.current_step.disconnect(self._open_marks)
        self._attach(None)
        self.marks.remove()
        self.answers.remove()
        self.changed.emit()

    def close(self) -> None:
        """Stop, and let go of the viewer."""
        self.stop()
        self.answers.close()
        self.marks.close()

    def mark(self, change: Callable[[Pointing], Pointing]) -> None:
        """Change the marks, which can be undone; says why if that cannot be done."""
        if self._can_begin():
            self._edit(self.attempt.with_pointing(change(self.attempt.pointing)))
        else:
            self.marks.show(self.attempt.pointing)

    def next_candidate(self) -> None:
        """Choose the next of the predicted masks, counted round."""
        if self.preview is not None and len(self.preview.answer.masks) > 1:
            self._edit(self.attempt.with_candidate((self.preview.candidate + 1) % len(self.preview.answer.masks)))

    def accept(self) -> None:
        """Write what is previewed into the labels, as one undo step; once it is known, if it is not yet."""
        preview, target = self.preview, self.answers.target
        if preview is None or target is None:
            self._accepts_next = self.answers.is_busy
            return
        said = write_correction(target, preview)
        self._forget()
        self._on_active()
        self.said.emit(said)

    def discard(self) -> None:
        """Take all marks away, which can be undone."""
        if self.attempt:
            self._edit(Attempt())
            self._on_active()
            can_undo = self._timeline.can_undo_mark  # not if other labels are followed now
            self.said.emit("Discarded. Undo (Ctrl+Z) brings the marks back." if can_undo else "Discarded.")

    def undo(self) -> None:
        """Take the last mark or choice back; where there is none, the last edit of the layer."""
        if self._timeline.undo(self.layer):
            self._show()

    def redo(self) -> None:
        """Repeat what was taken back last, a mark or an edit of the layer."""
        if self._timeline.redo(self.layer):
            self._show()

    def consider(self, consideration: Consideration) -> None:
        """Leave other things alone from now on."""
        self.answers.consideration = consideration
        self.ask_again()

    def ask_again(self) -> None:
        """Ask what becomes of the marks, since something else than they has changed."""
        if self.attempt:
            self._show()

    def _can_begin(self) -> bool:
        """Make ready for marks; tell whether they can be made, and say why if they cannot."""
        try:
            self._begin()
        except CaRError as error:
            self.said.emit(warned(str(error)))
            return False
        return True

    def _begin(self) -> None:
        """Make ready for marks; raise PromptError if there are others on another plane, for example."""
        before = self.answers.target
        now = find_target(self._viewer, self.layer) if self.attempt else self.answers.begin(self.layer)
        if before is not None and not now.is_on_plane_of(before):
            if self.attempt:
                raise PromptError(
                    f"{before.name} is being corrected on another plane: accept (Enter) or discard it (Esc)."
                )
            self._timeline.forget_marks()  # what was discarded there must not come back here
        if not self.attempt:
            self.marks.open(now)

    def _edit(self, attempt: Attempt, *, shows_marks: bool = True) -> None:
        """Set the marks."""
        self._timeline.edit(attempt)
        self._show(shows_marks=shows_marks)

    def _show(self, *, shows_marks: bool = True) -> None:
        """Show the marks, unless a person is drawing in their layers, and ask what becomes of them."""
        self._accepts_next = False
        if shows_marks:
            if self.attempt and self.answers.target is not None:
                self.marks.open(self.answers.target)
            self.marks.show(self.attempt.pointing)
        if not self.attempt:
            self.answers.clear()
            self.said.emit("")
        else:
            try:
                self.answers.ask(self.attempt)
            except CaRError as error:
                self.answers.clear()
                self._on_failed(str(error))
        self.changed.emit()

    def _forget(self) -> None:
        """Forget the marks and their undo; what was accepted is in the layer's own."""
        self._timeline.forget()
        self._accepts_next = False
        self.marks.show(Pointing())
        self.answers.forget()
        self.changed.emit()

    def _attach(self, layer: Labels | None) -> None:
        """Follow the mouse over a layer, its label and its edits, and no other's."""
        old = self.layer
        if old is not None:
            old.events.selected_label.disconnect(self._on_label)
            old.events.paint.disconnect(self._on_edited)
            old.events.set_data.disconnect(self._on_edited)
        self.mouse.watch(layer)
        if layer is not old:
            self._forget()
        if layer is not None:
            layer.events.selected_label.connect(self._on_label)
            layer.events.paint.connect(self._on_edited)
            layer.events.set_data.connect(self._on_edited)
            self._open_marks()
        self.changed.emit()

    def _open_marks(self) -> None:
        """Have the layers of marks ready for those who draw in them."""
        if self.attempt:
            return
        try:
            self.marks.open(find_target(self._viewer, self.layer))
        except PromptError:
            return  # no label is chosen yet, for example

    def _on_answer(self) -> None:
        """Say what accepting would do, or do it."""
        assert self.preview is not None
        assert self.answers.target is not None
        self.said.emit(describe_correction(self.answers.target, self.preview))
        self.changed.emit()
        if self._accepts_next:
            self.accept()

    def _on_failed(self, reason: str) -> None:
        """Say what went wrong; the marks stay."""
        self._accepts_next = False
        self.said.emit(warned(reason))
        self.changed.emit()

    def _on_drawing(self, drawn: Any) -> None:
        """Show a box or a stroke while it is drawn."""
        pointing = self.attempt.pointing
        is_box = isinstance(drawn, tuple)
        self.marks.show(pointing.with_box(drawn) if is_box else pointing.with_scribble(drawn))

    def _on_marks_edited(self) -> None:
        """Take over what a person did in the layers of marks."""
        if self._is_on and self._can_begin():
            self._edit(self.attempt.with_pointing(self.marks.read()), shows_marks=False)

    def _on_label(self) -> None:
        """Correct the label that was chosen meanwhile."""
        layer = self.layer
        if layer is not None and str(layer.mode) == "pick":
            layer.mode = "pan_zoom"
        self._open_marks()
        self.ask_again()
        self.changed.emit()

    def _on_edited(self) -> None:
        """Ask again when labels were edited under the marks."""
        if self.attempt and self.answers.labels_have_changed():
            self.ask_again()

    def _on_active(self) -> None:
        """Follow the labels that are worked in; where marks wait, and in other layers, all stays as it is."""
        active = self._viewer.layers.selection.active
        if isinstance(active, Labels) and active.editable and not self.attempt:
            self._attach(active)

    def _on_removed(self, event: Any) -> None:
        """Forget a correction whose labels are gone."""
        if event.value is self.layer:
            self._attach(None)
            self._on_active()
            self._soon_tidied.start()  # not now, since napari may be about to remove the layers of marks itself

    def _tidy(self) -> None:
        """Take away what lies over labels that are gone."""
        if self.layer is None:
            self.marks.remove()
            self.answers.remove()
