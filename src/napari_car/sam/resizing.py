"""Images and shares of pixels at another size."""

import cv2
import numpy as np


def resized(array: np.ndarray, size_px: tuple[int, ...]) -> np.ndarray:
    """Return an image or map at another height and width: averaged where it gets smaller, else interpolated.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, 3), uint8 or float32
    size_px : tuple of int
        Height and width. The same as before gives the array itself, made contiguous.
    """
    if array.shape[:2] == size_px:
        return np.ascontiguousarray(array)
    shrinks = size_px[0] < array.shape[0] or size_px[1] < array.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(array, size_px[::-1], interpolation=interpolation))
