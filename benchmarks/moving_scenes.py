"""Videos of drawn shapes that move over a surface, with the exact mask of each in every frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scenes.optics import expose
from scenes.shapes import draw_outline, paint_object
from scenes.surfaces import paint_surface
from scenes.vocabulary import COLOURS, EVALUATED, SHAPES, SURFACES

SIZE_PX = (120, 160)
N_OBJECTS = 3
N_ABSENT = 5
SENSOR_NOISE = 3.0
"""Standard deviation of what differs from frame to frame beside the motion, in grey levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingScene:
    """A video with what is asked about it."""

    seed: int
    frames: tuple[NDArray[np.uint8], ...]
    masks: tuple[dict[str, NDArray[np.bool_]], ...]
    """Of each frame, the visible pixels of each object by name; none where it is not there yet."""
    absent: tuple[str, ...]

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the objects that are seen at some time."""
        return tuple(self.masks[0])

    @property
    def queries(self) -> tuple[str, ...]:
        """Present and absent queries in an order that gives nothing away."""
        both = (*self.present, *self.absent)
        return tuple(both[i] for i in np.random.default_rng((self.seed, 2)).permutation(len(both)))


@dataclass(frozen=True, slots=True)
class _Track:
    """An object and where it is when."""

    name: str
    radius_px: float
    start: NDArray[np.float64]
    speed_px: NDArray[np.float64]
    first_frame: int
    paint: NDArray[np.float32]
    turn_seed: int

    def outline(self, frame: int) -> NDArray[np.bool_]:
        """Return its pixels, visible or not; it is thrown back at the borders."""
        if frame < self.first_frame:
            return np.zeros(SIZE_PX, dtype=bool)
        room = np.array(SIZE_PX) - 2 * self.radius_px
        travelled = (self.start + frame * self.speed_px - self.radius_px) % (2 * room)
        row, column = self.radius_px + np.where(travelled > room, 2 * room - travelled, travelled)
        shape_word = self.name.split()[-1]
        return draw_outline(np.random.default_rng(self.turn_seed), shape_word, (row, column), self.radius_px, SIZE_PX)


def draw_moving_scene(seed: int, n_frames: int) -> MovingScene:
    """Draw a video; the last of its objects appears after a third of it, and later objects cover earlier ones."""
    rng = np.random.default_rng((seed, 3))
    surface = str(rng.choice(list(SURFACES)))
    background = paint_surface(rng, surface, SIZE_PX).astype(np.float32)
    tracks = [
        _draw_track(rng, f"{colour} {shape}", n_frames // 3 if number == N_OBJECTS - 1 else 0)
        for number, (colour, shape) in enumerate(
            zip(
                rng.permutation(_distinct_colours(background))[:N_OBJECTS],
                rng.permutation(list(SHAPES))[:N_OBJECTS],
                strict=True,
            )
        )
    ]
    light = int(rng.integers(2**31))  # one exposure for the whole video
    frames, masks = [], []
    for number in range(n_frames):
        image, visible = background.copy(), {}
        for track in tracks:
            outline = track.outline(number)
            alpha = cv2.GaussianBlur(outline.astype(np.float32), (3, 3), 0.6)[..., None]
            image = image * (1 - alpha) + track.paint * alpha
            visible = {name: mask & ~outline for name, mask in visible.items()} | {track.name: outline}
        exposed = expose(np.random.default_rng(light), image).astype(np.float32)
        noise = rng.normal(0, SENSOR_NOISE, exposed.shape)
        frames.append(np.clip(exposed + noise, 0, 255).astype(np.uint8))
        masks.append(visible)
    shown = {track.name for track in tracks} | {surface}
    absent = [name for name in EVALUATED["drawn"] if name not in shown]
    chosen = tuple(str(name) for name in rng.permutation(absent)[:N_ABSENT])
    return MovingScene(seed=seed, frames=tuple(frames), masks=tuple(masks), absent=chosen)


def _distinct_colours(background: NDArray[np.float32]) -> list[str]:
    """Return the colours that stand out."""
    mean = background.mean(axis=(0, 1))
    return [name for name, rgb in COLOURS.items() if np.linalg.norm(np.subtract(rgb, mean)) > 85]


def _draw_track(rng: np.random.Generator, name: str, first_frame: int) -> _Track:
    """Choose size, way and paint of an object."""
    radius_px = float(rng.uniform(20, 28))
    angle, speed_px = rng.uniform(0, 2 * np.pi), rng.uniform(1, 4)
    return _Track(
        name,
        radius_px,
        rng.uniform(radius_px, np.array(SIZE_PX) - radius_px),
        speed_px * np.array([np.sin(angle), np.cos(angle)]),
        first_frame,
        paint_object(rng, name.split()[0], "plain", SIZE_PX),
        int(rng.integers(2**31)),
    )
