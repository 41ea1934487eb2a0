"""What is rarely changed of a query: its name in data sets, what it is a kind of, its phrases, and notes."""

from typing import Any

from qtpy.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import QueryError

from .sentence import Sentence, warned

_LINES = 3


class ClassDialog(QDialog):
    """Edits an entry of a list of queries as a class of an ontology.

    Parameters
    ----------
    sheet : QuerySheet
    entry_id : int
    parent : QWidget, optional
    """

    def __init__(self, sheet: QuerySheet, entry_id: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sheet, self._id = sheet, entry_id
        entry = sheet.entry(entry_id)
        self.setWindowTitle(f"Class {entry_id}: {entry.text}")
        self.name = QLineEdit(entry.name)
        self.name.setPlaceholderText(entry.text)
        self.name.setToolTip("How the class is called in data sets. Empty: as what is looked for.")
        self.kind_of = QComboBox()
        self.kind_of.setAccessibleName("Kind of")
        self.kind_of.setToolTip("The class that this one is a kind of; data sets can hold it.")
        self.kind_of.addItem("nothing else", 0)
        for other in sheet.entries:
            if other.id != entry_id:
                self.kind_of.addItem(other.class_name, other.id)
        self.kind_of.setCurrentIndex(self.kind_of.findData(entry.parent))
        self.phrases = _text_box("\n".join(entry.templates), "{} under a microscope")
        self.phrases.setToolTip("One in each line, with {} where the words go. Empty: the words as they are.")
        self.notes = _text_box(entry.notes, "What belongs to it, and what does not")
        self._said = Sentence("What is wrong")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow("&Name in data sets", self.name)
        form.addRow("&Kind of", self.kind_of)
        form.addRow("&Phrases", self.phrases)
        form.addRow("N&otes", self.notes)
        form.addRow(self._said)
        form.addRow(buttons)

    @property
    def text(self) -> str:
        """What was said last."""
        return self._said.text

    @property
    def fields(self) -> dict[str, Any]:
        """What was entered, as fields of the entry."""
        phrases = (line.strip() for line in self.phrases.toPlainText().splitlines())
        return {
            "name": self.name.text(),
            "parent": int(self.kind_of.currentData()),
            "templates": tuple(filter(None, phrases)),
            "notes": self.notes.toPlainText().strip(),
        }

    def accept(self) -> None:
        """Close if what was entered can be used; say why not otherwise."""
        try:
            self._sheet.changed(self._id, **self.fields)
        except QueryError as error:
            self._said.say(warned(str(error)))
            return
        super().accept()


def _text_box(text: str, hint: str) -> QPlainTextEdit:
    """Return a box for a few lines of text."""
    box = QPlainTextEdit(text)
    box.setPlaceholderText(hint)
    box.setTabChangesFocus(True)
    box.setFixedHeight(_LINES * box.fontMetrics().lineSpacing() + 2 * box.fontMetrics().height())
    return box
