"""Colours of labels: each query has its own, and each instance a shade of its query's."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap
from numpy.typing import NDArray
from skimage.color import hsv2rgb, rgb2hsv

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.io import RGB

OTHER_COLOUR = (0.6, 0.6, 0.6, 1.0)
"""Colour of labels that belong to no query: painted by hand under a number of one's own."""

_N_COLOURS = 65_534
# With more, napari sends labels to the screen as floats, for which it has no colour cycle.
_N_OWN = 4_096
# Labels up to here, or up to the highest query, share no colour with instances.
_GOLDEN, _PLASTIC = 0.618034, 0.754878
# The multiples of either are spread evenly, so that neighbours differ, and independently of each other.
_DARKEST, _LIGHTEST, _HUE_SPREAD = -0.35, 0.45, 0.08


def colour_labels(layer: Labels, colours: Mapping[int, RGB], table: InstanceTable) -> None:
    """Give a layer the colours of its queries, and of its instances if it has any."""
    colormap = instance_colormap(colours, table) if len(table) else label_colours(colours)
    # napari does not tell a new colormap that only the chosen label is to be shown.
    colormap.use_selection, colormap.selection = layer.show_selected_label, layer.selected_label
    layer.colormap = colormap


def label_colours(colours: Mapping[int, RGB]) -> DirectLabelColormap:
    """Return napari's colormap of label colours, for labels up to 65,536."""
    by_label: dict[int | None, Any] = {None: OTHER_COLOUR, 0: (0.0, 0.0, 0.0, 0.0)}
    by_label |= {id_: (*(channel / 255 for channel in colour), 1.0) for id_, colour in colours.items()}
    return DirectLabelColormap(color_dict=by_label)


def instance_colormap(colours: Mapping[int, RGB], table: InstanceTable) -> CyclicLabelColormap:
    """Return napari's colormap of label colours, for labels of any size.

    Without numba, only a cycle of colours serves for labels above 65,536. This one ends where the lowest ids of
    instances come just after the ids of queries. 57,000 instances have colours of their own then; those beyond have the
    colours of earlier ones, the latest instance deciding, or of a query.

    Parameters
    ----------
    colours : mapping of int to RGB
        Colour of each query by id.
    table : InstanceTable
        Instances of a query without a colour are as grey as their query, and have shades of grey.
    """
    n_own = max([_N_OWN, *colours, *table.query_ids.values()])
    length = max(_N_COLOURS - n_own, n_own)
    rgba = np.tile(np.array(OTHER_COLOUR), (length + 1, 1))
    rgba[0] = 0.0
    ids, query_ids = (np.fromiter(part, dtype=np.int64, count=len(table)) for part in _columns(table))
    own = np.tile(np.array(OTHER_COLOUR[:3]), (FIRST_ID, 1))
    own[list(colours)] = np.array(list(colours.values()), dtype=np.float64).reshape(-1, 3) / 255
    rgba[_places(ids, length), :3] = _shades(own[query_ids], ids)
    rgba[list(colours), :3] = own[list(colours)]
    return CyclicLabelColormap(colors=rgba)


def _columns(table: InstanceTable) -> tuple[list[int], list[int]]:
    """Return ids of instances, the latest last, and of their queries."""
    rows = sorted(table.query_ids.items())
    return [id_ for id_, _ in rows], [query_id for _, query_id in rows]


def _places(labels: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return the places of labels in a cycle of colours, as napari counts them: 0 is background."""
    return (labels - 1) % length + 1


def _shades(colours: Float[np.ndarray, "N 3"], ids: NDArray[np.int64]) -> Float[np.ndarray, "N 3"]:
    """Return a colour for each id: lighter or darker, and a little to the side."""
    hsv = rgb2hsv(colours)
    hsv[:, 0] = (hsv[:, 0] + (ids * _PLASTIC % 1.0 - 0.5) * _HUE_SPREAD) % 1.0
    turned = hsv2rgb(hsv)
    light = (_DARKEST + (_LIGHTEST - _DARKEST) * (ids * _GOLDEN % 1.0))[:, np.newaxis]
    return np.asarray(np.where(light < 0, turned * (1 + light), turned + (1 - turned) * light))
