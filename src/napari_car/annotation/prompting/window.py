"""The part of a plane that a predictor looks at, and its picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from napari_car.annotation.frames import Box
from napari_car.sam.prompts import Point, Prompts, Scribble
from napari_car.sam.resizing import resized

from .pointing import Pointing

MAX_PICTURE_PX = 1024
"""Longer side of the picture that a predictor looks at: SAM sees no more."""

_WHOLE_PX = 1536  # planes of up to this size are looked at whole, since SAM finds objects better in their surroundings
_MARGIN = 0.5  # by how much a window is longer than what it is about


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a plane, and the size of its picture.

    Parameters
    ----------
    box : Box
        In px of the plane; not empty.
    picture_px : tuple of int
        Height and width of the picture, which is as large or smaller.
    """

    box: Box
    picture_px: tuple[int, int]

    @property
    def scale(self) -> NDArray[np.float64]:
        """Px of the picture per px of the plane, along rows and columns."""
        return np.array(self.picture_px) / self.box.size_px

    def contains(self, extent: Box) -> bool:
        """Tell whether a box lies inside, as far as the plane goes."""
        return extent.is_empty or extent.clipped(self.box) == extent

    def to_picture(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (row, col) of the plane, (..., 2), into that of the picture; pixel centres are whole numbers in both."""
        corner = np.array([self.box.top, self.box.left])
        return np.asarray((places - corner + 0.5) * self.scale - 0.5)

    def prompts(self, pointing: Pointing, mask: Bool[np.ndarray, "H W"] | None) -> Prompts:
        """Return what was pointed at as a predictor takes it.

        Parameters
        ----------
        pointing : Pointing
            Points outside are moved to the edge.
        mask : ndarray of bool, or None
            The mask to be corrected, of the window's size.
        """
        highest = np.array(self.picture_px) - 1.0
        points = []
        for point in pointing.points:
            row, col = np.clip(self.to_picture(np.array([point.row, point.col])), 0, highest)
            points.append(Point(float(row), float(col), point.is_positive))
        box = None
        if pointing.box is not None:
            corners = np.clip(self.to_picture(np.array(pointing.box).reshape(2, 2)), 0, highest)
            top, left, bottom, right = map(float, corners.ravel())
            box = (top, left, bottom, right)
        width = float(self.scale.mean())
        scribbles = tuple(
            Scribble(self.to_picture(stroke.path), stroke.is_positive, stroke.width_px * width)
            for stroke in pointing.scribbles
        )
        picture = None if mask is None else self.shrink(mask)
        return Prompts(tuple(points), box, scribbles, picture)

    def shrink(self, mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "h w"]:
        """Return a mask of the window at the size of the picture."""
        return _resized(mask, self.picture_px)

    def enlarge(self, picture: Bool[np.ndarray, "h w"], mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
        """Return a predicted mask at the size of the window.

        Where the prediction says what the mask said before, the mask's own finer outline stays.
        """
        if picture.shape == mask.shape:
            return picture
        is_changed = _resized(picture != self.shrink(mask), self.box.size_px)
        return np.where(is_changed, _resized(picture, self.box.size_px), mask)


def choose_window(whole: Box, focus: Box, max_picture_px: int = MAX_PICTURE_PX) -> Window:
    """Choose what a predictor looks at: the whole plane, or of a large one the surroundings of an object.

    Parameters
    ----------
    whole : Box
        All pixels of the plane.
    focus : Box
        The object and all that was pointed at; at least partly on the plane.
    max_picture_px : int
        Longer side of the picture.
    """
    focus = focus.clipped(whole)
    if max(whole.size_px) <= _WHOLE_PX * max_picture_px // MAX_PICTURE_PX:
        box = whole
    else:
        side = max(max_picture_px, round((1 + _MARGIN) * max(focus.size_px)))
        top, bottom = _around(focus.top, focus.bottom, side, whole.size_px[0])
        left, right = _around(focus.left, focus.right, side, whole.size_px[1])
        box = Box(top, left, bottom, right)
    shrink = min(1.0, max_picture_px / max(box.size_px))
    height, width = (max(1, round(side * shrink)) for side in box.size_px)
    return Window(box, (height, width))


def _around(start: int, stop: int, length: int, end: int) -> tuple[int, int]:
    """Return a range of some length around another, within 0 to end."""
    first = min(max(0, (start + stop - length) // 2), max(0, end - length))
    return first, min(end, first + length)


def _resized(mask: Bool[np.ndarray, "H W"], size_px: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Return a mask at another size: pixels of which half is covered."""
    return np.asarray(resized(mask.astype(np.float32), size_px) > 0.5)
