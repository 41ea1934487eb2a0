"""What a camera or a microscope adds: uneven light, blur and noise."""

import cv2
import numpy as np

from scenes.noise import Rng


def expose(rng: Rng, image: np.ndarray) -> np.ndarray:
    """
    Photograph a painted scene.

    Parameters
    ----------
    image : (H, W, 3) float32, 0 to 255

    Returns
    -------
    (H, W, 3) uint8
    """
    H, W = image.shape[:2]
    if rng.random() < 0.7:
        angle = rng.uniform(0, 2 * np.pi)
        rows, cols = np.mgrid[-1 : 1 : H * 1j, -1 : 1 : W * 1j].astype(np.float32)
        strength = rng.uniform(0, 0.15)
        image = image * (1 + strength * (rows * np.sin(angle) + cols * np.cos(angle)))[..., None]
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9))
    noise_level = abs(rng.normal(0, 2.0))
    image = image + noise_level * rng.standard_normal(image.shape, np.float32)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)
