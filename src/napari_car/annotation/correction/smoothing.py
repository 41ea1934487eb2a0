"""Smooth the outlines of labels."""

import math
from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Integer
from scipy import ndimage

from napari_car.annotation.proposal import Change
from napari_car.errors import ConfigError

from .plane_edit import PlaneEdit

_REACH = 4  # of the Gaussian, in its standard deviations


def smooth(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int] | None = None,
    *,
    radius_px: float,
    overwrite: bool = False,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Smooth the outlines of labels: what the larger half of a pixel's surroundings is, it becomes.

    The surroundings are weighted with a Gaussian. Background becomes a label if this makes up more than half of them;
    a pixel of the label becomes background if background does. So outlines between two labels stay as they are.
    Beyond the plane's border, it goes on as at the border. Several labels are smoothed one after another, in the order
    of their numbers.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    ids : collection of int, optional
        Labels in question; all by default.
    radius_px : float
        Standard deviation of the Gaussian: about the size of what vanishes. 0 changes nothing.
    overwrite : bool
        Let a label grow over others, too, where it makes up more than half of the surroundings.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Change or None
        None if nothing changes, as in an empty plane.

    Raises
    ------
    ConfigError
        If the radius is negative or not finite.
    """
    if not 0 <= radius_px < math.inf:
        raise ConfigError(f"Outlines cannot be smoothed with a radius of {radius_px} px.")
    if radius_px == 0:
        return None
    edit = PlaneEdit.around(labels, ids, protected, math.ceil(_REACH * radius_px) + 1)
    for id_, box in edit.boxes.items():
        now = edit.labels(box)
        own, background = now == id_, now == 0
        fills_in = _is_most(own, radius_px) & (~own if overwrite else background)
        wears_off = _is_most(background, radius_px) & own
        edit.paint(box, fills_in, id_)
        edit.paint(box, wears_off, 0)
    return edit.change()


def _is_most(mask: Bool[np.ndarray, "H W"], radius_px: float) -> Bool[np.ndarray, "H W"]:
    """Return where a mask makes up more than half of the surroundings."""
    share = ndimage.gaussian_filter(mask.astype(np.float32), radius_px, mode="nearest", truncate=_REACH)
    return np.asarray(share > 0.5)
