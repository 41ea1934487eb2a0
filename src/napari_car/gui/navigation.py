"""From a result in a table to its place in the image, and back."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.frames import Frame, PlaneAxes
from napari_car.errors import ImageError

from .layer_notes import instances_of
from .slicing import shown_slice


def shown_frame(viewer: ViewerModel, layer: Labels, axes: PlaneAxes, frames: tuple[Frame, ...]) -> Frame | None:
    """Return the frame of the plane that is shown; of several tiles the one nearest to the middle of the canvas.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Labels
        A result layer, whose pixels the frames count.
    axes : PlaneAxes
        Its axes in the run.
    frames : tuple of Frame
        Candidates.

    Returns
    -------
    Frame or None
        None if no frame lies in the plane that is shown.
    """
    middle = list(viewer.dims.point)
    centre = viewer.scene.camera.center[-viewer.dims.ndisplay :]
    for axis, coordinate in zip(viewer.dims.displayed, centre, strict=True):
        middle[axis] = coordinate
    point = layer.world_to_data(middle)[-len(axes.shape) :]
    try:
        plane = tuple(shown_slice(viewer.dims, layer, axes.hidden_axes).indices.tolist())
    except ImageError:
        return None

    def distance(frame: Frame) -> float:
        rows, columns = (frame.kept.top + frame.kept.bottom) / 2, (frame.kept.left + frame.kept.right) / 2
        return float(np.hypot(point[axes.row_axis] - rows, point[axes.column_axis] - columns))

    return min((frame for frame in frames if frame.plane == plane), key=distance, default=None)


def go_to_label(viewer: ViewerModel, layer: Labels, axes: PlaneAxes, frame: Frame, id_: int) -> bool:
    """Show the plane of a frame, and put the middle of its pixels of a query into the middle of the canvas.

    Instances of the query count as well.

    Returns
    -------
    bool
        Whether there are any; if not, nothing moves.
    """
    labels = instances_of(layer).semantic(np.asarray(axes.plane(layer.data, frame.plane)[frame.kept.slices]))
    rows, columns = np.nonzero(labels == id_)
    if not len(rows):
        return False
    middle = np.zeros(len(axes.shape))
    for axis, index in zip(axes.hidden_axes, frame.plane, strict=True):
        middle[axis] = index
    middle[axes.row_axis] = frame.kept.top + (rows.min() + rows.max()) / 2
    middle[axes.column_axis] = frame.kept.left + (columns.min() + columns.max()) / 2
    world = layer.data_to_world(middle)
    n_more = viewer.dims.ndim - len(world)
    for axis in axes.hidden_axes:
        viewer.dims.set_point(axis + n_more, world[axis])
    if viewer.dims.ndisplay == 2:
        viewer.scene.camera.center = (0.0, *(world[axis - n_more] for axis in viewer.dims.displayed))
    return True
