"""Outlines of the microscopy domain: one rasteriser per concept, all (H, W) bool."""

from collections.abc import Callable

import cv2
import numpy as np

from scenes.noise import Rng

Point = tuple[float, float]


def _fill(corners_xy: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Fill one polygon."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(corners_xy * 16).astype(np.int32)], 1, shift=4)
    return canvas.astype(bool)


def _turned(corners_xy: np.ndarray, angle: float, centre_px: Point) -> np.ndarray:
    """Turn corners about the origin and move them to centre_px (row, col)."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return corners_xy @ turn + (centre_px[1], centre_px[0])


def _blob(rng: Rng, centre_px: Point, axes_px: Point, roughness: float, shape: tuple[int, int]) -> np.ndarray:
    """Fill an ellipse whose radius wavers by `roughness`, at a random angle."""
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waver = 1 + sum(roughness / k * rng.normal() * np.cos(k * t + rng.uniform(0, 2 * np.pi)) for k in range(2, 6))
    corners = np.stack([np.cos(t) * axes_px[0], np.sin(t) * axes_px[1]], 1) * waver[:, None]
    return _fill(_turned(corners, rng.uniform(0, np.pi), centre_px), shape)


def _round_cell(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    return _blob(rng, centre_px, (radius_px * 0.95, radius_px * rng.uniform(0.87, 0.95)), 0.03, shape)


def _rod(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    angle = rng.uniform(0, np.pi)
    half = radius_px * rng.uniform(0.85, 1.1)
    bend = rng.normal(0, 0.12) * radius_px
    t = np.linspace(-1, 1, 9)
    spine = _turned(np.stack([t * half, bend * (1 - t**2)], 1), angle, centre_px)
    canvas = np.zeros(shape, np.uint8)
    width_px = max(6, round(radius_px * rng.uniform(0.62, 0.74)))
    cv2.polylines(canvas, [np.round(spine * 16).astype(np.int32)], False, 1, width_px, shift=4)
    return canvas.astype(bool)


def _nucleus(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    return _blob(rng, centre_px, (radius_px, radius_px * rng.uniform(0.68, 0.8)), 0.04, shape)


def _filament(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    angle = rng.uniform(0, np.pi)
    length = radius_px * rng.uniform(2.6, 3.4)
    t = np.linspace(-0.5, 0.5, 40)
    wave = radius_px * 0.5 * np.sin(2 * np.pi * t * rng.uniform(0.9, 1.5) + rng.uniform(0, 2 * np.pi))
    spine = _turned(np.stack([t * length, wave], 1), angle, centre_px)
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(canvas, [np.round(spine * 16).astype(np.int32)], False, 1, int(rng.integers(9, 13)), shift=4)
    return canvas.astype(bool)


def _debris(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    angles = np.sort(rng.uniform(0, 2 * np.pi, 15))
    radii = radius_px * rng.uniform(0.5, 1.0, 15)
    corners = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * 0.85], 1)
    return _fill(_turned(corners, rng.uniform(0, np.pi), centre_px), shape)


def _budding_cell(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    mother_px = radius_px * 0.72
    bud_px = radius_px * rng.uniform(0.4, 0.5)
    towards_bud = np.array([np.sin(angle), np.cos(angle)])
    mother_at = tuple(np.asarray(centre_px) - towards_bud * bud_px * 0.8)
    bud_at = tuple(np.asarray(mother_at) + towards_bud * (mother_px + bud_px * 0.7))
    mother = _blob(rng, mother_at, (mother_px, mother_px * 0.93), 0.02, shape)
    return mother | _blob(rng, bud_at, (bud_px, bud_px * 0.93), 0.02, shape)


def _bubble(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    return _blob(rng, centre_px, (radius_px * 0.95, radius_px * 0.95), 0.0, shape)


def _crystal(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    n_corners = int(rng.integers(4, 7))
    angles = 2 * np.pi * (np.arange(n_corners) + rng.uniform(-0.12, 0.12, n_corners)) / n_corners
    corners = np.stack([np.cos(angles) * radius_px, np.sin(angles) * radius_px * rng.uniform(0.7, 0.95)], 1)
    return _fill(_turned(corners, rng.uniform(0, np.pi), centre_px), shape)


def _star_shaped_cell(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    n_arms = int(rng.integers(5, 8))
    t = np.linspace(0, 2 * np.pi, 12 * n_arms, endpoint=False)
    arm_length = rng.uniform(0.85, 1.1, n_arms)[(np.arange(t.size) // 12)]
    profile = np.abs(np.cos(n_arms * t / 2 + np.pi / 2)) ** 2.2
    radii = radius_px * 1.12 * (0.4 + (arm_length - 0.4) * profile)
    corners = np.stack([np.cos(t) * radii, np.sin(t) * radii], 1)
    return _fill(_turned(corners, rng.uniform(0, np.pi), centre_px), shape)


def _diatom(rng: Rng, centre_px: Point, radius_px: float, shape: tuple[int, int]) -> np.ndarray:
    t = np.linspace(-1, 1, 24)
    half_width = (1 - t**2) * radius_px * rng.uniform(0.42, 0.52)
    upper = np.stack([t * radius_px * 1.25, half_width], 1)
    corners = np.concatenate([upper, upper[::-1] * (1, -1)])
    return _fill(_turned(corners, rng.uniform(0, np.pi), centre_px), shape)


OUTLINE_DRAWERS: dict[str, Callable[[Rng, Point, float, tuple[int, int]], np.ndarray]] = {
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
"""Concept -> rasteriser of one instance: (rng, centre (row, col) in px, radius in px, (H, W)) -> (H, W) bool."""
