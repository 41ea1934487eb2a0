"""Undo and redo of marks, and where there are none, of the edits of the layer, in the order in which they came."""

from napari.layers import Labels

from napari_car.annotation.history import History
from napari_car.annotation.prompting.attempt import Attempt
from napari_car.gui.tracking import track


class Timeline:
    """The marks as they are and as they were; what was accepted is in the layer's own history."""

    def __init__(self) -> None:
        self._history = History(Attempt())
        self._undone: list[bool] = []  # of each step whether it was a mark, or else an edit of the layer

    @property
    def attempt(self) -> Attempt:
        """The marks as they are."""
        return self._history.value

    @property
    def can_undo_mark(self) -> bool:
        """Whether a mark can be taken back."""
        return self._history.can_undo

    def edit(self, attempt: Attempt) -> None:
        """Set the marks; those that were taken back cannot be repeated any more."""
        self._history.edit(attempt)
        self._undone = [was_mark for was_mark in self._undone if not was_mark]

    def forget(self) -> None:
        """Forget the marks and all that was taken back."""
        self.forget_marks()
        self._undone.clear()

    def forget_marks(self) -> None:
        """Forget the marks."""
        self._history = History(Attempt())

    def undo(self, layer: Labels | None) -> bool:
        """Take back the last mark, or else the last edit of a layer; return whether it was a mark."""
        if self._history.can_undo:
            self._history.undo()
            self._undone.append(True)
            return True
        if layer is not None:
            before = track(layer).version
            layer.undo()
            if track(layer).version != before:
                self._undone.append(False)
        return False

    def redo(self, layer: Labels | None) -> bool:
        """Repeat what was taken back last; return whether it was a mark."""
        was_mark = self._undone.pop() if self._undone else False
        if was_mark:
            self._history.redo()
        elif layer is not None:
            layer.redo()
        return was_mark
