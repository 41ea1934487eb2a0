"""Score maps as layers: how strongly each pixel speaks for a query."""

from typing import TYPE_CHECKING

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_car.annotation.frames import Frame

from .layer_notes import KEY
from .sources import ImageSource

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation

COLORMAP = "magma"
OPACITY = 0.7


def show_score_map(viewer: ViewerModel, source: ImageSource, frame: Frame, result: "Segmentation", id_: int) -> Image:
    """Add the last score map of a query over the image, or renew the one that is there.

    The map has the shape of the labels; outside of the frame it has no value.

    Parameters
    ----------
    viewer : ViewerModel
    source : ImageSource
    frame : Frame
    result : Segmentation
        Of this frame.
    id_ : int
        Label of the query.
    """
    index = next(i for i, query in enumerate(result.queries) if query.id == id_)
    scores = np.full(source.axes.size_px, np.nan, dtype=np.float32)
    scores[frame.box.slices] = result.score_map(index)
    shape = [1] * len(source.axes.shape)
    shape[source.axes.row_axis], shape[source.axes.column_axis] = source.axes.size_px
    data = source.axes.plane_of(scores).reshape(shape)
    name = f"Score map: {result.queries[index].text}"
    notes = {KEY: {"kind": "scores"}}
    for layer in viewer.layers:
        if isinstance(layer, Image) and layer.name == name and layer.metadata.get(KEY) == notes[KEY]:
            viewer.layers.remove(layer)
            break
    active = viewer.layers.selection.active
    layer = viewer.add_image(
        data,
        name=name,
        colormap=COLORMAP,
        contrast_limits=(0.0, 1.0),
        opacity=OPACITY,
        blending="translucent",
        metadata=notes,
        **source.transform_at(frame.plane),
    )
    if active is not None and active in viewer.layers:
        viewer.layers.selection.active = active
    return layer
