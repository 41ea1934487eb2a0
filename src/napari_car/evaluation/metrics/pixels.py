"""What the metrics take: masks and label maps of one image, checked before anything is counted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Integer

from napari_car.errors import ImageError

Mask = Bool[np.ndarray, "H W"]
LabelMap = Integer[np.ndarray, "..."]


def check_masks(masks: Mapping[str, Any]) -> None:
    """Refuse masks, given by name, that are not of bool, have no pixels, or are not of one height and width.

    Raises
    ------
    ImageError
        It names the mask.
    """
    for name, mask in masks.items():
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.ndim != 2 or not mask.size:
            raise ImageError(f"The {name} must be a mask of true and false with rows and columns, not {_said(mask)}.")
    _check_one_shape(masks)


def check_label_maps(maps: Mapping[str, Any]) -> None:
    """Refuse label maps, given by name, that do not hold whole numbers, or are not of one shape.

    Raises
    ------
    ImageError
        It names the map.
    """
    for name, map_ in maps.items():
        if not isinstance(map_, np.ndarray) or map_.dtype.kind not in "iu":
            raise ImageError(f"The {name} must hold one whole number per pixel, not {_said(map_)}.")
    _check_one_shape(maps)


def count_pixels(mask: Mask) -> int:
    """Return the number of pixels in a mask."""
    return int(np.count_nonzero(mask))


def iou(intersection_px: int, union_px: int, *, empty: float) -> float:
    """Return intersection over union in [0, 1], and what is said where both masks are empty."""
    return intersection_px / union_px if union_px else empty


def _check_one_shape(arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse arrays of several shapes."""
    if len({array.shape for array in arrays.values()}) > 1:
        said = ", ".join(f"the {name} {_shape_text(array)}" for name, array in arrays.items())
        raise ImageError(f"What is compared must have one size, but of rows and columns has {said}.")


def _said(value: Any) -> str:
    """Say what was given instead."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with the shape {_shape_text(value)}"
    return f"a {type(value).__name__}"


def _shape_text(array: np.ndarray) -> str:
    """Write a shape as 480 x 640."""
    return " x ".join(map(str, array.shape)) or "of a single number"
