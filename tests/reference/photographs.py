"""Real photographs with ground truth, and noisy label probabilities made from it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

VOID = 255


@dataclass(frozen=True)
class Photograph:
    image: np.ndarray
    """(H, W, 3) uint8 RGB."""

    truth: np.ndarray
    """(H, W) int: 0 = background, then the objects' classes in order, VOID = not to be counted."""

    @property
    def n_labels(self) -> int:
        return int(self.truth[self.truth != VOID].max()) + 1


def read_photograph(folder: Path, name: str) -> Photograph:
    """Read a photograph by its path in the data folder, without suffix."""
    if name.startswith("voc2011"):
        indices = np.array(Image.open(folder / f"{name.replace('JPEGImages', 'SegmentationClass')}.png"))
        truth = np.full(indices.shape, VOID)
        for label, index in enumerate([0, *np.setdiff1d(indices, [0, VOID])]):
            truth[indices == index] = label
    else:
        mask = Image.open(folder / f"{name.replace('JPEGImages', 'Annotations')}.png")
        truth = (np.array(mask.convert("L")) > 127).astype(int)
    return Photograph(np.array(Image.open(folder / f"{name}.jpg").convert("RGB")), truth)


def noisy_probabilities(photograph: Photograph, seed: int = 0) -> np.ndarray:
    """Label probabilities of a poor segmenter: (labels, H, W) float32, not summing to 1.

    The truth with a tenth of its blocks of 20x20 pixels relabelled at random, shifted, blurred and noisy.
    """
    rng = np.random.default_rng(seed)
    labels = np.where(photograph.truth == VOID, 0, photograph.truth)
    height, width = labels.shape
    blocks = rng.integers(0, photograph.n_labels, (height // 20 + 1, width // 20 + 1))
    flipped = rng.random(blocks.shape) < 0.1
    blocks, flipped = (np.kron(grid, np.ones((20, 20), int))[:height, :width] for grid in (blocks, flipped))
    labels = np.roll(np.where(flipped == 1, blocks, labels), (4, -6), axis=(0, 1))
    maps = []
    for label in range(photograph.n_labels):
        blurred = cv2.GaussianBlur((labels == label).astype(np.float32), (0, 0), 8)
        maps.append(0.15 + 0.7 * blurred + rng.normal(0, 0.1, labels.shape))
    return np.clip(maps, 0, 1).astype(np.float32)


def mean_iou(labels: np.ndarray, photograph: Photograph) -> float:
    """Intersection over union in points (0 to 100), averaged over labels, void left out."""
    counted = photograph.truth != VOID
    ious = []
    for label in range(photograph.n_labels):
        found, true = (labels == label)[counted], (photograph.truth == label)[counted]
        ious.append((found & true).sum() / (found | true).sum())
    return 100 * float(np.mean(ious))
