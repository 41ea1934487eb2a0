"""The line in which queries are typed, or lists of them pasted."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QWidget

_SYNTAX = (
    "<qt>What to look for, such as <i>leaf</i>; several with commas between them.<br>"
    "Other words for the same thing behind bars: <i>leaf | foliage</i>.<br>"
    "A distractor, which competes but gets no mask: <i>not: stem</i>.<br>"
    "Enter adds it; pasting several lines adds them all.</qt>"
)


class QueryLine(QLineEdit):
    """Offers what was typed when Enter is pressed, and several lines as soon as they are pasted.

    Parameters
    ----------
    parent : QWidget, optional
    """

    submitted = Signal(str)
    """The text; it is not cleared."""
    pasted = Signal(str)
    """Several lines that were pasted or dropped; what was typed before is still there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._typed = ""
        self.setPlaceholderText("Type what to look for, e.g. leaf")
        self.setAccessibleName("New query")
        self.setToolTip(_SYNTAX)
        self.setClearButtonEnabled(True)
        self.textChanged.connect(self._on_changed)
        self.returnPressed.connect(lambda: self.submitted.emit(self.text()))

    def _on_changed(self, text: str) -> None:
        """Pass on several lines at once, however they came: by key, menu, mouse or drop."""
        if len(text.splitlines()) < 2:
            self._typed = text
            return
        after = text[self.cursorPosition() :]
        before = self._typed[: len(self._typed) - len(after)]
        is_inserted = text.startswith(before) and self._typed == before + after
        typed, pasted = (self._typed, text[len(before) : self.cursorPosition()]) if is_inserted else ("", text)
        self.setText(typed)
        self.pasted.emit(pasted)
