"""The data process: draws scenes, perturbs regions, draws prompts on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np
from torch.utils.data import DataLoader, IterableDataset

from demo_clip.architecture import NATIVE_SIZE_PX, PATCH_SIZE_PX
from demo_clip.rows import ROW_OF
from napari_car.clip.preprocess import Fit, fit_to_square
from napari_car.config import PromptKind
from napari_car.core.prompts import draw_prompts
from scenes.compose import draw_scene
from scenes.noise import smooth_noise
from scenes.scene import Region, Scene
from scenes.seeds import TRAINING_SEEDS
from scenes.vocabulary import CONCEPTS, PATTERNS

MAX_CONCEPTS = 10
SCENE_REUSE = 3
"""How often a drawn scene is seen, mirrored and with other regions: drawing costs as much as learning."""
POOL_SIZE = 400
GEOMETRY_UNIT_PX = 30.0
SHAPES_PX = ((140, 160), (140, 140), (120, 160), (160, 140), (120, 180), (160, 120), (140, 180), (180, 240))
_SHAPE_ODDS = (0.18, 0.18, 0.16, 0.13, 0.12, 0.1, 0.1, 0.03)
PROMPTS = get_args(PromptKind)
_DEFAULT_PROMPTS = ("blur", "circle")


@dataclass(slots=True)
class Batch:
    """What one training step sees."""

    images: np.ndarray
    """(B, H, W, 3) uint8."""
    labels: np.ndarray
    """(B, H, W) uint8: which of the image's concepts is seen."""
    concept_rows: np.ndarray
    """(B, MAX_CONCEPTS) int64: row of each label, -1 where there is none."""
    attribute_rows: np.ndarray
    """(B, MAX_CONCEPTS, 3) int64: rows of colour, shape and pattern of each label, -1 where there is none."""
    geometry: np.ndarray
    """(B, h*w, 4) float32: from each patch on an object to the object's centre (down, right) and the object's
    half height and width, in units of `GEOMETRY_UNIT_PX`; NaN on patches that show no object."""
    prompted: np.ndarray
    """(B * R, native, native, 3) uint8: regions shown with visual prompts, R per image."""
    pointed: np.ndarray
    """(B * R, n) float32: share of each patch of the prompted image that its region fills."""
    region_truth: np.ndarray
    """(B * R, MAX_CONCEPTS) float32: how well each of the image's concepts is what the region shows."""


