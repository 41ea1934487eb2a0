"""Points, strokes and boxes as pixels of an image."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int

from .prompts import Prompts, Scribble

_FAR_PX = 1e6  # further outside, OpenCV's numbers end
_MAX_BRUSH_PX = 32767


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A click or a stroke.

    Parameters
    ----------
    at : ndarray, (K, 2), int
        (row, col) of its pixels, inside the image; K is at least 1.
    is_positive : bool
        Whether they belong to the object.
    """

    at: Int[np.ndarray, "K 2"]
    is_positive: bool


def find_marks(prompts: Prompts, size_px: tuple[int, int]) -> list[Mark]:
    """Return the marks of prompts: points, then strokes, in the order in which they were set.

    A point outside the image is moved to its edge. What of a stroke is outside is left out.
    """
    highest = np.array(size_px) - 1
    marks = []
    for point in prompts.points:
        at = np.clip(np.rint([point.row, point.col]), 0, highest).astype(np.intp)
        marks.append(Mark(at[None], point.is_positive))
    for scribble in prompts.scribbles:
        at = _drawn(scribble, size_px)
        if len(at):
            marks.append(Mark(at, scribble.is_positive))
    return marks


def box_slices(box: tuple[float, float, float, float], size_px: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of a box, at least one of each; one that is outside is moved to the edge."""
    rows, cols = (
        np.clip(np.rint(sorted(ends)), 0, side - 1).astype(int)
        for ends, side in zip((box[::2], box[1::2]), size_px, strict=True)
    )
    return slice(int(rows[0]), int(rows[1]) + 1), slice(int(cols[0]), int(cols[1]) + 1)


def _drawn(scribble: Scribble, size_px: tuple[int, int]) -> Int[np.ndarray, "K 2"]:
    """Return the pixels of a stroke."""
    canvas = np.zeros(size_px, np.uint8)
    path: Float[np.ndarray, "K 2"] = np.clip(scribble.path, -_FAR_PX, _FAR_PX)
    corners = np.rint(path[:, ::-1]).astype(np.int32)
    width_px = int(np.clip(round(scribble.width_px), 1, _MAX_BRUSH_PX))
    cv2.polylines(canvas, [corners], isClosed=False, color=1, thickness=width_px)
    return np.argwhere(canvas)
