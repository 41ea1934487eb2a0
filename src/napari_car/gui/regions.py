"""Parts of an image: what is in view, and what a rectangle surrounds."""

import itertools

import numpy as np
from napari.components import ViewerModel
from napari.layers import Shapes
from numpy.typing import ArrayLike, NDArray

from napari_car.annotation.frames import Box, PlaneAxes
from napari_car.errors import ImageError

from .placement import unit_factor
from .sources import ImageSource


def visible_box(viewer: ViewerModel, source: ImageSource) -> Box:
    """Return the part of a source's plane that the canvas shows now.

    It follows from camera and canvas: the ``corner_pixels`` of a multiscale layer reach beyond the view.

    Raises
    ------
    ImageError
        If nothing of the image is in view.
    """
    camera = viewer.scene.camera
    half = np.array(viewer.canvas.viewbox_size(viewer.layers), dtype=np.float64) / (2 * camera.zoom)
    corners = [np.array(camera.center[-2:]) + half * signs for signs in itertools.product((-1, 1), repeat=2)]
    shown = [source.axes.row_axis, source.axes.column_axis]
    box = _pixel_box(_plane_points(source, corners * source.world_factors[shown]), source.axes)
    if box.is_empty:
        raise ImageError(f"Nothing of {source.name} is in view: move or zoom to the part to segment.")
    return box


def rectangle_box(source: ImageSource, shapes_layer: Shapes) -> Box:
    """Return the part of a source's plane that the selected shapes, or else the last shape, lie in.

    Raises
    ------
    ImageError
        If there is no shape, or it lies outside of the image.
    """
    n_shapes, shown = shapes_layer.nshapes, (source.axes.row_axis, source.axes.column_axis)
    if n_shapes == 0:
        raise ImageError(f"There is no rectangle: draw one over {source.name} first.")
    indices = sorted(shapes_layer.selected_data) or [n_shapes - 1]
    vertices = np.concatenate([shapes_layer.data[index] for index in indices])
    # The axes of a layer are the last of the world's, so they are counted from the end.
    from_end = [axis - len(source.axes.shape) for axis in shown]
    if -min(from_end) > shapes_layer.ndim:
        raise ImageError(f"The rectangle was drawn in another view of {source.name}: draw one in this view.")
    factors = [unit_factor(shapes_layer.units[axis], source.placement.units[axis]) for axis in from_end]
    world = np.array([shapes_layer.data_to_world(vertex) for vertex in vertices])[:, from_end]
    box = _pixel_box(_plane_points(source, world * factors), source.axes)
    if box.is_empty:
        raise ImageError(f"The rectangle lies outside of {source.name}: draw it over the image.")
    return box


def _plane_points(source: ImageSource, world: ArrayLike) -> NDArray[np.float64]:
    """Return plane coordinates, (N, 2), of points given by their world coordinates along the shown axes."""
    return source.placement.shown_data((source.axes.row_axis, source.axes.column_axis), world)


def _pixel_box(points: NDArray[np.float64], axes: PlaneAxes) -> Box:
    """Return the pixels between the least and greatest of some points (row, col), at least one, within the plane.

    Pixel i reaches from i - 0.5 to i + 0.5; edges go to the nearest one between pixels. The box is empty if the
    points lie beside the plane.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    first, stop = np.floor(low + 1), np.floor(high + 1)
    middle = np.floor((low + high + 1) / 2)
    is_within_pixel = stop <= first
    first, stop = np.where(is_within_pixel, middle, first), np.where(is_within_pixel, middle + 1, stop)
    return Box(int(first[0]), int(first[1]), int(stop[0]), int(stop[1])).clipped(axes.whole)
