"""v, the visual prompts: paper, appendix C and Fig. 4."""

from collections.abc import Collection, Iterable, Iterator

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from scipy.ndimage import binary_fill_holes

from napari_car.config import PromptKind

RED = (255, 0, 0)
BLUR_KERNEL_PX = (15, 15)
LINE_PX = 1


def draw_prompts(
    image: UInt8[np.ndarray, "H W 3"], masks: Iterable[Bool[np.ndarray, "H W"]], kinds: Collection[PromptKind]
) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """Yield the visually prompted image x' of each mask, one at a time (Eq. 4).

    A mask of at most one pixel leaves the image as it is. Parameters as for :func:`draw_prompt`.
    """
    for mask in masks:
        yield draw_prompt(image, mask, kinds) if np.count_nonzero(mask) > 1 else image


def draw_prompt(
    image: UInt8[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"], kinds: Collection[PromptKind]
) -> UInt8[np.ndarray, "H W 3"]:
    """Point at a mask on an image.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        RGB.
    mask : ndarray, (H, W), bool
        What to point at; not empty.
    kinds : collection of str
        Visual prompts; applied in the order blur, gray, black, circle, rectangle, contour.

    Returns
    -------
    ndarray, (H, W, 3), uint8
        A new image.

    Notes
    -----
    Circle and rectangle are centred at the mean of the mask's pixels and half as wide and high as its bounding box,
    so they need not enclose it. Gray weighs red as blue and blue as red. Both as in the paper's Algorithm B.
    """
    prompted = image.copy()
    outside = ~mask
    if "blur" in kinds:
        prompted[outside] = cv2.GaussianBlur(prompted, BLUR_KERNEL_PX, 0)[outside]
    if "gray" in kinds:
        prompted[outside] = cv2.cvtColor(prompted, cv2.COLOR_BGR2GRAY)[outside][:, None]
    if "black" in kinds:
        prompted[outside] = 0
    if "circle" in kinds:
        (x, y), (half_width, half_height) = _centre_and_half_size(mask)
        cv2.ellipse(prompted, (x, y), (half_width, half_height), 0, 0, 360, RED, LINE_PX)
    if "rectangle" in kinds:
        (x, y), (half_width, half_height) = _centre_and_half_size(mask)
        corners = (x - half_width, y - half_height), (x + half_width, y + half_height)
        cv2.rectangle(prompted, *corners, RED, LINE_PX)
    if "contour" in kinds:
        filled = binary_fill_holes(mask).astype(np.uint8)
        contours, _ = cv2.findContours(filled, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(prompted, contours, -1, RED, LINE_PX)
    return prompted


def _centre_and_half_size(mask: Bool[np.ndarray, "H W"]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (x, y) of the centre of mass and half the width and height of the bounding box, in px."""
    rows, columns = np.nonzero(mask)
    height, width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    return (int(columns.mean()), int(rows.mean())), (width // 2, height // 2)
