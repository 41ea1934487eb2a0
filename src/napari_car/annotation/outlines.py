"""Outlines of labels, to show a proposal over what it is about."""

import cv2
import numpy as np
from jaxtyping import Int32

_SIDE_PER_PX = 600
"""Outlines are a pixel wide up to this length of the longer side, then wider: such images are seen small."""


def outline_labels(labels: Int32[np.ndarray, "H W"]) -> Int32[np.ndarray, "H W"]:
    """Return the labels of pixels near another label or background, inside their own area; 0 elsewhere.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        0 is background; at most 2 ** 24.
    """
    width_px = max(1, round(max(labels.shape) / _SIDE_PER_PX))
    kernel = np.ones((2 * width_px + 1, 2 * width_px + 1), dtype=np.uint8)
    values = labels.astype(np.float32)
    # Beyond the border is background: a label that fills the image has a line along it, or nothing would be seen.
    grown = cv2.dilate(values, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    shrunk = cv2.erode(values, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.where(grown != shrunk, labels, np.int32(0))
