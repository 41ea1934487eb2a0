"""Compose scenes: choose concepts, place instances with bounded occlusion, paint, photograph."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from scenes.cells import Look, paint_cell, paint_field
from scenes.noise import Rng, smooth_noise
from scenes.optics import expose
from scenes.outlines import OUTLINE_DRAWERS
from scenes.scene import Region, Scene
from scenes.shapes import draw_outline, paint_object
from scenes.surfaces import paint_surface
from scenes.vocabulary import CELLS, COLOURS, CONCEPTS, DRAWN_OBJECTS, PATTERNS, SHAPES, SURFACES, Domain

SCENE_SHAPES_PX = ((132, 168), (144, 144), (128, 160), (150, 150), (160, 128), (120, 180), (168, 140))
"""(H, W) of the scenes drawn when no size is asked for."""

_MEAN_SURFACE_COLOURS = {
    "grass": (77, 126, 45), "sand": (217, 189, 138), "water": (39, 122, 147), "sky": (165, 205, 242),
    "brick wall": (155, 90, 70), "wood": (150, 104, 60), "snow": (230, 233, 243), "gravel": (130, 128, 124),
}  # fmt: skip
_MIN_CONTRAST = 85.0
_AREA_PER_OBJECT_PX2 = 6200
_MAX_HIDDEN = 0.25
_MIN_INSIDE = 0.85


@dataclass(slots=True)
class _Instance:
    """One painted thing: its full outline and what of it is still visible."""

    name: str
    pattern: str
    full_area_px2: int
    visible: np.ndarray


class _Canvas:
    """An image under construction: the painter's algorithm with bookkeeping of what stays visible."""

    def __init__(self, background: np.ndarray):
        self.image = background.astype(np.float32)
        self.instances: list[_Instance] = []

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.image.shape[:2]

    def accepts(self, mask: np.ndarray, radius_px: float, keep_clear: np.ndarray) -> bool:
        """Tell whether a new outline stays inside the image, off `keep_clear`, and hides little of the others."""
        if mask.sum() < 0.8 * radius_px**2 * _MIN_INSIDE or (mask & keep_clear).any():
            return False
        border_px = mask[0].sum() + mask[-1].sum() + mask[:, 0].sum() + mask[:, -1].sum()
        if border_px > 0.9 * radius_px:
            return False
        return all(
            (instance.visible & ~mask).sum() >= (1 - _MAX_HIDDEN) * instance.full_area_px2
            for instance in self.instances
        )

    def paint(self, name: str, mask: np.ndarray, paint: np.ndarray, pattern: str = "plain") -> None:
        """Paint one instance over everything else, with a soft edge of a pixel."""
        alpha = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0.6)[..., None]
        self.image = self.image * (1 - alpha) + paint * alpha
        for instance in self.instances:
            instance.visible &= ~mask
        self.instances.append(_Instance(name=name, pattern=pattern, full_area_px2=int(mask.sum()), visible=mask.copy()))

    def visible(self, names: set[str]) -> np.ndarray:
        """Union of the visible parts of the named concepts' instances: (H, W) bool."""
        union = np.zeros(self.shape, bool)
        for instance in self.instances:
            if instance.name in names:
                union |= instance.visible
        return union


def draw_scene(seed: int, domain: Domain | None = None, shape: tuple[int, int] | None = None) -> Scene:
    """
    Draw a scene; the same arguments give the same scene.

    Parameters
    ----------
    seed : int
        See `scenes.seeds` for the ranges of training, validation and held-out scenes.
    domain : {"drawn", "microscopy"}, optional
        Half of the seeds each if not given.
    shape : (H, W), optional
        Size in px; one of `SCENE_SHAPES_PX` if not given.
    """
    rng = np.random.default_rng(seed)
    drawn_domain: Domain = "drawn" if rng.random() < 0.5 else "microscopy"
    drawn_shape = SCENE_SHAPES_PX[rng.integers(len(SCENE_SHAPES_PX))]
    compose = _compose_drawn if (domain or drawn_domain) == "drawn" else _compose_microscopy
    return compose(rng, shape or drawn_shape)


def _n_concepts(rng: Rng, shape: tuple[int, int], least: int) -> int:
    """Choose how many object concepts fit an image of this size."""
    return max(least, round(shape[0] * shape[1] / _AREA_PER_OBJECT_PX2 + rng.uniform(-1.3, 0.4)))


def _choose_objects(rng: Rng, surfaces: list[str], count: int) -> list[str]:
    """Choose distinct coloured shapes that stand out; half of the time the next shares colour or shape."""
    colours = [
        colour
        for colour, rgb in COLOURS.items()
        if all(np.linalg.norm(np.subtract(rgb, _MEAN_SURFACE_COLOURS[surface])) > _MIN_CONTRAST for surface in surfaces)
    ]
    names: list[str] = []
    while len(names) < count:
        colour, shape_word = str(rng.choice(colours)), str(rng.choice(list(SHAPES)))
        if names and rng.random() < 0.5:
            twin = CONCEPTS[names[rng.integers(len(names))]]
            colour, shape_word = (twin.colour, shape_word) if rng.random() < 0.5 else (colour, twin.shape)
        if f"{colour} {shape_word}" not in names:
            names.append(f"{colour} {shape_word}")
    return names


