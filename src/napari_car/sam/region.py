"""The region that a mark means: what has its label, and what of the rest is to have it, too."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, Int8, UInt8

from .colour_odds import colour_odds
from .graph_cut import contrast_weights, cut
from .resizing import resized

_WINDOW_RADII = 3.0  # half a window is this many radii
_OWN_COLOUR_RADII = 0.4  # standard deviation of the surroundings whose colour is the mark's
_NEIGHBOURHOOD_RADII = 4.0  # standard deviation of the surroundings whose colours are compared
_COLOUR, _INSIDE, _OUTSIDE = 8.0, 20.0, 5.0  # evidence per unit of log odds; for places within, and beyond, the radius
_MAX_ODDS, _LEAST_OWN_ODDS = 4.0, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """A mark, and what it is to change.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        CIE L*a*b*.
    is_labelled : ndarray, (H, W), bool
        Pixels that have the mark's label already: the object's, or the ground's.
    seeds : ndarray, (H, W), int8
        All marks: 1 where the label is the mark's, -1 where it is the other one.
    at : ndarray, (K, 2), int
        (row, col) of the mark's pixels that lack its label; at least one.
    frame_weakness : float
        How little contrast the image's edge has as an outline, from 0 to 1.
    """

    image: UInt8[np.ndarray, "H W 3"]
    is_labelled: Bool[np.ndarray, "H W"]
    seeds: Int8[np.ndarray, "H W"]
    at: Int[np.ndarray, "K 2"]
    frame_weakness: float


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels that are to get a mark's label.

    Parameters
    ----------
    window : tuple of slice
        Where in the image.
    pixels : ndarray, (h, w), bool
        Which pixels of the window; connected to the mark.
    weakness : float
        How little contrast its outline has: the mean of :func:`~napari_car.sam.graph_cut.contrast_weights` along it,
        where outlines that vanish because the region joins what has the label already count as 0.
    """

    window: tuple[slice, slice]
    pixels: Bool[np.ndarray, "h w"]
    weakness: float


def propose_region(correction: Correction, radius_px: float, side_px: int) -> Region:
    """Return the region that a mark means if it is of about some radius.

    It is a graph cut in a window around the mark. Evidence is the colour near the mark against that of what lacks its
    label, and the distance from the mark: for the region within the radius, against it beyond.

    Parameters
    ----------
    correction : Correction
    radius_px : float
    side_px : int
        A window that is longer is made smaller to this.
    """
    window = _window(correction, _WINDOW_RADII * radius_px)
    view = _View(correction, window, side_px)
    distance = view.distance_from_mark() / max(radius_px * view.scale, 0.5)
    near = np.exp(-((distance / _OWN_COLOUR_RADII) ** 2) / 2)
    around = np.exp(-((distance / _NEIGHBOURHOOD_RADII) ** 2) / 2) + 0.02
    place = _INSIDE * np.clip(1 - distance, 0, 1) - _OUTSIDE * np.clip(distance - 1, 0, 3)
    own, other = near + around * view.is_labelled, around * ~view.is_labelled * np.clip(distance - 0.5, 0, 1)
    seeds = np.where(view.is_labelled & (view.seeds == 0), np.int8(1), view.seeds)
    odds = np.clip(colour_odds(view.image, own, other), -_MAX_ODDS, _MAX_ODDS)
    # A mark that contradicts the colours is right: what looks like it is at least as likely to be meant.
    odds += max(0.0, _LEAST_OWN_ODDS - float((odds * near).sum() / near.sum()))
    pixels = cut(view.image, _COLOUR * odds + place, seeds) & ~view.is_labelled
    pixels = view.connected_to_mark(pixels)
    return Region(window, view.enlarged(pixels), view.weakness(pixels))


def _window(correction: Correction, margin_px: float) -> tuple[slice, slice]:
    """Return the part of the image within a distance of a mark, along rows and columns."""
    low, high = correction.at.min(axis=0) - margin_px, correction.at.max(axis=0) + margin_px + 1
    ends = zip(low, high, correction.is_labelled.shape, strict=True)
    top_bottom, left_right = (slice(max(0, int(start)), min(end, int(np.ceil(stop)))) for start, stop, end in ends)
    return top_bottom, left_right


