"""Objects of the drawn domain: outline of a shape, colour and pattern inside it."""

import cv2
import numpy as np

from scenes.noise import Rng
from scenes.vocabulary import COLOURS

_SUBPIXEL_BITS = 4


def _star_corners(points: int = 5, inner: float = 0.42) -> np.ndarray:
    """Corners of a star of unit outer radius, point up: (2 * points, 2) as x, y."""
    angles = np.pi * np.arange(2 * points) / points - np.pi / 2
    radii = np.where(np.arange(2 * points) % 2 == 0, 1.0, inner)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1)


def _cross_corners(arm: float = 0.26) -> np.ndarray:
    """Corners of an upright cross inside the unit square: (12, 2) as x, y."""
    quarter = np.array([[arm, -arm], [1, -arm], [1, arm]]) * 0.95
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return np.concatenate([quarter @ np.linalg.matrix_power(turn, k) for k in range(4)])


_CORNERS: dict[str, np.ndarray] = {
    "square": np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.84,
    "triangle": np.array([[0.0, -1.05], [1.0, 0.85], [-1.0, 0.85]]),
    "star": _star_corners() * 1.18,
    "cross": _cross_corners(),
}
_RING_HOLE = 0.52
_TURN_DEGREES = {"square": 5, "triangle": 8, "star": 12, "cross": 6}


def draw_outline(
    rng: Rng, shape_word: str, centre_px: tuple[float, float], radius_px: float, shape: tuple[int, int]
) -> np.ndarray:
    """
    Rasterise one shape, slightly turned.

    Parameters
    ----------
    shape_word : str
        A key of `scenes.vocabulary.SHAPES`.
    centre_px : (row, col)
    radius_px : float
        About half of the extent.
    shape : (H, W)

    Returns
    -------
    (H, W) bool mask; it may reach over the border.
    """
    canvas = np.zeros(shape, np.uint8)
    row, col = centre_px
    scale = 1 << _SUBPIXEL_BITS
    if shape_word in ("circle", "ring"):
        centre = (round(col * scale), round(row * scale))
        cv2.circle(canvas, centre, round(radius_px * scale), 1, -1, shift=_SUBPIXEL_BITS)
        if shape_word == "ring":
            cv2.circle(canvas, centre, round(radius_px * _RING_HOLE * scale), 0, -1, shift=_SUBPIXEL_BITS)
        return canvas.astype(bool)
    limit = _TURN_DEGREES[shape_word]
    angle = np.deg2rad(rng.uniform(-limit, limit))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = _CORNERS[shape_word] @ turn * radius_px + (col, row)
    cv2.fillPoly(canvas, [np.round(corners * scale).astype(np.int32)], 1, shift=_SUBPIXEL_BITS)
    return canvas.astype(bool)


def paint_object(rng: Rng, colour: str, pattern: str, shape: tuple[int, int]) -> np.ndarray:
    """
    Paint an object's colour and pattern over a whole image; the caller cuts it out with the outline.

    Returns
    -------
    (H, W, 3) float32
        Two shades of the colour: the second one only where the pattern is.
    """
    base = np.asarray(COLOURS[colour], np.float32) + rng.normal(0, 5, 3).astype(np.float32)
    second = base * 0.62 if base.mean() > 90 else base + 50
    H, W = shape
    image = np.broadcast_to(base, (H, W, 3)).copy()
    image[_pattern_mask(rng, pattern, shape)] = second
    return image


def _pattern_mask(rng: Rng, pattern: str, shape: tuple[int, int]) -> np.ndarray:
    """Where the second shade goes: (H, W) bool."""
    H, W = shape
    rows, cols = np.mgrid[0:H, 0:W].astype(np.float32)
    if pattern == "plain":
        return np.zeros(shape, bool)
    angle = rng.uniform(0, np.pi) if pattern == "striped" else rng.uniform(-0.3, 0.3)
    u = rows * np.cos(angle) + cols * np.sin(angle)
    v = -rows * np.sin(angle) + cols * np.cos(angle)
    pitch_px = rng.uniform(8, 12)
    if pattern == "striped":
        return (u % pitch_px) < pitch_px * 0.45
    if pattern == "checkered":
        return ((u // (pitch_px * 0.7)) + (v // (pitch_px * 0.7))) % 2 == 0
    offset_u, offset_v = (u % pitch_px) - pitch_px / 2, (v % pitch_px) - pitch_px / 2
    return offset_u**2 + offset_v**2 < (pitch_px * 0.3) ** 2
