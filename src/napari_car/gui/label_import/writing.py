"""Write imported labels over an image: into a new layer, or one that is there, as one step that can be undone."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.correction.plane_edit import place_change
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.layer_reading import read_instances
from napari_car.annotation.proposal import Change
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import TOGETHER
from napari_car.gui.layer_instances import free_table, keep_instances
from napari_car.gui.result_layers import add_result, describe_queries, lay_over, results_of
from napari_car.gui.sources import ImageSource
from napari_car.gui.tracking import track, write_blocks


def layer_for(viewer: ViewerModel, image: Image, source: ImageSource, sheet: QuerySheet) -> Labels | None:
    """Return the layer that results of an image are in, if there is one of this list of queries."""
    return results_of(viewer, image, source.axes.shape, sheet).get(TOGETHER)


def is_empty(layer: Labels, source: ImageSource) -> bool:
    """Tell whether the plane that is shown holds no labels."""
    return not np.any(source.axes.plane(layer.data, source.current))


def write_labels(
    viewer: ViewerModel, image: Image, source: ImageSource, found: LabelLayer, sheet: QuerySheet, into: Labels | None
) -> Labels:
    """Write labels, as a person's, on the plane that is shown; return the layer.

    Parameters
    ----------
    viewer : ViewerModel
    image : Image
    source : ImageSource
        The image as it was captured; labels have the size of a plane of it.
    found : LabelLayer
        What was imported.
    sheet : QuerySheet
        Names and colours of its ids.
    into : Labels or None
        A layer whose labels on this plane are replaced; None: a new one.

    Raises
    ------
    PromptError
        If the layer cannot hold such labels; nothing has changed then.
    QueryError
        If there are no ids left for instances; the same.
    ResourceError
        If there is no memory for a layer.
    """
    layer = add_result(viewer, source, image, TOGETHER, sheet) if into is None else into
    track(layer)
    labels, own, table = np.asarray(found.labels), read_instances(found), InstanceTable()
    if own.query_ids:
        table, labels = free_table(layer).adopted(labels, own)
    change = Change(source.axes.whole.slices, labels, labels != source.axes.plane(layer.data, source.current))
    lay_over(layer, source)
    describe_queries(layer, sheet)
    if table.query_ids:
        keep_instances(layer, table)
    if change.where.any():
        write_blocks(layer, [place_change(change, source.axes, source.current)])
    return layer
