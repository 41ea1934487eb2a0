"""Text for users that fits any width: it wraps at words, and within paths and addresses that are longer than a line."""

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QResizeEvent, QTextOption, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QTextEdit, QWidget


def warned(text: str) -> str:
    """Return a text with the sign of a warning before it."""
    return f"⚠ {text}"


class Sentence(QTextEdit):
    """Text that can be selected and copied; takes no place while it is empty.

    A label cannot break a long path, and would so widen the whole dock.

    Parameters
    ----------
    accessible_name : str
        What the text is about, for screen readers.
    parent : QWidget, optional
    """

    def __init__(self, accessible_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(accessible_name)
        self.setReadOnly(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFrameShape(QTextEdit.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        document = self.document()
        assert document is not None
        document.setDocumentMargin(0)
        self._document = document
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # It should look like a label, whatever the theme makes of boxes for typing.
        self.setStyleSheet("QTextEdit, QTextEdit > QWidget { background: transparent; border: none; padding: 0; }")
        self.setVisible(False)

    @property
    def text(self) -> str:
        """What is said."""
        return self.toPlainText()

    def say(self, text: str) -> None:
        """Show a text; hide for an empty one."""
        if text == self.text:
            return
        self.setPlainText(text)
        self.setVisible(bool(text))
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Ask for the height that the text has at the present width."""
        return QSize(super().sizeHint().width(), self._height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Let the width shrink to a few letters."""
        return QSize(self.fontMetrics().averageCharWidth() * 8, self._height)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """Follow the width."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802  # Qt's name
        """Follow the font and the theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802  # Qt's name
        """Leave the wheel to the dock."""
        if event is not None:
            event.ignore()

    @property
    def _height(self) -> int:
        """Height of the text in px."""
        return max(1, round(self._document.size().height()))

    def _fit(self) -> None:
        """Take the height of the text."""
        if self.height() != self._height:
            self.setFixedHeight(self._height)
