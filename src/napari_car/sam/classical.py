"""Masks from points, boxes, scribbles and a mask to start from, by graph cuts: no network, nothing to download."""

import hashlib
from collections.abc import Generator

import cv2
import numpy as np
from jaxtyping import Bool, Int8, UInt8

from napari_car.errors import PromptError
from napari_car.recent import Recent, image_key
from napari_car.results import Progress

from .box_cut import segment_box
from .confidence import estimate_iou
from .correction import correct
from .marks import Mark, box_slices, find_marks
from .mask_set import MaskSet
from .prompts import Prediction, Prompts, write_size

MAX_IMAGES = 3
"""Number of images that are remembered."""

_MAX_STEPS = 64  # masks that an image remembers: a prediction goes on from the one with a mark less
_MAX_CANDIDATES, _SAME_IOU = 3, 0.9
_BOX_IS_WORTH = 3  # marks
_LOGIT = 3.0  # a mask has no more shades than its pixels


class ClassicalPredictor:
    """A :class:`~napari_car.sam.prompts.MaskPredictor` without a network.

    Each mark changes a region around it, one after the other, and nothing else. The region is the best of several graph
    cuts (Boykov and Jolly 2001) of different extent: the one whose outline has most contrast, with a cost for extents
    unlike the distance of the mark from the outline that it corrects, as a click in the middle of an error suggests.
    A box is segmented as GrabCut does (Rother et al. 2004).

    Parameters
    ----------
    max_images : int
        Number of images that are remembered, at least 1.

    References
    ----------
    Boykov, Jolly: Interactive graph cuts for optimal boundary and region segmentation. ICCV 2001.
    Rother, Kolmogorov, Blake: "GrabCut": interactive foreground extraction using iterated graph cuts. SIGGRAPH 2004.
    """

    name = "classical"

    def __init__(self, max_images: int = MAX_IMAGES) -> None:
        self._max_images = max_images
        self._images: Recent[ClassicalImage] = Recent()

    def open(self, image: UInt8[np.ndarray, "H W 3"]) -> "Generator[Progress, None, ClassicalImage]":
        """Look at an image, unless it is remembered; see :meth:`~napari_car.sam.prompts.MaskPredictor.open`."""
        key = image_key(image)
        opened = self._images.get(key)
        if opened is None:
            yield Progress("sam-image", 0, 0, 1)
            opened = ClassicalImage(image)
            yield Progress("sam-image", 0, 1, 1)
        self._images.put(key, opened, self._max_images)
        return opened


