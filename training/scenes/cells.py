"""Looks of the microscopy domain: how each concept is coloured in fluorescence and in bright field."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from scenes.noise import Rng, smooth_noise, tint

Look = Literal["fluorescence", "bright field"]
RGB = tuple[int, int, int]


def paint_field(rng: Rng, look: Look, shape: tuple[int, int]) -> np.ndarray:
    """Paint the empty background of a look: (H, W, 3) float32."""
    haze = smooth_noise(rng, shape, 50, 2)
    if look == "fluorescence":
        return tint(haze, (4, 6, 8), (18, 24, 30))
    warm = int(rng.integers(-6, 10))
    return tint(haze, (206 + warm, 206, 200 - warm), (228 + warm, 226, 218 - warm))


def paint_cell(rng: Rng, name: str, look: Look, mask: np.ndarray) -> np.ndarray:
    """
    Paint one instance of a microscopy concept.

    Parameters
    ----------
    mask : (H, W) bool
        Its outline; the depth below the outline shapes rims and facets.

    Returns
    -------
    (H, W, 3) float32, meant where the mask is.
    """
    depth_px = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    image = _PAINTERS[name](rng, look == "fluorescence", depth_px)
    return image * np.float32(rng.uniform(0.9, 1.08))


def _rimmed(depth_px: np.ndarray, rim: RGB, inside: RGB, rim_px: float) -> np.ndarray:
    """Blend from the rim's colour at the outline to the inside's."""
    weight = np.clip(depth_px / rim_px - 0.6, 0, 1)[..., None]
    return np.asarray(rim, np.float32) * (1 - weight) + np.asarray(inside, np.float32) * weight


def _spots(rng: Rng, depth_px: np.ndarray, count: int, radius_px: float) -> np.ndarray:
    """Small discs well inside the outline: (H, W) bool."""
    canvas = np.zeros(depth_px.shape, np.uint8)
    inside = np.argwhere(depth_px > min(radius_px + 2, depth_px.max() * 0.6))
    for row, col in inside[rng.integers(0, len(inside), count)] if len(inside) else ():
        cv2.circle(canvas, (int(col), int(row)), max(1, round(radius_px * rng.uniform(0.7, 1.2))), 1, -1)
    return canvas.astype(bool)


def _round_cell(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint a membrane and grains (fluorescence), or a pink disc, paler in the middle (bright field)."""
    if not glows:
        return _rimmed(depth_px, (186, 70, 84), (232, 150, 152), max(4.0, 0.55 * float(depth_px.max())))
    image = _rimmed(depth_px, (90, 240, 96), (24, 112, 36), 5)
    image[_spots(rng, depth_px, 9, 2)] = (96, 226, 96)
    return image


def _rod(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint an even glow, or Gram's dark violet."""
    shade = smooth_noise(rng, depth_px.shape, 12)
    return tint(shade, (20, 190, 190), (90, 240, 230)) if glows else tint(shade, (54, 32, 116), (86, 58, 150))


def _nucleus(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint it smooth, with a few darker nucleoli."""
    shade = smooth_noise(rng, depth_px.shape, 14)
    image = tint(shade, (40, 60, 200), (84, 116, 255)) if glows else tint(shade, (150, 92, 176), (182, 128, 202))
    image[_spots(rng, depth_px, 3, 3)] = (16, 20, 110) if glows else (84, 36, 120)
    return image


def _filament(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint a bright or brown thread, even along its length."""
    shade = smooth_noise(rng, depth_px.shape, 20)
    return tint(shade, (216, 36, 52), (255, 84, 92)) if glows else tint(shade, (126, 84, 44), (164, 118, 70))


def _debris(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint coarse speckle without order."""
    speckle = smooth_noise(rng, depth_px.shape, 3.5)
    return tint(speckle, (60, 58, 50), (236, 226, 190)) if glows else tint(speckle, (16, 14, 12), (104, 92, 76))


def _budding_cell(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint a wall around a clear body with one vacuole."""
    if glows:
        image = _rimmed(depth_px, (250, 214, 50), (150, 112, 16), 5)
    else:
        image = _rimmed(depth_px, (72, 84, 40), (190, 200, 130), 5)
    image[_spots(rng, depth_px, 1, max(3.0, 0.3 * float(depth_px.max())))] = (52, 38, 6) if glows else (232, 236, 196)
    return image


def _bubble(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint a thick rim around nothing, with a glint."""
    shine = np.float32(rng.uniform(0.95, 1.0))
    if glows:
        return _rimmed(depth_px, (136, 140, 148), (34, 36, 42), 6) * shine
    return _rimmed(depth_px, (20, 20, 24), (250, 250, 250), max(8.0, 0.5 * float(depth_px.max()))) * shine


def _crystal(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint flat facets around the middle."""
    rows, cols = np.indices(depth_px.shape)
    middle_row, middle_col = np.unravel_index(int(depth_px.argmax()), depth_px.shape)
    angle = np.arctan2(rows - middle_row, cols - middle_col) + rng.uniform(0, np.pi)
    facet = np.floor(angle / (2 * np.pi) * 6).astype(int) % 6
    shade = rng.permutation(np.linspace(-1.8, 1.8, 6)).astype(np.float32)[facet]
    return tint(shade, (104, 150, 196), (226, 244, 255)) if glows else tint(shade, (96, 132, 170), (196, 222, 240))


def _star_shaped_cell(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint a body brightest in the middle, with arms."""
    shade = smooth_noise(rng, depth_px.shape, 10)
    image = tint(shade, (200, 40, 190), (240, 104, 226)) if glows else tint(shade, (20, 108, 104), (48, 142, 132))
    image[_spots(rng, depth_px, 1, 5)] = (255, 200, 250) if glows else (10, 58, 60)
    return image


def _diatom(rng: Rng, glows: bool, depth_px: np.ndarray) -> np.ndarray:
    """Paint ribs across the long axis, and a midline."""
    points = np.argwhere(depth_px > 0).astype(np.float64)
    if len(points) < 3:
        return np.zeros((*depth_px.shape, 3), np.float32)
    centred = points - points.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    rows, cols = np.indices(depth_px.shape)
    along = rows * axes[0, 1] + cols * axes[1, 1]
    across = (rows - points[:, 0].mean()) * axes[0, 0] + (cols - points[:, 1].mean()) * axes[1, 0]
    is_rib = (along % 6 < 2.4) | (np.abs(across) < 1.5)
    is_rib &= depth_px > rng.uniform(1.0, 2.0)
    image = np.empty((*depth_px.shape, 3), np.float32)
    image[:] = (236, 96, 24) if glows else (206, 168, 52)
    image[is_rib] = (112, 36, 8) if glows else (122, 92, 16)
    return image


_PAINTERS: dict[str, Callable[[Rng, bool, np.ndarray], np.ndarray]] = {
    "round cell": _round_cell,
    "rod-shaped cell": _rod,
    "nucleus": _nucleus,
    "filament": _filament,
    "debris": _debris,
    "budding cell": _budding_cell,
    "bubble": _bubble,
    "crystal": _crystal,
    "star-shaped cell": _star_shaped_cell,
    "diatom": _diatom,
}
