"""The object in a box."""

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt8

from .colour_odds import colour_odds
from .graph_cut import cut
from .resizing import resized

_MARGIN = 0.5  # what is looked at around a box, as a share of its sides: the ground
_SIDE_PX = 320
_N_ROUNDS = 3
_COLOUR, _PLACE, _START = 8.0, 10.0, 10.0  # evidence per unit of log odds; at the centre; of the mask before
_MAX_ODDS = 4.0


def segment_box(
    image: UInt8[np.ndarray, "H W 3"], box: tuple[slice, slice], start: Bool[np.ndarray, "H W"]
) -> Bool[np.ndarray, "H W"]:
    """Return the object in a box: nothing outside of it.

    Colours inside are told from those around, and both learnt again from each result, as Rother et al. (2004) do.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        CIE L*a*b*.
    box : tuple of slice
        Rows and columns of the box, not empty.
    start : ndarray, (H, W), bool
        A mask to begin with; where it has nothing inside the box, the middle of the box is.
    """
    height, width = start.shape
    rows, cols = (_widened(part, end) for part, end in zip(box, (height, width), strict=True))
    scale = min(1.0, _SIDE_PX / max(rows.stop - rows.start, cols.stop - cols.start))
    size = tuple(max(1, round((part.stop - part.start) * scale)) for part in (rows, cols))
    pixels: UInt8[np.ndarray, "h w 3"] = resized(image[rows, cols], size)
    inside = np.zeros((height, width), np.float32)
    inside[box] = 1
    is_inside = resized(inside[rows, cols], size) > 0.5
    before = (resized(start[rows, cols].astype(np.float32), size) > 0.5) & is_inside
    found = _cut_box(pixels, is_inside, before, _centrality(box, (rows, cols), size))
    mask = np.zeros((height, width), bool)
    mask[rows, cols] = resized(found.astype(np.float32), (rows.stop - rows.start, cols.stop - cols.start)) > 0.5
    return mask & (inside > 0)


def _cut_box(
    image: UInt8[np.ndarray, "h w 3"],
    is_inside: Bool[np.ndarray, "h w"],
    before: Bool[np.ndarray, "h w"],
    centrality: Float[np.ndarray, "h w"],
) -> Bool[np.ndarray, "h w"]:
    """Return the object of a view of the box and its surroundings."""
    place = _PLACE * centrality
    own: Float[np.ndarray, "h w"] = np.clip(centrality, 0, 1) ** 2 * is_inside
    if before.any():
        place, own = place + _START * np.where(before, 1.0, -1.0), before.astype(float)
    other: Float[np.ndarray, "h w"] = (~is_inside).astype(float)
    if not other.any():  # the box is the image: its rim is the ground
        other = np.clip(-centrality, 0, 1)
    ground, found = other, before
    seeds: Int8[np.ndarray, "h w"] = np.where(is_inside, 0, -1).astype(np.int8)
    for _ in range(_N_ROUNDS):
        odds = np.clip(colour_odds(image, own, other), -_MAX_ODDS, _MAX_ODDS)
        found = cut(image, _COLOUR * odds + place, seeds)
        own, other = found.astype(float), ground + (is_inside & ~found)
    return found


def _centrality(
    box: tuple[slice, slice], window: tuple[slice, slice], size: tuple[int, ...]
) -> Float[np.ndarray, "h w"]:
    """Return 1 in the middle of the box, 0 on the ellipse in it, -1 in its corners and beyond."""
    squares = []
    for part, seen, n in zip(box, window, size, strict=True):
        places = (np.arange(n) + 0.5) * (seen.stop - seen.start) / n + seen.start
        squares.append(((2 * places - part.start - part.stop) / (part.stop - part.start)) ** 2)
    return np.asarray(np.clip(1 - (squares[0][:, None] + squares[1]), -1, 1))


def _widened(part: slice, end: int) -> slice:
    """Return rows or columns with a margin, inside the image."""
    margin = 1 + round(_MARGIN * (part.stop - part.start))
    return slice(max(0, part.start - margin), min(end, part.stop + margin))
