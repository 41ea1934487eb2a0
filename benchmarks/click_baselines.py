"""Plain uses of two classical methods, to hold the package's predictor against."""

from collections.abc import Generator

import cv2
import numpy as np
from skimage.segmentation import random_walker

from napari_car.results import Progress
from napari_car.sam.prompts import OpenImage, Prediction, Prompts

SIDE_PX = {"grabcut": 320, "random-walker": 200}
SEED_PX = 3
N_ROUNDS = 2
BETA = 130.0
BAND = 0.05
FIRST = 0.125


class Baseline:
    """A predictor from clicks and a mask by GrabCut (Rother et al. 2004) or a random walker (Grady 2006).

    Both see the whole image. GrabCut takes the mask as probable, clicks as certain; after a first click, a disc of an
    eighth of the image's side is probable. The random walker takes as seeds the mask and the rest but for a band of 5 %
    of the image's side along the outline and around clicks that contradict it; after a first click, the image's rim.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, image: np.ndarray) -> Generator[Progress, None, OpenImage]:
        """Keep an image."""
        yield Progress("sam-image", 0, 0, 1)
        return BaselineImage(self.name, image)


class BaselineImage:
    """An image, made smaller."""

    def __init__(self, name: str, image: np.ndarray) -> None:
        self.size_px: tuple[int, int] = image.shape[:2]
        scale = min(1.0, SIDE_PX[name] / max(self.size_px))
        self._small = tuple(max(1, round(side * scale)) for side in self.size_px)
        self._image = cv2.resize(image, self._small[::-1], interpolation=cv2.INTER_AREA)
        self._method = _grab_cut if name == "grabcut" else _walk

    def predict(self, prompts: Prompts) -> Prediction:
        """Return one mask."""
        start = prompts.mask if prompts.logits is None else prompts.logits > 0
        before = np.zeros(self._small, bool) if start is None else self._resized(start, self._small)
        seeds = np.zeros(self._small, np.int8)
        ratio = np.array(self._small) / self.size_px
        for point in prompts.points:
            row, col = ((np.array([point.row, point.col]) + 0.5) * ratio).astype(int)
            cv2.circle(seeds, (int(col), int(row)), SEED_PX, 1 if point.is_positive else -1, -1)
        mask = self._resized(self._method(self._image, before, seeds), self.size_px)
        for point in prompts.points:
            mask[round(point.row), round(point.col)] = point.is_positive
        logits = np.where(mask, 1, -1).astype(np.float32)
        return Prediction(mask[None], np.ones(1, np.float32), logits[None])

    @staticmethod
    def _resized(mask: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        shrinks = size[0] < mask.shape[0]
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=interpolation) > 0.5


def _first_disc(seeds: np.ndarray) -> np.ndarray:
    """Return a disc around what is known to be object."""
    rest = (seeds <= 0).astype(np.uint8)
    return cv2.distanceTransform(rest, cv2.DIST_L2, 5) < FIRST * max(seeds.shape)


def _grab_cut(image: np.ndarray, before: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Run GrabCut on a whole image."""
    likely = before if before.any() else _first_disc(seeds)
    mask = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[seeds > 0], mask[seeds < 0] = cv2.GC_FGD, cv2.GC_BGD
    is_object = mask % 2 == 1
    if min(is_object.sum(), (~is_object).sum()) < 5:  # colours of a model are at least as many as its Gaussians
        return is_object
    cv2.setRNGSeed(0)
    cv2.grabCut(image, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), N_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return mask % 2 == 1


def _walk(image: np.ndarray, before: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Run the random walker on a whole image."""
    labels = np.zeros(before.shape, int)
    if before.any():
        band = BAND * max(before.shape)
        inner, outer = (cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, 5) for side in (before, ~before))
        labels[inner > band], labels[outer > band] = 1, 2
        wrong = ((seeds > 0) & ~before) | ((seeds < 0) & before)
        reach = np.where(before, inner, outer)[wrong].max(initial=0) + band
        labels[cv2.distanceTransform((~wrong).astype(np.uint8), cv2.DIST_L2, 5) < reach] = 0
    else:
        labels[[0, -1]] = labels[:, [0, -1]] = 2
    labels[seeds > 0], labels[seeds < 0] = 1, 2
    if not {1, 2} <= set(np.unique(labels)):
        return (before | (seeds > 0)) & (seeds >= 0)
    return random_walker(image, labels, beta=BETA, mode="cg_j", tol=1e-2, prob_tol=1.0, channel_axis=-1) == 1
