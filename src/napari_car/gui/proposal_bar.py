"""The bar that asks whether a proposal is accepted or discarded."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from .image_results import ProposalSummary


class ProposalBar(QFrame):
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
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._line = QLabel()
        self._line.setWordWrap(True)
        self._replace = QCheckBox("Replace what I painted, too")
        self._replace.setToolTip("Off: pixels that you changed by hand stay as they are. Undo works either way.")
        accept, discard = QPushButton("Accept"), QPushButton("Discard")
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
        self._line.setText(describe_proposal(summary))
        self._replace.setVisible(summary.n_protected > 0)
        self.show()

    def accept(self) -> None:
        """Accept, as the button does."""
        self.accepted.emit(not self._replace.isChecked())


def describe_proposal(summary: ProposalSummary) -> str:
    """Return what accepting would do, in a sentence or two."""
    parts = []
    if summary.n_added:
        parts.append(f"labels {summary.n_added:,} px anew")
    if summary.n_removed:
        parts.append(f"clears {summary.n_removed:,} px")
    text = f"Proposal (outlines): {' and '.join(parts)}." if parts else "Proposal: changes only what you painted."
    if summary.n_protected:
        text += f" {summary.n_protected:,} px that you painted stay yours."
    return text
