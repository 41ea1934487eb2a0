"""Natural-looking backgrounds of the drawn domain: one function per surface, (H, W) -> (H, W, 3) float32."""

from collections.abc import Callable

import cv2
import numpy as np

from scenes.noise import Rng, smooth_noise, tint


def _grass(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Upright blades over darker patches."""
    blades = smooth_noise(rng, shape, (7.0, 1.6)) + 0.6 * smooth_noise(rng, shape, 24, 2)
    return tint(blades, (38, 84, 24), (116, 168, 66))


def _sand(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Fine grains over soft dunes."""
    dunes = smooth_noise(rng, shape, (14.0, 60.0), 2)
    grains = rng.standard_normal(shape, np.float32)
    return tint(dunes + 0.5 * grains, (196, 164, 112), (238, 214, 164))


def _water(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Flat bright ripples on blue-green."""
    ripples = smooth_noise(rng, shape, (3.2, 18.0), 2)
    image = tint(smooth_noise(rng, shape, 40) + 0.7 * ripples, (16, 92, 122), (62, 152, 172))
    image[ripples > 1.7] = (176, 220, 226)
    return image


def _sky(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """White clouds on a gradient of pale blue."""
    H, W = shape
    height = np.linspace(0, 1, H, dtype=np.float32)[:, None, None]
    image = np.asarray((112, 172, 236), np.float32) * (1 - height) + np.asarray((176, 212, 246)) * height
    clouds = np.clip(smooth_noise(rng, shape, (18.0, 40.0), 3) - rng.uniform(0.4, 1.2), 0, 1)[..., None]
    return (image * np.ones((1, W, 1)) * (1 - 0.8 * clouds) + 250 * 0.8 * clouds).astype(np.float32)


def _brick_wall(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Courses of red-brown bricks with pale mortar."""
    H, W = shape
    brick_height_px = int(rng.integers(11, 16))
    brick_width_px = int(brick_height_px * rng.uniform(1.9, 2.4))
    rows, cols = np.mgrid[0:H, 0:W] + rng.integers(0, brick_width_px, (2, 1, 1))
    course = rows // brick_height_px
    shifted = cols + (course % 2) * (brick_width_px // 2)
    shade = rng.normal(0, 1, (course.max() + 1, shifted.max() // brick_width_px + 1)).astype(np.float32)
    image = tint(
        shade[course, shifted // brick_width_px] + 0.4 * smooth_noise(rng, shape, 3),
        (122, 58, 42),
        (176, 98, 74),
    )
    is_mortar = (rows % brick_height_px < 2) | (shifted % brick_width_px < 2)
    image[is_mortar] = (196, 186, 174)
    return image


def _wood(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Upright planks with grain and dark joints."""
    H, W = shape
    plank_width_px = int(rng.integers(26, 40))
    cols = np.arange(W) + int(rng.integers(0, plank_width_px))
    plank = np.broadcast_to(cols // plank_width_px, (H, W))
    shade = rng.normal(0, 0.8, plank.max() + 1).astype(np.float32)
    grain = smooth_noise(rng, shape, (50.0, 2.4)) + 0.5 * smooth_noise(rng, shape, (90.0, 8.0))
    image = tint(0.8 * grain + shade[plank], (112, 72, 34), (190, 138, 84))
    image[:, cols % plank_width_px < 2] = (62, 40, 22)
    return image


def _snow(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Pale drifts with bluish shadows."""
    drifts = smooth_noise(rng, shape, (16.0, 44.0), 3)
    return tint(drifts + 0.12 * rng.standard_normal(shape, np.float32), (204, 214, 232), (250, 251, 254))


def _gravel(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Grey pebbles: cells of a jittered grid, with dark gaps."""
    H, W = shape
    pitch_px = float(rng.uniform(8, 11))
    image = np.full((H, W, 3), (58, 56, 54), np.float32)
    for row in np.arange(0, H + pitch_px, pitch_px):
        for col in np.arange(0, W + pitch_px, pitch_px):
            centre = (int(col + rng.normal(0, 1.6)), int(row + rng.normal(0, 1.6)))
            axes = (int(pitch_px * rng.uniform(0.36, 0.6)), int(pitch_px * rng.uniform(0.34, 0.5)))
            grey = float(rng.uniform(104, 178))
            warm = float(rng.uniform(-6, 10))
            colour = (grey + warm, grey, grey - warm)
            cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return image


SURFACE_PAINTERS: dict[str, Callable[[Rng, tuple[int, int]], np.ndarray]] = {
    "grass": _grass,
    "sand": _sand,
    "water": _water,
    "sky": _sky,
    "brick wall": _brick_wall,
    "wood": _wood,
    "snow": _snow,
    "gravel": _gravel,
}


def paint_surface(rng: Rng, name: str, shape: tuple[int, int]) -> np.ndarray:
    """Paint the named surface over a whole image: (H, W, 3) float32, 0 to 255, slightly varied in brightness."""
    return SURFACE_PAINTERS[name](rng, shape) * np.float32(rng.uniform(0.9, 1.08))