class _View:
    """A window of a correction, made smaller to bound the work."""

    def __init__(self, correction: Correction, window: tuple[slice, slice], side_px: int) -> None:
        self._correction, self._window = correction, window
        labelled = correction.is_labelled[window]
        self._full = labelled.shape
        self.scale = min(1.0, side_px / max(labelled.shape))
        self._size = tuple(max(1, round(side * self.scale)) for side in labelled.shape)
        self.image: UInt8[np.ndarray, "h w 3"] = resized(correction.image[window], self._size)
        self.is_labelled: Bool[np.ndarray, "h w"] = resized(labelled.astype(np.float32), self._size) > 0.5
        self.seeds: Int8[np.ndarray, "h w"] = np.zeros(self._size, np.int8)
        rows, cols = np.nonzero(correction.seeds[window])
        seeds = correction.seeds[window][rows, cols]
        self.seeds[self._place(rows, self._full[0], 0), self._place(cols, self._full[1], 1)] = seeds
        corner = np.array([window[0].start, window[1].start])
        rows, cols = (correction.at - corner).T
        self._mark = (self._place(rows, self._full[0], 0), self._place(cols, self._full[1], 1))
        self.is_labelled[self._mark] = False
        self.seeds[self._mark] = 1

    def distance_from_mark(self) -> Float[np.ndarray, "h w"]:
        """Return the distance of each pixel from the mark."""
        rest = np.ones(self._size, np.uint8)
        rest[self._mark] = 0
        distance: Float[np.ndarray, "h w"] = cv2.distanceTransform(rest, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return distance

    def connected_to_mark(self, pixels: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
        """Return the parts of some pixels that the mark lies in."""
        _, parts = cv2.connectedComponents(pixels.astype(np.uint8), connectivity=4)
        met = np.unique(parts[self._mark])
        return np.isin(parts, met[met > 0])

    def weakness(self, pixels: Bool[np.ndarray, "h w"]) -> float:
        """Return how little contrast the outline of some pixels has; see :class:`Region`."""
        rest = ~self.is_labelled & ~pixels
        length = weak = 0.0
        sides = (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1, :], np.s_[1:, :])
        for weights, (before, after) in zip(contrast_weights(self.image), sides, strict=True):
            is_new = (pixels[before] & rest[after]) | (rest[before] & pixels[after])
            is_joined = (pixels[before] & self.is_labelled[after]) | (self.is_labelled[before] & pixels[after])
            length += int(is_new.sum()) + int(is_joined.sum())
            weak += float(weights[is_new].sum())
        for at_edge, is_of_image in self._at_edges(pixels):
            length += at_edge
            weak += at_edge * (self._correction.frame_weakness if is_of_image else 1.0)
        return weak / length if length else 0.0

    def _at_edges(self, pixels: Bool[np.ndarray, "h w"]) -> list[tuple[int, bool]]:
        """Return how many pixels lie at each edge of the window, and whether it is one of the image."""
        (rows, cols), (height, width) = self._window, self._correction.is_labelled.shape
        return [
            (int(pixels[0].sum()), rows.start == 0),
            (int(pixels[-1].sum()), rows.stop == height),
            (int(pixels[:, 0].sum()), cols.start == 0),
            (int(pixels[:, -1].sum()), cols.stop == width),
        ]

    def enlarged(self, pixels: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "H W"]:
        """Return some pixels of the view at the size of the window; only those without the label."""
        enlarged = resized(pixels.astype(np.float32), self._full) > 0.5
        return np.asarray(enlarged & ~self._correction.is_labelled[self._window])

    def _place(self, places: Int[np.ndarray, " K"], length: int, axis: int) -> Int[np.ndarray, " K"]:
        """Return rows or columns of the window in the view."""
        placed = ((places + 0.5) * self._size[axis] / length).astype(np.intp)
        return np.asarray(np.minimum(placed, self._size[axis] - 1))
