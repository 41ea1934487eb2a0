"""Small pictures of a time step: the map and mask of each query, and what the mask classifier saw."""

import math
from collections.abc import Collection

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from napari_car.config import PromptKind
from napari_car.core.prompts import draw_prompt
from napari_car.io.colours import RGB

MAX_SIDE_PX = 256
"""Longer side of a thumbnail, as long as the thumbnails of a time step fit into their budget."""

MIN_SIDE_PX = 96
"""Longer side of a thumbnail however many there are: about the size at which lists show them."""

STEP_BUDGET_BYTES = 16 * 2**20
"""Memory for the thumbnails of one time step: 64 queries on a square image have the largest ones."""

_BYTES_PER_PX = 4  # three of the prompted image, one of the map
_FILLS: frozenset[PromptKind] = frozenset({"blur", "gray", "black"})
_DIMMED, _TINT, _FAINT_TINT = 0.5, 0.6, 0.2


def thumbnail_size_px(size_px: tuple[int, int], n_thumbnails: int) -> tuple[int, int]:
    """Return height and width of the thumbnails of a time step.

    Parameters
    ----------
    size_px : tuple of int
        Height and width of the image; thumbnails are never larger.
    n_thumbnails : int
        Queries of the time step.
    """
    longer, shorter = max(size_px), max(1, min(size_px))
    pixels = STEP_BUDGET_BYTES / (_BYTES_PER_PX * max(1, n_thumbnails))
    side = min(MAX_SIDE_PX, max(MIN_SIDE_PX, int(math.sqrt(pixels * longer / shorter))))
    scale = min(1.0, side / longer)
    return max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale))


def shrink(image: UInt8[np.ndarray, "H W *C"], size_px: tuple[int, int]) -> UInt8[np.ndarray, "h w *C"]:
    """Return an image at the size (height, width) of a thumbnail; the pixels that become one are averaged."""
    if image.shape[:2] == size_px:
        return image.copy()
    small: UInt8[np.ndarray, "h w *C"] = cv2.resize(image, size_px[::-1], interpolation=cv2.INTER_AREA)
    return small


def shrink_map(grid: Float[np.ndarray, "h w"], size_px: tuple[int, int]) -> UInt8[np.ndarray, "H W"]:
    """Return a map of the patch grid, in [0, 1], at the size of a thumbnail, as 0 to 255."""
    enlarged = cv2.resize(grid, size_px[::-1])  # bilinear, as the proposal itself
    return np.rint(np.clip(enlarged, 0, 1) * 255).astype(np.uint8)


class PromptPainter:
    """Draws visual prompts for the masks of a time step, the same as :func:`napari_car.core.prompts.draw_prompts`.

    What lies outside a mask is blurred and greyed once for all masks, which is three times as fast. A smaller image
    would not do: blur and line are some pixels wide whatever the size, so the one would be too strong, the other too
    thick.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        RGB.
    kinds : collection of str
        Visual prompts.
    """

    def __init__(self, image: UInt8[np.ndarray, "H W 3"], kinds: Collection[PromptKind]) -> None:
        self._image = image
        self._lines = [kind for kind in kinds if kind not in _FILLS]
        nowhere = np.zeros(image.shape[:2], dtype=bool)
        self._outside = draw_prompt(image, nowhere, [kind for kind in kinds if kind in _FILLS])

    def draw(self, mask: Bool[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
        """Return the prompted image; a mask of at most one pixel leaves the image as it is."""
        if np.count_nonzero(mask) <= 1:
            return self._image
        prompted: UInt8[np.ndarray, "H W 3"] = cv2.copyTo(self._image, mask.view(np.uint8), self._outside.copy())
        return draw_prompt(prompted, mask, self._lines) if self._lines else prompted


def tint_mask(
    image: UInt8[np.ndarray, "h w 3"], score_map: UInt8[np.ndarray, "h w"], threshold: float, colour: RGB
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a dimmed grey image with a query's mask in its colour, and its map fainter around it.

    Parameters
    ----------
    image : ndarray, (h, w, 3), uint8
        RGB.
    score_map : ndarray, (h, w), uint8
        The query's map, 0 to 255.
    threshold : float
        η, in [0, 1]: the mask is where the map is above it.
    colour : RGB
    """
    levels = np.arange(256, dtype=np.float32)
    is_inside = levels > 255 * threshold
    tint = np.where(is_inside, _TINT, _FAINT_TINT * levels / 255).astype(np.float32)
    brightness = (1 - tint) * np.where(is_inside, np.float32(1), np.float32(_DIMMED))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) * brightness[score_map]
    paint = tint[:, None] * np.array(colour, dtype=np.float32)
    tinted: UInt8[np.ndarray, "h w 3"] = np.rint(paint[score_map] + grey[..., None]).astype(np.uint8)
    mask = is_inside[score_map].view(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, outlines, -1, colour, 1)
    return tinted
