"""What stands out in the dock: the button for what is to be done next, and how far a run is."""

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QProgressBar, QPushButton, QStyle, QStyleOptionButton, QWidget

_HOVER, _TRACK, _DONE = 0.12, 0.15, 0.8
_LINE_PX = 6


class AccentButton(QPushButton):
    """A button in the colour that napari's theme has for what is chosen.

    Parameters
    ----------
    text : str, optional
    parent : QWidget, optional
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._is_accented = True

    def set_accented(self, is_accented: bool) -> None:
        """Stand out, or look like any other button."""
        self._is_accented = is_accented
        self.update()

    def initStyleOption(self, option: QStyleOptionButton | None) -> None:  # noqa: N802
        """Be drawn as a button that is checked, without being one that can be."""
        super().initStyleOption(option)
        if option is not None and self._is_accented and self.isEnabled():
            option.state |= QStyle.StateFlag.State_On

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Show the pointer over it, which themes do not for checked buttons."""
        super().paintEvent(event)
        if self._is_accented and self.isEnabled() and self.underMouse() and not self.isDown():
            _fill(QPainter(self), QRectF(self.rect()), self._ink(_HOVER), 2)

    def _ink(self, opacity: float) -> QColor:
        return _faded(self.palette().buttonText().color(), opacity)


class ProgressLine(QProgressBar):
    """A progress bar without a text, thin, in the colour of text, which is well seen in every theme.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        self.setStyleSheet(f"QProgressBar {{ min-height: {_LINE_PX}px; max-height: {_LINE_PX}px; border: none; }}")

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002
        """Draw what is done over what is to be done."""
        painter, ink, area = QPainter(self), self.palette().text().color(), QRectF(self.rect())
        _fill(painter, area, _faded(ink, _TRACK), _LINE_PX / 2)
        share = (self.value() - self.minimum()) / max(1, self.maximum() - self.minimum())
        if share > 0:
            area.setWidth(max(area.height(), share * area.width()))
            _fill(painter, area, _faded(ink, _DONE), _LINE_PX / 2)


def _fill(painter: QPainter, area: QRectF, colour: QColor, radius: float) -> None:
    """Fill a rectangle with round corners."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(area, radius, radius)


def _faded(colour: QColor, opacity: float) -> QColor:
    """Return a colour with less opacity."""
    faded = QColor(colour)
    faded.setAlphaF(colour.alphaF() * opacity)
    return faded
