"""The layer that shows what a correction would change, over the labels; not to be edited."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap

from napari_car.annotation.frames import Box
from napari_car.annotation.outlines import outline_labels
from napari_car.gui.label_target import LabelTarget
from napari_car.gui.layer_notes import KEY
from napari_car.gui.placement import Placement, labels_transform

from .work import Preview

NAME = "Correction"
ADDED, REMOVED, OUTLINE = 1, 2, 3
_COLOURS: dict[int | None, tuple[float, ...]] = {
    None: (0.0, 0.0, 0.0, 0.0),
    0: (0.0, 0.0, 0.0, 0.0),
    ADDED: (0.0, 0.7, 1.0, 0.55),
    REMOVED: (1.0, 0.42, 0.0, 0.55),
    OUTLINE: (1.0, 1.0, 1.0, 1.0),
}


class PreviewLayer:
    """Shows the outline of the corrected object in white, what it gains in blue, and what it loses in orange.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None

    @property
    def layer(self) -> Labels | None:
        """The layer, if it is there."""
        return self._layer if self._layer is not None and self._layer in self._viewer.layers else None

    def show(self, target: LabelTarget, preview: Preview) -> None:
        """Show what a correction would change."""
        picture = draw_preview(preview)
        axes = target.axes
        block = axes.plane_of(picture)[tuple(slice(None) if axis in _shown(target) else None for axis in _all(target))]
        self._put(block, _transform(target, preview.answer.window.box), target.layer)

    def clear(self) -> None:
        """Show nothing; the layer stays, since napari takes its time to remove one."""
        if self.layer is not None:
            _set_data(self.layer, np.zeros((1,) * self.layer.ndim, dtype=np.uint8))

    def close(self) -> None:
        """Take the layer away."""
        layer, self._layer = self.layer, None
        if layer is not None:
            self._viewer.layers.remove(layer)

    def _put(self, block: UInt8[np.ndarray, "..."], transform: dict[str, Any], below: Labels) -> None:
        """Show a block at its place."""
        layer = self.layer
        if layer is None or layer.ndim != block.ndim:
            self.close()
            self._add(block, transform, below)
            return
        _set_data(layer, block)
        place_layer(layer, transform)

    def _add(self, block: UInt8[np.ndarray, "..."], transform: dict[str, Any], below: Labels) -> None:
        """Add the layer right over the labels; the layer that was worked in stays the active one."""
        active = self._viewer.layers.selection.active
        self._layer = self._viewer.add_labels(
            block,
            name=NAME,
            opacity=1.0,
            colormap=DirectLabelColormap(color_dict=_COLOURS),
            metadata={KEY: {"kind": "preview"}},
            **transform,
        )
        self._layer.editable = False
        self._viewer.layers.move(len(self._viewer.layers) - 1, self._viewer.layers.index(below) + 1)
        if active is not None:
            self._viewer.layers.selection.active = active


def place_layer(layer: Layer, transform: Mapping[str, Any]) -> None:
    """Lay a layer where these arguments of ``add_labels`` say; only what differs is set, since each draws it anew."""
    for name, value in transform.items():
        if not np.array_equal(getattr(layer, name), value):
            setattr(layer, name, value)


def draw_preview(preview: Preview) -> UInt8[np.ndarray, "H W"]:
    """Return which pixels of the window are gained, lost, and on the outline of what the object becomes."""
    becomes: Bool[np.ndarray, "H W"] = (preview.answer.target | preview.added) & ~preview.removed
    picture = np.zeros(becomes.shape, dtype=np.uint8)
    picture[preview.added], picture[preview.removed] = ADDED, REMOVED
    picture[outline_labels(becomes.astype(np.int32)) != 0] = OUTLINE
    return picture


def _set_data(layer: Labels, block: UInt8[np.ndarray, "..."]) -> None:
    """Set the labels of a layer that is not to be edited; napari lets any be edited that has new data."""
    layer.data = block
    layer.editable = False


def _all(target: LabelTarget) -> range:
    """Return the axes of a label's layer."""
    return range(target.layer.ndim)


def _shown(target: LabelTarget) -> tuple[int, int]:
    """Return those of them that are shown."""
    return target.axes.row_axis, target.axes.column_axis


def _transform(target: LabelTarget, box: Box) -> dict[str, Any]:
    """Return arguments of ``add_labels`` for a layer that holds a part of the plane, of length 1 along hidden axes."""
    layer, axes = target.layer, target.axes
    place = np.array(axes.place(target.plane), dtype=np.float64)
    place[axes.row_axis], place[axes.column_axis] = box.top, box.left
    transform = labels_transform(layer, (1.0,) * layer.ndim)
    shift = np.linalg.solve(transform["affine"][:-1, :-1], Placement.of(layer).matrix @ place)
    return {**transform, "translate": transform["translate"] + shift}
