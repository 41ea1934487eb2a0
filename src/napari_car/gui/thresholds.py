"""The two thresholds that can be moved after a run: masks and verdicts follow, the networks do not run again."""

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget
from superqt import QLabeledDoubleSlider

from napari_car.config import CaRConfig
from napari_car.decisions import effective_mask_threshold

_STEP = 0.01


class ThresholdSliders(QWidget):
    """Sliders for θ, which decides what is found, and η, which decides how far masks reach.

    Parameters
    ----------
    parent : QWidget, optional
    """

    moved = Signal()
    """A person moved a slider; see :attr:`score_threshold` and :attr:`mask_threshold`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = (0.5, 0.5)
        self._score = _slider("Score threshold", 0.0, 1.0)
        self._mask = _slider("Mask threshold", _STEP, 1 - _STEP)
        self._reset = QPushButton("Reset")
        self._reset.setToolTip("Back to the thresholds of the run.")
        self._reset.clicked.connect(self._go_back)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel("Decide again, without running again"), 0, 0, 1, 2)
        layout.addWidget(self._reset, 0, 2)
        rows = (
            ("Found from &score θ", self._score, "Queries whose score is lower are absent. Lower: more is found."),
            ("Mask from score &map η", self._mask, "Pixels below it are background. Lower: larger masks."),
        )
        for row, (text, slider, tip) in enumerate(rows, start=1):
            label = QLabel(text)
            label.setBuddy(slider)
            label.setToolTip(tip)
            slider.setToolTip(tip)
            layout.addWidget(label, row, 0)
            layout.addWidget(slider, row, 1, 1, 2)
            slider.valueChanged.connect(self._on_moved)
        layout.setColumnStretch(1, 1)
        self.setEnabled(False)

    @property
    def score_threshold(self) -> float | None:
        """θ; None if it is that of the run."""
        return self._changed(self._score.value(), self._base[0])

    @property
    def mask_threshold(self) -> float | None:
        """η; None if it is that of the run."""
        return self._changed(self._mask.value(), self._base[1])

    def start_from(self, config: CaRConfig) -> None:
        """Show the thresholds of a run, to be moved from there."""
        self.setEnabled(True)
        self._base = (config.recurrence.score_threshold, effective_mask_threshold(config))
        self._show_base()

    def _go_back(self) -> None:
        self._show_base()
        self.moved.emit()

    def _show_base(self) -> None:
        """Put the sliders where the run had them."""
        for slider, value in zip((self._score, self._mask), self._base, strict=True):
            with QSignalBlocker(slider):
                slider.setValue(value)
        self._reset.setEnabled(False)

    def _on_moved(self) -> None:
        self._reset.setEnabled(self.score_threshold is not None or self.mask_threshold is not None)
        self.moved.emit()

    @staticmethod
    def _changed(value: float, base: float) -> float | None:
        """Return a value that differs visibly from the base, else None."""
        return None if abs(value - base) < _STEP / 2 else round(value, 2)


def _slider(name: str, low: float, high: float) -> QLabeledDoubleSlider:
    """Return a slider over a range."""
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(low, high)
    slider.setDecimals(2)
    slider.setAccessibleName(name)
    return slider
