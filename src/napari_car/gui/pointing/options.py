"""How marks are meant, what corrections leave alone, and which predictor is asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QSpinBox, QVBoxLayout, QWidget

from napari_car.annotation.engine import SamRequest
from napari_car.errors import CheckpointError
from napari_car.gui.sam_chooser import SamChooser
from napari_car.gui.settings import EngineSettings

from .work import Consideration

DEFAULT_WIDTH_PX, _MAX_WIDTH_PX = 5, 500


class PointingOptions(QWidget):
    """Options of a correction by pointing that are rarely changed.

    Parameters
    ----------
    models_folder : Path
        Where SAM is looked for.
    parent : QWidget, optional
    """

    marks_changed = Signal()
    """What new marks mean, or how wide strokes are."""
    consideration_changed = Signal()
    """What is left alone."""
    predictor_changed = Signal()
    """Which predictor is asked, or whether it can be."""

    def __init__(self, models_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._negative = QCheckBox("Left button marks background")
        self._negative.setToolTip("For mice with one button, and for marks drawn in the layers of points and shapes.")
        self._width = QSpinBox()
        self._width.setRange(1, _MAX_WIDTH_PX)
        self._width.setValue(DEFAULT_WIDTH_PX)
        self._width.setPrefix("Strokes are ")
        self._width.setSuffix(" px wide")
        self._width.setAccessibleName("Width of strokes, px")
        self._keeps_others = QCheckBox("Leave other labels alone")
        self._keeps_others.setToolTip("Pixels that have another label keep it.")
        self._keeps_others.setChecked(True)
        self._takes_human = QCheckBox("Change what I painted, too")
        self._takes_human.setToolTip("Off: pixels that you changed by hand stay, unless you point at them.")
        self.sams = SamChooser(models_folder)
        self._with_sam = QCheckBox("Ask SAM")
        self._with_sam.setToolTip("Off: outlines follow the edges of the image, without a network and a download.")
        self._with_sam.setChecked(self.sams.state.is_ready)
        self.sams.setVisible(self._with_sam.isChecked())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        parts = (self._negative, self._width, self._keeps_others, self._takes_human, self._with_sam, self.sams)
        for part in parts:
            layout.addWidget(part)
        self._negative.toggled.connect(self.marks_changed)
        self._width.valueChanged.connect(self.marks_changed)
        self._keeps_others.toggled.connect(self.consideration_changed)
        self._takes_human.toggled.connect(self.consideration_changed)
        self._with_sam.toggled.connect(self._on_sam)
        self.sams.changed.connect(self._on_sam)

    @property
    def is_positive(self) -> bool:
        """What the left button says: the object, or background."""
        return not self._negative.isChecked()

    @property
    def stroke_width_px(self) -> float:
        """Diameter of strokes."""
        return float(self._width.value())

    @property
    def consideration(self) -> Consideration:
        """What is left alone."""
        return Consideration(keeps_others=self._keeps_others.isChecked(), keeps_human=not self._takes_human.isChecked())

    def to_dict(self) -> dict[str, Any]:
        """Return what was chosen, fit for JSON; what is left alone is chosen anew each time."""
        return {"asks_sam": self._with_sam.isChecked(), "sam": self.sams.name, "stroke_width_px": self._width.value()}

    def restore(self, choices: Mapping[str, Any]) -> None:
        """Choose what was chosen before; what is missing or not valid any more stays as it is."""
        if isinstance(choices.get("sam"), str):
            self.sams.choose(choices["sam"])
        if isinstance(choices.get("asks_sam"), bool):
            self._with_sam.setChecked(choices["asks_sam"] and self.sams.state.is_ready)
        if isinstance(choices.get("stroke_width_px"), int):
            self._width.setValue(choices["stroke_width_px"])

    def choose_sam(self, name: str) -> None:
        """Choose a SAM by its name or path, as a person would; an empty name: none."""
        if name:
            self.sams.choose(name)
        self._with_sam.setChecked(bool(name))

    def sam_request(self) -> SamRequest | None:
        """Return the SAM that is asked; None for none.

        Raises
        ------
        CheckpointError
            If it is not there.
        """
        if not self._with_sam.isChecked():
            return None
        if self.sams.reason:
            raise CheckpointError(self.sams.reason)
        settings = EngineSettings.current()
        return SamRequest(
            name=self.sams.name,
            models_folder=settings.models_folder,
            device=settings.device,
            precision=settings.precision,
        )

    def _on_sam(self) -> None:
        """Show which one, where one is asked."""
        self.sams.setVisible(self._with_sam.isChecked())
        self.predictor_changed.emit()
