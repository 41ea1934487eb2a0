"""Masks of referring benchmarks: COCO's polygons, drawn by COCO's own library."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

from napari_car.dataset.rle import decompress, import_pycocotools, runs_of
from napari_car.errors import DocumentError

Polygons = tuple[tuple[float, ...], ...]
"""Polygons of an object: x and y in turns."""

Overlap = Literal["released", "union"]
"""What pixels are that lie in several polygons of one object.

The interface of RefCOCO's publishers (``refer.getMask``) draws each polygon by itself and adds them up, and leaves it
to its users what values above 1 are. ``released``: only pixels with the value 1 are the object, as in the authors'
evaluation and the loaders before it. ``union``: all pixels above 0.
"""


def draw_target(polygons: Polygons, size_px: tuple[int, int], overlap: Overlap) -> Bool[np.ndarray, "H W"]:
    """Draw the mask of an object.

    Raises
    ------
    MissingExtraError
        If pycocotools is not installed.
    """
    height, width = size_px
    counts = np.zeros(height * width, dtype=np.int32)
    for code in import_pycocotools().frPyObjects([list(polygon) for polygon in polygons], height, width):
        for start, end in runs_of(decompress(code["counts"].decode("ascii"))).tolist():
            counts[start:end] += 1
    is_target = counts == 1 if overlap == "released" else counts > 0
    return np.ascontiguousarray(is_target.reshape(width, height).T)


def checked_polygons(segmentation: Any, size_px: tuple[int, int]) -> Polygons:
    """Return the polygons of a COCO annotation.

    Raises
    ------
    DocumentError
        If it has none that can be drawn; the text is the reason only.
    """
    if not isinstance(segmentation, list) or not segmentation:
        raise DocumentError("it has no polygons")
    low, high = -max(size_px), 2 * max(size_px)
    for points in segmentation:
        # Four numbers would be taken for a box.
        if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
            raise DocumentError("a polygon must be three or more pairs of x and y")
        if not all(isinstance(value, int | float) and low <= value <= high for value in points):
            raise DocumentError("a polygon leads far out of the image")
    return tuple(map(tuple, segmentation))