def _paint_surfaces(rng: Rng, shape: tuple[int, int]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Paint one surface, or two that meet at a wavy horizon: image and mask per surface."""
    H, W = shape
    first, second = (str(name) for name in rng.choice(list(SURFACES), 2, replace=False))
    image = paint_surface(rng, first, shape)
    if rng.random() < 0.6:
        return image, {first: np.ones(shape, bool)}
    if second == "sky":
        first, second, image = second, first, paint_surface(rng, second, shape)
    horizon = H * rng.uniform(0.35, 0.65) + 3 * smooth_noise(rng, (2, W), (2.0, 40.0))[0]
    is_below = np.arange(H)[:, None] > horizon[None]
    image[is_below] = paint_surface(rng, second, shape)[is_below]
    return image, {first: ~is_below, second: is_below}


def _compose_drawn(rng: Rng, shape: tuple[int, int]) -> Scene:
    """Compose coloured shapes over one or two surfaces."""
    image, surfaces = _paint_surfaces(rng, shape)
    canvas = _Canvas(image)
    least = 3 - len(surfaces)
    for name in _choose_objects(rng, list(surfaces), _n_concepts(rng, shape, least)):
        concept = CONCEPTS[name]
        pattern = "plain" if rng.random() < 0.55 else str(rng.choice(list(PATTERNS)[1:]))
        for _ in range(2 if rng.random() < 0.15 else 1):
            radius_px = rng.uniform(19, 36) * (1.08 if concept.shape in ("star", "cross", "ring") else 1.0)
            same_colour = {other.name for other in DRAWN_OBJECTS if other.colour == concept.colour}
            placed = _place(
                canvas,
                rng,
                radius_px,
                lambda at, r, word=concept.shape: draw_outline(rng, word, at, r, shape),
                _with_margin(canvas.visible(same_colour)),
            )
            if placed is not None:
                canvas.paint(name, placed, paint_object(rng, concept.colour, pattern, shape), pattern)
    return _finish(rng, canvas, "drawn", surfaces)


def _compose_microscopy(rng: Rng, shape: tuple[int, int]) -> Scene:
    """Compose cells and other things seen in a microscope, in one of two looks."""
    look: Look = "fluorescence" if rng.random() < 0.5 else "bright field"
    canvas = _Canvas(paint_field(rng, look, shape))
    for name in rng.choice(list(CELLS), min(_n_concepts(rng, shape, 3), len(CELLS)), replace=False):
        draw = OUTLINE_DRAWERS[str(name)]
        for _ in range(2 if rng.random() < 0.3 else 1):
            placed = _place(
                canvas,
                rng,
                rng.uniform(19, 31),
                lambda at, r, draw=draw: draw(rng, at, r, shape),
                _with_margin(canvas.visible({str(name)})),
            )
            if placed is not None:
                canvas.paint(str(name), placed, paint_cell(rng, str(name), look, placed))
    field = "dark field" if look == "fluorescence" else "bright field"
    return _finish(rng, canvas, "microscopy", {field: np.ones(shape, bool)})


def _with_margin(mask: np.ndarray) -> np.ndarray:
    """Grow a mask by three pixels, so that what keeps off it stays apart."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)


def _place(
    canvas: _Canvas,
    rng: Rng,
    radius_px: float,
    outline: Callable[[tuple[float, float], float], np.ndarray],
    keep_clear: np.ndarray,
) -> np.ndarray | None:
    """Try places, then smaller ones, until an outline is accepted: (H, W) bool, or None."""
    H, W = canvas.shape
    for attempt in range(40):
        smaller_px = radius_px * (1 - 0.01 * attempt)
        margin_px = 0.75 * smaller_px
        at = (rng.uniform(margin_px, H - margin_px), rng.uniform(margin_px, W - margin_px))
        mask = outline(at, smaller_px)
        if canvas.accepts(mask, smaller_px, keep_clear):
            return mask
    return None


def _finish(rng: Rng, canvas: _Canvas, domain: Domain, surrounds: dict[str, np.ndarray]) -> Scene:
    """Photograph the canvas and describe what is visible."""
    names = list(dict.fromkeys(instance.name for instance in canvas.instances))
    concepts = [Region(name=name, mask=canvas.visible({name})) for name in names]
    is_free = ~canvas.visible(set(names))
    concepts += [Region(name=name, mask=mask & is_free) for name, mask in surrounds.items()]
    return Scene(
        domain=domain,
        image=expose(rng, canvas.image),
        concepts=tuple(concepts),
        attributes=_attributes(canvas) if domain == "drawn" else (),
    )


def _attributes(canvas: _Canvas) -> tuple[Region, ...]:
    """Collect colours, shapes and patterns of the painted objects."""
    masks: dict[str, np.ndarray] = {}
    colour_of = {concept.name: (concept.colour, concept.shape) for concept in DRAWN_OBJECTS}
    for instance in canvas.instances:
        words = [*colour_of[instance.name]]
        if instance.pattern != "plain":
            words.append(instance.pattern)
        for word in words:
            masks[word] = masks.get(word, np.zeros(canvas.shape, bool)) | instance.visible
    return tuple(Region(name=word, mask=mask) for word, mask in masks.items())