class ClassicalImage:
    """An :class:`~napari_car.sam.prompts.OpenImage` of :class:`ClassicalPredictor`.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        RGB.
    """

    def __init__(self, image: UInt8[np.ndarray, "H W 3"]) -> None:
        self._image: UInt8[np.ndarray, "H W 3"] = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
        self._steps: Recent[MaskSet] = Recent()

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self._image.shape[0], self._image.shape[1]

    def predict(self, prompts: Prompts) -> Prediction:
        """Return the masks that prompts mean: up to three after a single mark and nothing else, otherwise one.

        The box is taken first, then points, then strokes, one after the other. What the mask agrees with already
        changes nothing. Where marks contradict each other, the later one holds.

        Raises
        ------
        PromptError
            If nothing was pointed at, or a mask or logits are of another image.
        """
        self._check(prompts)
        box = None if prompts.box is None else box_slices(prompts.box, self.size_px)
        masks, key = self._start(prompts, box)
        marks = find_marks(prompts, self.size_px)
        is_ambiguous = len(marks) == 1 and not masks[0].any()
        seeds: Int8[np.ndarray, "H W"] = np.zeros(self.size_px, np.int8)
        for mark in marks:
            seeds[mark.at[:, 0], mark.at[:, 1]] = 1 if mark.is_positive else -1
            key = _digest(key, mark.at, np.array(mark.is_positive))
            masks = self._remembered(key) or self._remember(key, self._corrected(masks[0], seeds, mark, box))
        masks = masks if is_ambiguous else masks[:1]
        n_marks = len(marks) + (_BOX_IS_WORTH if prompts.box is not None else 0)
        had_mask = prompts.mask is not None and bool(prompts.mask.any())
        ious = [estimate_iou(self._image, mask, n_marks, had_mask=had_mask) for mask in masks]
        scores = np.minimum.accumulate(np.array(ious, np.float32))  # the order is by the cost of regions
        stacked = np.stack(masks)
        return Prediction(stacked, scores, np.where(stacked, _LOGIT, -_LOGIT).astype(np.float32))

    def _check(self, prompts: Prompts) -> None:
        """Refuse prompts that say nothing, or belong to another image."""
        prompts.check(self.size_px)
        if prompts.logits is not None and prompts.logits.shape != self.size_px:
            logits, image = write_size(prompts.logits.shape), write_size(self.size_px)
            raise PromptError(f"The logits are {logits}, but the image is {image}.")

    def _start(self, prompts: Prompts, box: tuple[slice, slice] | None) -> tuple[list[Bool[np.ndarray, "H W"]], bytes]:
        """Return the mask that marks correct, alone in a list, and what it is remembered by."""
        mask: Bool[np.ndarray, "H W"] = np.zeros(self.size_px, bool)
        if prompts.logits is not None:
            mask = prompts.logits > 0
        elif prompts.mask is not None:
            mask = prompts.mask
        key = _digest(b"", mask)
        if box is None:
            return [mask], key
        key = _digest(key, np.array([box[0].start, box[0].stop, box[1].start, box[1].stop]))
        if prompts.logits is not None:  # the prediction before knew of the box, or will not be thrown away for it
            return [_inside(mask, box)], _digest(key, prompts.logits)
        return self._remembered(key) or self._remember(key, [segment_box(self._image, box, mask)]), key

    def _corrected(
        self,
        mask: Bool[np.ndarray, "H W"],
        seeds: Int8[np.ndarray, "H W"],
        mark: Mark,
        box: tuple[slice, slice] | None,
    ) -> list[Bool[np.ndarray, "H W"]]:
        """Return what a mark makes of a mask, candidates that differ: inside the box, but for positive marks."""
        candidates: list[Bool[np.ndarray, "H W"]] = []
        for candidate in correct(self._image, mask, seeds, mark, 1 if mask.any() else _MAX_CANDIDATES):
            held = ((candidate if box is None else _inside(candidate, box)) | (seeds > 0)) & (seeds >= 0)
            if not any(_iou(held, other) > _SAME_IOU for other in candidates):
                candidates.append(held)
        return candidates

    def _remembered(self, key: bytes) -> list[Bool[np.ndarray, "H W"]] | None:
        """Return masks that were predicted before."""
        masks = self._steps.get(key)
        return None if masks is None else list(masks)

    def _remember(self, key: bytes, masks: list[Bool[np.ndarray, "H W"]]) -> list[Bool[np.ndarray, "H W"]]:
        """Keep masks, a bit per pixel, and return them."""
        self._steps.put(key, MaskSet.pack(masks, self.size_px), _MAX_STEPS)
        return masks


def _digest(key: bytes, *arrays: np.ndarray) -> bytes:
    """Return a digest of arrays that come after others."""
    digest = hashlib.blake2b(key, digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


def _inside(mask: Bool[np.ndarray, "H W"], box: tuple[slice, slice]) -> Bool[np.ndarray, "H W"]:
    """Return the part of a mask in a box."""
    inside = np.zeros_like(mask)
    inside[box] = mask[box]
    return inside


def _iou(mask: Bool[np.ndarray, "H W"], other: Bool[np.ndarray, "H W"]) -> float:
    """Return intersection over union; 1 of two empty masks."""
    union = np.count_nonzero(mask | other)
    return np.count_nonzero(mask & other) / union if union else 1.0
