"""The mouse over the labels that are corrected: clicks, boxes and strokes, in pixels of the plane."""

from collections.abc import Callable, Generator
from typing import Any, Literal

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_car.annotation.frames import PlaneAxes
from napari_car.gui.placement import Placement, displayed_axes, world_factors
from napari_car.sam.prompts import Point, Scribble

Tool = Literal["points", "box", "stroke"]
"""What a drag with the left button does: moves the view, draws a box, or draws a stroke."""

_LEFT, _RIGHT = 1, 2
_STILL_PX = 4  # on the screen: a mouse that moves less is meant to click
_ZOOM = "double_click_to_zoom"


class MarkingMouse(QObject):
    """Turns the mouse into marks while a layer of labels is active and moves the view; other modes are left alone.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject, optional
    """

    pointed = Signal(object)
    """A :class:`~napari_car.sam.prompts.Point`."""
    boxed = Signal(object)
    """(top, left, bottom, right), px."""
    stroked = Signal(object)
    """A :class:`~napari_car.sam.prompts.Scribble`."""
    drawing = Signal(object)
    """A box or stroke that is still being drawn."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Labels | None = None
        self._tool: Tool = "points"
        self._zooms: list[Callable[..., Any]] = []
        self._moves_view = False
        self.is_positive = True
        """What the left button says: the object, or background; the right one says the opposite."""
        self.stroke_width_px = 5.0

    @property
    def layer(self) -> Labels | None:
        """The layer that is watched."""
        return self._layer

    @property
    def tool(self) -> Tool:
        """What a drag does."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self._tool = tool
        self._take_hold()

    def watch(self, layer: Labels | None) -> None:
        """Watch a layer and no other; None: let go."""
        if layer is self._layer:
            return
        if self._layer is not None:
            self._layer.mouse_drag_callbacks.remove(self._on_drag)
            self._layer.events.mode.disconnect(self._take_hold)
            if str(self._layer.mode) == "pan_zoom":  # in other modes both are napari's
                self._layer.mouse_pan, self._layer.cursor = True, "standard"
        else:
            # Two quick clicks are two marks, not a way to zoom.
            self._zooms = [act for act in self._viewer.mouse_double_click_callbacks if act.__name__ == _ZOOM]
            for act in self._zooms:
                self._viewer.mouse_double_click_callbacks.remove(act)
        self._layer = layer
        if layer is None:
            self._viewer.mouse_double_click_callbacks.extend(self._zooms)
            return
        layer.mouse_drag_callbacks.append(self._on_drag)
        layer.events.mode.connect(self._take_hold)
        self._take_hold()

    def let_move(self, moves_view: bool) -> None:
        """Make no marks, and let the mouse move the view; or make marks again."""
        self._moves_view = moves_view
        self._take_hold()

    def _take_hold(self) -> None:
        """Draw instead of moving the view, where that is the tool."""
        layer = self._layer
        if layer is not None and str(layer.mode) == "pan_zoom":
            layer.mouse_pan = self._tool == "points" or self._moves_view
            layer.cursor = "cross"

    def _on_drag(self, layer: Labels, event: Any) -> Generator[None, None, None]:
        """Follow the mouse from press to release."""
        is_marking = event.button in (_LEFT, _RIGHT) and not event.modifiers and len(event.dims_displayed) == 2
        if not is_marking or self._moves_view or str(layer.mode) != "pan_zoom":
            return
        is_positive = self.is_positive if event.button == _LEFT else not self.is_positive
        draws = self._tool != "points" and (event.button == _LEFT or self._tool == "stroke")
        start, positions = np.array(event.pos), [event.position]
        is_still = True
        yield
        while event.type == "mouse_move":
            is_still = is_still and bool(np.abs(np.array(event.pos) - start).max() < _STILL_PX)
            positions.append(event.position)
            if draws and not is_still:
                self.drawing.emit(self._drawn(layer, positions, is_positive))
            yield
        if is_still:
            row, col = self._places(layer, positions[:1])[0]
            height, width = self._axes(layer).size_px
            if 0 <= row + 0.5 < height and 0 <= col + 0.5 < width:  # elsewhere there is nothing to point at
                self.pointed.emit(Point(float(row), float(col), is_positive))
        elif draws:
            drawn = self._drawn(layer, positions, is_positive)
            (self.stroked if isinstance(drawn, Scribble) else self.boxed).emit(drawn)

    def _drawn(
        self, layer: Labels, positions: list[tuple[float, ...]], is_positive: bool
    ) -> Scribble | tuple[float, float, float, float]:
        """Return what was drawn so far."""
        if self._tool == "stroke":
            return Scribble(self._places(layer, positions), is_positive, self.stroke_width_px)
        (top, left), (bottom, right) = self._places(layer, [positions[0], positions[-1]]).tolist()
        return top, left, bottom, right

    def _places(self, layer: Labels, positions: list[tuple[float, ...]]) -> NDArray[np.float64]:
        """Return places of the canvas, in the viewer's coordinates, as rows and columns of the plane that is drawn."""
        return canvas_to_plane(self._viewer, layer, self._axes(layer), np.array(positions))

    def _axes(self, layer: Labels) -> PlaneAxes:
        """Return which axes of a layer are shown."""
        return PlaneAxes(layer.data.shape, *displayed_axes(self._viewer.dims, layer.ndim))


def canvas_to_plane(
    viewer: ViewerModel, layer: Labels, axes: PlaneAxes, positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return places of the canvas as rows and columns of a layer's plane.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Labels
    axes : PlaneAxes
        Its axes as they are shown.
    positions : ndarray, (K, n)
        In the coordinates of the viewer, of which the last axes are those of the layer.

    Returns
    -------
    ndarray, (K, 2)
        In px; whole numbers are the centres of pixels.
    """
    shown = [axes.row_axis, axes.column_axis]
    world = positions[:, positions.shape[1] - layer.ndim :] * world_factors(viewer.dims, layer.units)
    return Placement.of(layer).shown_data(shown, world[:, shown])
