"""The layer in which a line is drawn over labels; it is there while a tool waits for lines."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from napari.components import ViewerModel
from napari.layers import Labels, Shapes
from napari.utils.events import Event
from qtpy.QtCore import QObject, QTimer, Signal

from napari_car.annotation.frames import PlaneAxes

from .label_editing import MARKS
from .layer_notes import KEY
from .placement import Placement, labels_transform, unit_factor

NAME = "Line"
_COLOUR = "#ffdc00"
_WIDTH_SHARE = 1 / 250
"""Of the longer side of the plane: how wide a line is drawn."""


class LineLayer(QObject):
    """A layer exactly over labels, in which a drag draws a straight line, and napari's other tools any other.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject, optional
    """

    drawn = Signal()
    """A line is finished; :meth:`take_path` takes it."""
    ended = Signal()
    """The layer is gone: Esc was pressed in it, or it was deleted."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Shapes | None = None
        self._labels: Labels | None = None
        # napari is still at work in the layer when it tells of a line or a key.
        self._soon_drawn, self._soon_closed = soon(self.drawn.emit, self), soon(self.close, self)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def labels(self) -> Labels | None:
        """The labels that lines are drawn over; None while there is no layer."""
        return self._labels

    def open(self, labels: Labels) -> None:
        """Be there for lines over some labels, ready to draw."""
        if self._layer is None or self._labels is not labels:
            self.close()
            self._labels = labels
            self._layer = self._add(labels)
        self._viewer.layers.selection.active = self._layer
        self._layer.mode = "add_line"

    def take_path(self, axes: PlaneAxes) -> Float[np.ndarray, "K 2"]:
        """Take the line out of the layer.

        Parameters
        ----------
        axes : PlaneAxes
            Of the labels, as they are shown.

        Returns
        -------
        ndarray, (K, 2), float
            Its corners on the plane of the labels, (row, col) in px; none if there is no line.
        """
        layer, labels = self._layer, self._labels
        if layer is None or labels is None or not layer.nshapes:
            return np.empty((0, 2))
        vertices, shown, placement = layer.data[-1], [axes.row_axis, axes.column_axis], Placement.of(layer)
        layer.selected_data = set()
        layer.data = []
        world = vertices @ placement.matrix.T + placement.offset
        factors = [unit_factor(layer.units[axis], labels.units[axis]) for axis in shown]
        return Placement.of(labels).shown_data(shown, world[:, shown] * factors)

    def close(self) -> None:
        """Take the layer away; the labels are worked in again."""
        layer, labels, self._layer, self._labels = self._layer, self._labels, None, None
        if layer is None:
            return
        was_active = self._viewer.layers.selection.active is layer
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
        if was_active and labels in self._viewer.layers:
            self._viewer.layers.selection.active = labels
        self.ended.emit()

    def close_connections(self) -> None:
        """Take the layer away and let go of the viewer."""
        self.close()
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _add(self, labels: Labels) -> Shapes:
        """Add the layer on top."""
        layer = self._viewer.add_shapes(
            ndim=labels.ndim,
            name=NAME,
            edge_color=_COLOUR,
            face_color="transparent",
            edge_width=max(1.0, _WIDTH_SHARE * max(labels.data.shape[-2:])),
            metadata={KEY: {"kind": MARKS}},
            **labels_transform(labels, (1.0,) * labels.ndim),
        )
        layer.events.data.connect(self._on_data)
        layer.bind_key("Escape", self._on_escape)
        # Lines have no history of their own: what is taken back is what they did.
        layer.bind_key("Control-Z", lambda _: labels.undo())
        layer.bind_key("Control-Shift-Z", lambda _: labels.redo())
        return layer

    def _on_data(self, event: Event) -> None:
        """Notice that a line is finished."""
        if str(event.action) == "added":
            self._soon_drawn.start()

    def _on_escape(self, _layer: Any) -> None:
        self._soon_closed.start()

    def _on_removed(self, event: Event) -> None:
        """Notice that a person deleted the layer, or the labels below it."""
        if event.value is self._layer:
            self.close()
        elif event.value is self._labels:
            self._soon_closed.start()  # not now, since napari may be about to remove the line itself


def soon(act: Callable[[], object], parent: QObject) -> QTimer:
    """Return a timer that does something as soon as Qt is idle."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(0)
    timer.timeout.connect(act)
    return timer
