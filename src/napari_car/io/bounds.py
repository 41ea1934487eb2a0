"""The size at which an image is worked on."""

import logging

import cv2
import numpy as np
from jaxtyping import UInt8

_logger = logging.getLogger(__name__)


def bounded(image: UInt8[np.ndarray, "H W 3"], max_side_px: int) -> tuple[UInt8[np.ndarray, "H W 3"], tuple[str, ...]]:
    """Shrink an image whose longer side is above a bound, in px; return notes that say so."""
    height, width = image.shape[:2]
    scale = max_side_px / max(height, width)
    if scale >= 1:
        return image, ()
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    note = f"The image of {width} x {height} px was worked on at {new_width} x {new_height} px."
    _logger.info(note)
    return cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA), (note,)
