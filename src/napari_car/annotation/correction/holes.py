"""Fill the holes of labels."""

import math
from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Integer
from scipy import ndimage

from napari_car.annotation.proposal import Change
from napari_car.errors import ConfigError

from .connected_parts import find_parts
from .plane_edit import PlaneEdit


def fill_holes(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None = None,
    *,
    max_area_px: int | None = None,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Fill the background inside labels.

    A hole is a region without the label from which no path leads out over the sides of pixels; one that reaches the
    border of the plane is none. Other labels in a hole stay. Where holes are nested, the innermost of the labels in
    question gets the background.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    ids : collection of int, optional
        Labels in question; all by default.
    max_area_px : int, optional
        Largest hole that is filled, other labels in it included; no limit by default.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Change or None
        None if there is no hole to be filled, as in an empty plane.

    Raises
    ------
    ConfigError
        If the largest area is negative.
    """
    if max_area_px is not None and max_area_px < 0:
        raise ConfigError(f"The largest hole to be filled cannot have {max_area_px} px.")
    edit = PlaneEdit.around(labels, ids, protected)
    # What lies in a hole has a smaller box.
    for id_, box in sorted(edit.boxes.items(), key=lambda item: math.prod(item[1].size_px)):
        now = edit.labels(box)
        edit.paint(box, _holes(now == id_, max_area_px) & (now == 0), id_)
    return edit.change()


def _holes(mask: Bool[np.ndarray, "H W"], max_area_px: int | None) -> Bool[np.ndarray, "H W"]:
    """Return the holes of a mask up to an area."""
    holes = np.asarray(ndimage.binary_fill_holes(mask)) & ~mask
    if max_area_px is None or not holes.any():
        return np.asarray(holes)
    parts = find_parts(holes, connectivity=4)
    return np.asarray(holes & (parts.areas_px <= max_area_px)[parts.numbers])
