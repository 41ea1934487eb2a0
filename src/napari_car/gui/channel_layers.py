"""Which layers are images to be segmented, and which are channels of one image."""

from collections.abc import Mapping, Sequence

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from .layer_notes import KEY
from .placement import Placement


def image_layers(viewer: ViewerModel) -> list[Image]:
    """Return the layers that may be segmented, from bottom to top: images that are not score maps of ours."""
    return [layer for layer in viewer.layers if isinstance(layer, Image) and not _is_score_map(layer)]


def channel_layers(viewer: ViewerModel, layer: Image) -> list[Image]:
    """Return a visible layer and the visible images exactly over or under it, from bottom to top."""
    return [other for other in _layers_in_place(viewer, layer) if other.visible]


def lowest_channel(viewer: ViewerModel, layer: Image) -> Image:
    """Return the lowest of the images exactly over or under a layer, and itself, be they visible or hidden now."""
    return _layers_in_place(viewer, layer)[0]


def shown_image(viewer: ViewerModel) -> Image:
    """Return the lowest image that is visible, or else the lowest one; there must be one."""
    layers = image_layers(viewer)
    return next((layer for layer in layers if layer.visible), layers[0])


def _layers_in_place(viewer: ViewerModel, layer: Image) -> list[Image]:
    """Return the images exactly over or under a layer, and itself, from bottom to top."""
    shapes, placement, mates = layer.level_shapes, Placement.of(layer), _grid_mates(viewer, layer)
    return [
        other
        for other in image_layers(viewer)
        if other in mates
        and np.array_equal(other.level_shapes, shapes)
        and placement.is_same_place(Placement.of(other), shapes[0])
    ]


def _is_score_map(layer: Image) -> bool:
    """Tell whether a layer shows scores of an earlier run."""
    notes = layer.metadata.get(KEY)
    return isinstance(notes, Mapping) and notes.get("kind") == "scores"


def _grid_mates(viewer: ViewerModel, layer: Image) -> Sequence[Layer]:
    """Return the layers that are shown in the same cell of the grid; without a grid, all."""
    if viewer.canvas.grid.enabled:
        for _, indices in viewer.canvas.grid.iter_viewboxes(viewer.layers):
            mates = [viewer.layers[index] for index in indices]
            if layer in mates:
                return mates
    return list(viewer.layers)
