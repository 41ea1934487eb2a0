"""Remove parts of labels by their size."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Integer

from napari_car.annotation.proposal import Change
from napari_car.errors import ConfigError

from .connected_parts import ConnectedParts, Connectivity, find_parts
from .plane_edit import PlaneEdit


def remove_small_parts(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None = None,
    *,
    min_area_px: int,
    connectivity: Connectivity = 8,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Turn the small connected parts of labels into background.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    ids : collection of int, optional
        Labels in question; all by default.
    min_area_px : int
        Parts of fewer pixels are removed.
    connectivity : {8, 4}
        Whether pixels that touch at a corner are of one part.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are; so do the parts that hold one, whole, rather than that crumbs are left.

    Returns
    -------
    Change or None
        None if no part is that small, as in an empty plane.

    Raises
    ------
    ConfigError
        If the area is negative.
    """
    if min_area_px < 0:
        raise ConfigError(f"The area of the smallest part to be kept cannot be {min_area_px} px.")
    edit = PlaneEdit.around(labels, ids, protected)
    for id_, box in edit.boxes.items():
        parts = find_parts(edit.labels(box) == id_, connectivity)
        _remove(edit, id_, parts, parts.areas_px < min_area_px)
    return edit.change()


def keep_largest_part(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None = None,
    *,
    connectivity: Connectivity = 8,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Turn all connected parts of labels but the largest of each into background.

    Parameters are as for :func:`remove_small_parts`; None is returned if no label has several parts. Of several
    parts that are largest, one is kept.
    """
    edit = PlaneEdit.around(labels, ids, protected)
    for id_, box in edit.boxes.items():
        parts = find_parts(edit.labels(box) == id_, connectivity)
        _remove(edit, id_, parts, np.arange(len(parts) + 1) != parts.largest)
    return edit.change()


def _remove(edit: PlaneEdit, id_: int, parts: ConnectedParts, unwanted: Bool[np.ndarray, " n"]) -> None:
    """Remove parts of a label, except those that hold protected pixels."""
    box = edit.boxes[id_]
    unwanted = unwanted & ~parts.holding(edit.is_protected(box))
    unwanted[0] = False
    edit.paint(box, unwanted[parts.numbers], 0)
