"""The tools that correct labels, one below the other."""

from napari.components import ViewerModel
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from .folding import Fold
from .instance_tools import InstanceTools
from .label_editing import LabelEditing
from .label_features import label_name
from .line_tools import LineTools
from .plane_tools import PlaneTools
from .query_transfer import QueryTransfer
from .sentence import Sentence


class MaskTools(QWidget):
    """Corrects the chosen label of the layer that is worked in, on the plane that is shown.

    Each press of a button is one undo step of the layer, and what it changes counts as a person's; only telling objects
    apart, and taking that back, changes nobody's pixels.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editing = LabelEditing(viewer, self)
        self._target, self._said = Sentence("Label that is corrected"), Sentence("What a tool did")
        self._all = QCheckBox("All labels of the layer")
        self._all.setToolTip("Off: the chosen label only. A click on a row of the results chooses one.")
        self._protect = QCheckBox("Leave what I painted alone")
        self._protect.setToolTip("Pixels that you changed by hand stay as they are.")
        self.plane_tools, self.transfer = PlaneTools(self._editing), QueryTransfer(self._editing)
        self.line_tools, self.instance_tools = LineTools(self._editing), InstanceTools(self._editing)
        layout = QVBoxLayout(self)
        for part in (self._target, self._all, self._protect, self.plane_tools, self.transfer, self.line_tools):
            layout.addWidget(part)
        layout.addWidget(Fold("Split touching objects, instances", self.instance_tools))
        layout.addWidget(self._said)
        layout.addStretch(1)
        self._all.toggled.connect(self._choose)
        self._protect.toggled.connect(self._choose)
        self._editing.said.connect(self._said.say)
        self._editing.changed.connect(self._show)
        self._show()

    @property
    def text(self) -> str:
        """What was said last."""
        return self._said.text

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """Align the columns, whose width is known when the theme is."""
        super().showEvent(event)
        _align(self.plane_tools, self.transfer, self.line_tools, self.instance_tools)

    def close_connections(self) -> None:
        """Let go of the viewer."""
        self.line_tools.close_connections()
        self.instance_tools.close_connections()
        self._editing.close()

    def _choose(self) -> None:
        """Take over what is meant by a press of a button."""
        self._editing.means_all, self._editing.spares_human = self._all.isChecked(), self._protect.isChecked()
        self.instance_tools.count()

    def _show(self) -> None:
        """Say which label is meant."""
        layer = self._editing.layer
        if layer is None:
            self._target.say("No labels yet: segment an image, or select a layer of labels.")
        else:
            self._target.say(f"{label_name(layer, int(layer.selected_label))} in {layer.name}")


def _align(*parts: QWidget) -> None:
    """Make the first columns of parts that are laid out in grids equally wide."""
    grids = [grid for part in parts if isinstance(grid := part.layout(), QGridLayout)]
    spans = [
        (item, grid.getItemPosition(index))
        for grid in grids
        for index in range(grid.count())
        if (item := grid.itemAt(index)) is not None
    ]
    width_px = max(
        item.sizeHint().width() for item, (_, column, _, n_columns) in spans if (column, n_columns) == (0, 1)
    )
    for grid in grids:
        grid.setColumnMinimumWidth(0, width_px)
