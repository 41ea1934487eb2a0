"""A spin box for numbers of any size, and one with a slider beside it."""

import math

from qtpy.QtCore import QSignalBlocker, QSize, Qt
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

_DECIMALS = 6
_N_SLIDER_STEPS = 100
# Whole numbers are exact in a double up to here.
_LARGEST_WHOLE = 2**53


class NumberBox(QDoubleSpinBox):
    """Shows a number as it would be written by hand: 0.4, not 0.400000; its arrows take steps of fitting size.

    Parameters
    ----------
    low, high : float or None
        Closed range; None where there is no bound.
    is_whole : bool
        Whether only whole numbers are possible.
    parent : QWidget, optional
    """

    def __init__(self, low: float | None, high: float | None, *, is_whole: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        limit = float(_LARGEST_WHOLE) if is_whole else 1e300
        self._smallest_step = 1.0 if is_whole else 0.01
        self._largest_step = limit if high is None or low is None else (high - low) / _N_SLIDER_STEPS
        self.setDecimals(0 if is_whole else _DECIMALS)
        self.setRange(-limit if low is None else low, limit if high is None else high)

    def textFromValue(self, v: float) -> str:  # noqa: N802  # Qt's name
        """Write a number without zeros at its end."""
        text = super().textFromValue(v)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text

    def stepBy(self, steps: int) -> None:  # noqa: N802  # Qt's name
        """Take steps of a tenth of the number's size."""
        size = 10.0 ** (math.floor(math.log10(abs(self.value()) or 1.0)) - 1)
        self.setSingleStep(max(self._smallest_step, min(size, self._largest_step)))
        super().stepBy(steps)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the size for usual numbers, whatever the range."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the size for usual numbers, whatever the range."""
        self.ensurePolished()
        metrics = self.fontMetrics()
        longest = super().textFromValue(self.maximum())[:18]
        spare = metrics.horizontalAdvance("00000") - metrics.horizontalAdvance(longest)
        hint = super().minimumSizeHint()
        return QSize(hint.width() + spare, hint.height())


class NumberSlider(QWidget):
    """A slider over a range, and a box for numbers between its steps.

    Parameters
    ----------
    box : NumberBox
        With a bounded range.
    parent : QWidget, optional
    """

    def __init__(self, box: NumberBox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = box
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _N_SLIDER_STEPS)
        self._slider.setPageStep(_N_SLIDER_STEPS // 10)
        # The box does all with keys: a second stop on the way through the form would be in the way.
        self._slider.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, stretch=1)
        layout.addWidget(box)
        self._slider.valueChanged.connect(self._on_slider)
        box.valueChanged.connect(self._on_box)
        self._on_box(box.value())

    def _on_slider(self, position: int) -> None:
        """Write the slider's number into the box."""
        low, high = self.box.minimum(), self.box.maximum()
        self.box.setValue(low + (high - low) * position / _N_SLIDER_STEPS)

    def _on_box(self, value: float) -> None:
        """Put the slider next to the box's number."""
        low, high = self.box.minimum(), self.box.maximum()
        with QSignalBlocker(self._slider):
            self._slider.setValue(round((value - low) / (high - low) * _N_SLIDER_STEPS))
