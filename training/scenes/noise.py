"""Smooth random fields, the raw material of textures, outlines and illumination."""

import cv2
import numpy as np

Rng = np.random.Generator


def smooth_noise(
    rng: Rng, shape: tuple[int, int], cell_px: float | tuple[float, float], octaves: int = 1
) -> np.ndarray:
    """
    Draw value noise.

    Parameters
    ----------
    shape : (H, W)
    cell_px : float or (float, float)
        Length over which the field changes, per axis (row, col).
    octaves : int
        Each further octave has half the length and half the amplitude.

    Returns
    -------
    (H, W) float32, about zero mean and unit standard deviation.
    """
    H, W = shape
    cell_row_px, cell_col_px = cell_px if isinstance(cell_px, tuple) else (cell_px, cell_px)
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        rows = max(2, round(H / cell_row_px * 2**octave) + 1)
        cols = max(2, round(W / cell_col_px * 2**octave) + 1)
        coarse = rng.standard_normal((min(rows, H), min(cols, W)), np.float32)
        total += cv2.resize(coarse, (W, H), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    total -= total.mean()
    return total / max(float(total.std()), 1e-6)


def tint(field: np.ndarray, dark: tuple[int, ...], light: tuple[int, ...]) -> np.ndarray:
    """Map a field's -2..2 to colours from `dark` to `light`: (H, W) -> (H, W, 3) float32."""
    weight = np.clip(field * 0.25 + 0.5, 0, 1)[..., None].astype(np.float32)
    return np.asarray(dark, np.float32) * (1 - weight) + np.asarray(light, np.float32) * weight
