"""Layers that show what was pointed at, and in which a person may add, move and delete marks with napari's tools."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer, Points, Shapes
from numpy.typing import ArrayLike, NDArray

from napari_car.annotation.prompting.pointing import Pointing
from napari_car.gui.label_target import LabelTarget
from napari_car.gui.layer_notes import KEY
from napari_car.gui.placement import labels_transform
from napari_car.sam.prompts import Point, Scribble

from .preview_layer import place_layer

POINTS_NAME, SHAPES_NAME = "Points of the correction", "Box and strokes of the correction"
OBJECT, BACKGROUND = "object", "background"
"""What a mark says is there."""

COLOURS = {OBJECT: "#00b4ff", BACKGROUND: "#ff6a00"}
_SYMBOLS = {OBJECT: "disc", BACKGROUND: "x"}
_MARK = "mark"
_POINT_PX = 10  # on the screen, at any zoom
_BOX_TYPES, _STROKE_TYPES = frozenset(["rectangle", "ellipse"]), frozenset(["path", "line", "polygon"])
_EDGE_SHARE = 1 / 400  # of the longer side of the plane: the width of a box's line


class MarkLayers:
    """A layer of points and one of shapes, exactly over the labels that are corrected.

    Parameters
    ----------
    viewer : ViewerModel
    edited : callable
        Called when a person has changed marks in the layers.
    """

    def __init__(self, viewer: ViewerModel, edited: Callable[[], None]) -> None:
        self._viewer, self._edited = viewer, edited
        self._target: LabelTarget | None = None
        self._points: Points | None = None
        self._shapes: Shapes | None = None
        self._is_showing = False
        self.is_positive = True
        """What new marks in the layers say: the object, or background."""
        self.stroke_width_px = 5.0
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those that are there."""
        return tuple(layer for layer in (self._points, self._shapes) if layer is not None)

    def open(self, target: LabelTarget) -> None:
        """Be there for marks on a plane of labels; the active layer stays."""
        layer = target.layer
        is_over_it = self._target is not None and self._target.layer is layer
        if not is_over_it or any(marks.ndim != layer.ndim for marks in self.layers):
            self.remove()
        self._target = target
        if self._points is None or self._shapes is None:
            self._add(layer)
        for marks in self.layers:  # the labels may have been moved or scaled since
            place_layer(marks, labels_transform(layer, (1.0,) * layer.ndim))

    def show(self, pointing: Pointing) -> None:
        """Show these marks and no others."""
        self._is_showing = True
        try:
            if self._points is not None:
                self._show_points(self._points, pointing.points)
            if self._shapes is not None:
                self._show_shapes(self._shapes, pointing)
        finally:
            self._is_showing = False
        self.set_defaults(self.is_positive, self.stroke_width_px)

    def set_defaults(self, is_positive: bool, stroke_width_px: float) -> None:
        """Say what marks that a person adds in the layers mean, and how wide strokes are there."""
        self.is_positive, self.stroke_width_px = is_positive, stroke_width_px
        name = _name(is_positive)
        for layer in self.layers:
            layer.feature_defaults = {_MARK: [name]}
            layer.selected_data = set()  # or what is selected would change
        if self._points is not None:
            self._points.current_symbol, self._points.current_face_color = _SYMBOLS[name], COLOURS[name]
        if self._shapes is not None:
            self._shapes.current_edge_color, self._shapes.current_edge_width = COLOURS[name], stroke_width_px

    def read(self) -> Pointing:
        """Return the marks that are in the layers on the plane; of several boxes the last."""
        pointing = Pointing() if self._points is None else self._read_points(self._points)
        return pointing if self._shapes is None else self._read_shapes(self._shapes, pointing)

    def remove(self) -> None:
        """Take the layers away."""
        layers, self._target, self._points, self._shapes = self.layers, None, None, None
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def close(self) -> None:
        """Take the layers away and let go of the viewer."""
        self.remove()
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _read_points(self, layer: Points) -> Pointing:
        """Return the points on the plane."""
        pointing = Pointing()
        for place, name in zip(layer.data, layer.features[_MARK], strict=True):
            if self._is_on_plane([place]):
                row, col = self._plane_places([place])[0]
                pointing = pointing.with_point(Point(float(row), float(col), name != BACKGROUND))
        return pointing

    def _read_shapes(self, shapes: Shapes, pointing: Pointing) -> Pointing:
        """Return marks, and the box and strokes on the plane."""
        for index, (vertices, kind) in enumerate(zip(shapes.data, shapes.shape_type, strict=True)):
            if not self._is_on_plane(vertices):
                continue
            path = self._plane_places(vertices)
            if kind in _BOX_TYPES:
                pointing = pointing.with_box((*path.min(axis=0).tolist(), *path.max(axis=0).tolist()))
            elif kind in _STROKE_TYPES:
                is_positive = shapes.features[_MARK].iloc[index] != BACKGROUND
                pointing = pointing.with_scribble(Scribble(path, is_positive, float(shapes.edge_width[index])))
        return pointing

    def _add(self, layer: Labels) -> None:
        """Add the layers that are not there on top; the layer that was worked in stays the active one."""
        active = self._viewer.layers.selection.active
        look: dict[str, Any] = {
            "metadata": {KEY: {"kind": "marks"}},
            **labels_transform(layer, (1.0,) * layer.ndim),
        }
        if self._shapes is None:
            self._shapes = self._viewer.add_shapes(
                ndim=layer.ndim, name=SHAPES_NAME, face_color="transparent", opacity=0.7, **look
            )
            self._shapes.features = {_MARK: np.array([], dtype=object)}
            self._shapes.events.data.connect(self._on_data)
        if self._points is None:
            self._points = self._viewer.add_points(
                np.empty((0, layer.ndim)),
                name=POINTS_NAME,
                features={_MARK: np.array([], dtype=object)},
                size=1,
                border_color="white",
                canvas_size_limits=(_POINT_PX, _POINT_PX),
                **look,
            )
            self._points.events.data.connect(self._on_data)
        self.set_defaults(self.is_positive, self.stroke_width_px)
        if active is not None:
            self._viewer.layers.selection.active = active

    def _show_points(self, layer: Points, points: Sequence[Point]) -> None:
        """Show points, if they are others."""
        names = np.array([_name(point.is_positive) for point in points], dtype=object)
        places = self._data_places([(point.row, point.col) for point in points])
        if not np.array_equal(places, layer.data) or not np.array_equal(names, layer.features[_MARK]):
            layer.data = places
            layer.features = {_MARK: names}
            layer.face_color = [COLOURS[name] for name in names] or "white"
            layer.symbol = [_SYMBOLS[name] for name in names] or "disc"

    def _show_shapes(self, layer: Shapes, pointing: Pointing) -> None:
        """Show box and strokes."""
        names = [_name(stroke.is_positive) for stroke in pointing.scribbles]
        paths = [self._data_places(stroke.path) for stroke in pointing.scribbles]
        paths = [np.repeat(path, 2, axis=0) if len(path) == 1 else path for path in paths]
        widths, kinds = [stroke.width_px for stroke in pointing.scribbles], ["path"] * len(paths)
        if pointing.box is not None:
            top, left, bottom, right = pointing.box
            paths.append(self._data_places([(top, left), (top, right), (bottom, right), (bottom, left)]))
            names.append(OBJECT)
            kinds.append("rectangle")
            widths.append(self._edge_width)
        layer.selected_data = set()
        layer.data = []
        if paths:
            layer.add(paths, shape_type=kinds, edge_width=widths, edge_color=[COLOURS[name] for name in names])
        layer.features = {_MARK: np.array(names, dtype=object)}

    @property
    def _edge_width(self) -> float:
        """Width of a box's line in px."""
        assert self._target is not None
        return max(1.0, _EDGE_SHARE * max(self._target.axes.size_px))

    def _data_places(self, places: ArrayLike) -> NDArray[np.float64]:
        """Return places of the plane, (K, 2), as coordinates of the layer, (K, n axes)."""
        assert self._target is not None
        axes = self._target.axes
        rows_cols = np.asarray(places, dtype=np.float64).reshape(-1, 2)
        data = np.tile(np.array(axes.place(self._target.plane), dtype=np.float64), (len(rows_cols), 1))
        data[:, [axes.row_axis, axes.column_axis]] = rows_cols
        return data

    def _plane_places(self, data: ArrayLike) -> NDArray[np.float64]:
        """Return coordinates of the layer as places of the plane."""
        assert self._target is not None
        axes = self._target.axes
        return np.asarray(data, dtype=np.float64)[:, [axes.row_axis, axes.column_axis]]

    def _is_on_plane(self, data: ArrayLike) -> bool:
        """Tell whether coordinates of the layer lie on the plane that is corrected."""
        assert self._target is not None
        hidden = np.asarray(data, dtype=np.float64)[:, list(self._target.axes.hidden_axes)]
        return bool((np.rint(hidden) == self._target.plane).all())

    def _on_data(self, event: Any) -> None:
        """Tell what a person made of the marks, once it is made."""
        if not self._is_showing and str(event.action) in ("added", "removed", "changed"):
            self._edited()

    def _on_removed(self, event: Any) -> None:
        """Notice that a person deleted a layer, and with it its marks."""
        layer = event.value
        if layer in self.layers:
            self._points = None if layer is self._points else self._points
            self._shapes = None if layer is self._shapes else self._shapes
            if len(layer.data):
                self._edited()


def _name(is_positive: bool) -> str:
    """Return what a mark says is there."""
    return OBJECT if is_positive else BACKGROUND