def label_scene(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Turn a scene's regions into a label map and rows of the text table.

    Returns
    -------
    labels : (H, W) uint8
    concept_rows : (MAX_CONCEPTS,) int64
    attribute_rows : (MAX_CONCEPTS, 3) int64
    """
    labels = np.zeros(scene.image.shape[:2], np.uint8)
    concept_rows = np.full(MAX_CONCEPTS, -1, np.int64)
    attribute_rows = np.full((MAX_CONCEPTS, 3), -1, np.int64)
    patterns = [region for region in scene.attributes if region.name in PATTERNS]
    for label, region in enumerate(scene.concepts[-MAX_CONCEPTS:]):
        labels[region.mask] = label
        concept_rows[label] = ROW_OF[region.name]
        concept = CONCEPTS[region.name]
        if concept.colour is not None:
            attribute_rows[label, :2] = ROW_OF[concept.colour], ROW_OF[concept.shape]
            for pattern in patterns:
                if (pattern.mask & region.mask).any():
                    attribute_rows[label, 2] = ROW_OF[pattern.name]
    return labels, concept_rows, attribute_rows


def mirror(scene: Scene, left_right: bool) -> Scene:
    """Mirror a scene with its masks, or leave it."""
    flip = (slice(None), slice(None, None, -1 if left_right else 1))
    return Scene(
        domain=scene.domain,
        image=np.ascontiguousarray(scene.image[flip]),
        concepts=tuple(Region(name=region.name, mask=region.mask[flip]) for region in scene.concepts),
        attributes=tuple(Region(name=region.name, mask=region.mask[flip]) for region in scene.attributes),
    )


def object_geometry(labels: np.ndarray, n_objects: int) -> np.ndarray:
    """
    Tell each patch where the object it shows is centred and how far it reaches.

    Parameters
    ----------
    labels : (H, W) uint8
    n_objects : int
        Labels below this are objects, the others what surrounds them.

    Returns
    -------
    (h*w, 4) float32, see `Batch.geometry`
    """
    H, W = labels.shape
    rows_px, cols_px = np.meshgrid(
        np.arange(PATCH_SIZE_PX // 2, H, PATCH_SIZE_PX),
        np.arange(PATCH_SIZE_PX // 2, W, PATCH_SIZE_PX),
        indexing="ij",
    )
    geometry = np.full((*rows_px.shape, 4), np.nan, np.float32)
    label_at = labels[rows_px, cols_px]
    for label in range(n_objects):
        _, parts, boxes, centres = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8))
        at = label_at == label
        part = parts[rows_px[at], cols_px[at]]
        geometry[at] = np.stack(
            [
                centres[part, 1] - rows_px[at],
                centres[part, 0] - cols_px[at],
                boxes[part, cv2.CC_STAT_HEIGHT] / 2,
                boxes[part, cv2.CC_STAT_WIDTH] / 2,
            ],
            1,
        )
    return geometry.reshape(-1, 4) / GEOMETRY_UNIT_PX


def perturb_mask(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Make an exact mask look like a CAM's: grown or shrunk, with wavering, patch-sized outlines."""
    H, W = mask.shape
    cell_px = PATCH_SIZE_PX if rng.random() < 0.7 else PATCH_SIZE_PX // 2
    soft = cv2.resize(mask.astype(np.float32), (W // cell_px, H // cell_px), interpolation=cv2.INTER_AREA)
    soft = soft + rng.normal(0, 0.15, soft.shape).astype(np.float32)
    soft = cv2.resize(soft, (W, H), interpolation=cv2.INTER_LINEAR)
    return soft > rng.uniform(0.15, 0.6)


def random_mask(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw a blob or box anywhere: what a CAM of an absent query may look like."""
    H, W = shape
    if rng.random() < 0.5:
        return smooth_noise(rng, shape, rng.uniform(25, 60)) > rng.uniform(0.5, 1.6)
    mask = np.zeros(shape, bool)
    height, width = int(rng.uniform(0.2, 0.6) * H), int(rng.uniform(0.2, 0.6) * W)
    row, col = int(rng.integers(0, H - height)), int(rng.integers(0, W - width))
    mask[row : row + height, col : col + width] = True
    return mask


def choose_prompts(rng: np.random.Generator) -> tuple[str, ...]:
    """Choose black or the default pair (blur and circle) most of the time, else any one or two."""
    draw = rng.random()
    if draw < 0.4:
        return ("black",)
    if draw < 0.75:
        return _DEFAULT_PROMPTS
    return tuple(str(name) for name in rng.choice(PROMPTS, 1 if draw < 0.92 else 2, replace=False))


def region_truth(mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """
    Tell what a region shows.

    Parameters
    ----------
    mask : (H, W) bool
    labels : (H, W) uint8

    Returns
    -------
    (MAX_CONCEPTS,) float32
        Squared IoU with each concept, scaled to sum to one; zeros for an empty mask.
    """
    common = np.bincount(labels[mask], minlength=MAX_CONCEPTS)[:MAX_CONCEPTS]
    sizes = np.bincount(labels.ravel(), minlength=MAX_CONCEPTS)[:MAX_CONCEPTS]
    iou = common / np.maximum(sizes + mask.sum() - common, 1)
    truth = (iou**2).astype(np.float32)
    return truth / max(float(truth.sum()), 1e-12)


def show_region(rng: np.random.Generator, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Draw prompts around a region and resize as g does.

    Returns
    -------
    prompted : (native, native, 3) uint8
    pointed : (n,) float32
        Share of each of the native size's patches that the region fills.
    """
    (prompted,) = draw_prompts(image, [mask], choose_prompts(rng))
    fit: Fit = "squash" if rng.random() < 0.7 or not _is_mostly_kept(mask) else "crop"
    size_px = (NATIVE_SIZE_PX, NATIVE_SIZE_PX)
    region = fit_to_square(np.repeat(mask[..., None], 3, 2).astype(np.uint8) * 255, size_px, fit)[..., 0]
    grid = NATIVE_SIZE_PX // PATCH_SIZE_PX
    shares = cv2.resize(region, (grid, grid), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return fit_to_square(prompted, size_px, fit), shares.ravel()


def _is_mostly_kept(mask: np.ndarray) -> bool:
    """Whether the centre crop keeps most of a region."""
    H, W = mask.shape
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    return mask[top : top + side, left : left + side].sum() > 0.8 * mask.sum()


class SceneBatches(IterableDataset):
    """Endless batches of training scenes; all images of a batch have one size."""

    def __init__(self, seed: int, batch_size: int, regions_per_scene: int):
        self.seed = seed
        self.batch_size = batch_size
        self.regions_per_scene = regions_per_scene

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        pools: dict[tuple[int, int], list[Scene]] = {shape: [] for shape in SHAPES_PX}
        while True:
            shape = SHAPES_PX[rng.choice(len(SHAPES_PX), p=_SHAPE_ODDS)]
            yield self._draw_batch(rng, shape, pools[shape])

    def _draw_batch(self, rng: np.random.Generator, shape: tuple[int, int], pool: list[Scene]) -> Batch:
        """Draw one batch: new scenes, and scenes of the pool mirrored."""
        n_new = self.batch_size if len(pool) < self.batch_size else -(-self.batch_size // SCENE_REUSE)
        scenes = [
            draw_scene(int(rng.integers(TRAINING_SEEDS.start, TRAINING_SEEDS.stop)), shape=shape) for _ in range(n_new)
        ]
        again = rng.integers(len(pool), size=self.batch_size - n_new) if pool else ()
        scenes += [mirror(pool[i], bool(rng.random() < 0.5)) for i in again]
        pool.extend(scenes[:n_new])
        del pool[: max(0, len(pool) - POOL_SIZE)]
        labelled = [label_scene(scene) for scene in scenes]
        shown, truth = [], []
        for scene, (labels, concept_rows, _) in zip(scenes, labelled, strict=True):
            for _ in range(self.regions_per_scene):
                mask = _choose_region(rng, labels, int((concept_rows >= 0).sum()))
                shown.append(show_region(rng, scene.image, mask))
                truth.append(region_truth(mask, labels))
        return Batch(
            images=np.stack([scene.image for scene in scenes]),
            labels=np.stack([labels for labels, _, _ in labelled]),
            concept_rows=np.stack([rows for _, rows, _ in labelled]),
            attribute_rows=np.stack([rows for _, _, rows in labelled]),
            geometry=np.stack(
                [
                    object_geometry(labels, _n_objects(scene))
                    for scene, (labels, _, _) in zip(scenes, labelled, strict=True)
                ]
            ),
            prompted=np.stack([prompted for prompted, _ in shown]),
            pointed=np.stack([pointed for _, pointed in shown]),
            region_truth=np.stack(truth),
        )


def _n_objects(scene: Scene) -> int:
    """Count the concepts that are not surroundings: they come first."""
    return sum(not CONCEPTS[region.name].is_surround for region in scene.concepts[-MAX_CONCEPTS:])


def _choose_region(rng: np.random.Generator, labels: np.ndarray, n_concepts: int) -> np.ndarray:
    """Choose a concept's mask as a CAM might show it, or sometimes a random region: (H, W) bool."""
    if rng.random() < 0.15:
        return random_mask(rng, labels.shape)
    return perturb_mask(rng, labels == rng.integers(n_concepts))


def draw_batches(seed: int, batch_size: int, regions_per_scene: int, has_own_process: bool) -> Iterator[Batch]:
    """Draw batches, in one process of its own a few ahead, or in this one when asked for."""
    batches = SceneBatches(seed, batch_size, regions_per_scene)
    if not has_own_process:
        return iter(batches)
    return iter(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4))
