"""The bar that asks whether a proposal is accepted or discarded."""

from qtpy.QtCore import QRectF, Signal
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.proposal import ProposalSummary

from .accent import AccentButton
from .sentence import Sentence

_FRAME = 0.5


class ProposalBar(QWidget):
    """Says what a proposal would change, and asks; hidden while there is none.

    Parameters
    ----------
    parent : QWidget, optional
    """

    accepted = Signal(bool)
    """The proposal is accepted; whether a person's pixels are protected."""
    discarded = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = Sentence("Proposal")
        self._replace = QCheckBox("Replace what I painted, too")
        self._replace.setToolTip("Off: pixels that you changed by hand stay as they are. Undo works either way.")
        accept, discard = AccentButton("Accept"), QPushButton("Discard")
        accept.setToolTip("Write the outlines into the labels, as one undo step (Ctrl+Shift+Return)")
        discard.setToolTip("Leave the labels as they are (Ctrl+Shift+Backspace)")
        accept.clicked.connect(self.accept)
        discard.clicked.connect(self.discarded)
        buttons = QHBoxLayout()
        buttons.addWidget(accept)
        buttons.addWidget(discard)
        layout = QVBoxLayout(self)
        layout.addWidget(self._line)
        layout.addWidget(self._replace)
        layout.addLayout(buttons)
        self.hide()

    def show_summary(self, summary: ProposalSummary | None) -> None:
        """Say what the proposal would change; None hides the bar."""
        if summary is None:
            self._replace.setChecked(False)
            self.hide()
            return
        self._line.say(describe_proposal(summary))
        self._replace.setVisible(summary.n_protected > 0)
        self.show()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002
        """Draw a frame, in the colour of text, which is seen in every theme."""
        painter, ink = QPainter(self), self.palette().text().color()
        ink.setAlphaF(_FRAME)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(ink)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def accept(self) -> None:
        """Accept, as the button does."""
        self.accepted.emit(not self._replace.isChecked())


def describe_proposal(summary: ProposalSummary) -> str:
    """Return what accepting would do, in a sentence or two."""
    parts = []
    if summary.n_added:
        parts.append(f"relabels {summary.n_added:,} px")
    if summary.n_removed:
        parts.append(f"clears {summary.n_removed:,} px (red)")
    text = f"Proposal (outlines): {' and '.join(parts)}." if parts else "Proposal: would change only what you painted."
    if summary.n_protected:
        text += f" {summary.n_protected:,} px that you painted stay yours."
    return text
