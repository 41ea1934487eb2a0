"""Masks from points, boxes, scribbles and a mask to start from, by SAM: Kirillov et al. 2023, section 2 and 3."""

from collections.abc import Generator

import numpy as np
import torch
from jaxtyping import Float, UInt8

from napari_car.errors import PromptError, ResourceError
from napari_car.recent import Recent, image_key
from napari_car.results import Progress

from .encoding import LOGITS_PX, EncodedImage
from .loading import SamModel
from .prompts import Point, Prediction, Prompts, Scribble

MAX_IMAGES = 3
"""Number of images whose embedding stays in memory, some 10 MB each."""

_STROKE_SHARE, _MAX_STROKE_POINTS = 0.05, 8  # SAM takes no strokes: they are points this share of the image apart


class SamPredictor:
    """A :class:`~napari_car.sam.prompts.MaskPredictor` that asks SAM.

    Parameters
    ----------
    sam : SamModel
    max_images : int
        Number of images that are remembered, at least 1.
    """

    def __init__(self, sam: SamModel, max_images: int = MAX_IMAGES) -> None:
        self._sam, self._max_images = sam, max_images
        self._images: Recent[SamImage] = Recent()

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return self._sam.identity.name

    def open(self, image: UInt8[np.ndarray, "H W 3"]) -> "Generator[Progress, None, SamImage]":
        """Encode an image, unless it is remembered; see :meth:`~napari_car.sam.prompts.MaskPredictor.open`."""
        key = image_key(image)
        opened = self._images.get(key)
        if opened is None:
            yield Progress("sam-image", 0, 0, 1)
            opened = SamImage(_encode(self._sam, image))
            yield Progress("sam-image", 0, 1, 1)
        self._images.put(key, opened, self._max_images)
        return opened


class SamImage:
    """An :class:`~napari_car.sam.prompts.OpenImage` of SAM."""

    def __init__(self, encoded: EncodedImage) -> None:
        self._encoded = encoded

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self._encoded.size_px

    def predict(self, prompts: Prompts) -> Prediction:
        """Return the masks that prompts mean: three after a single point and nothing else, otherwise one."""
        self._check(prompts)
        points = [*prompts.points, *(point for stroke in prompts.scribbles for point in self._points_of(stroke))]
        start = prompts.logits
        if start is None and prompts.mask is not None:
            start = self._encoded.logits_of(prompts.mask)
        logits, quality = self._encoded.decode(
            np.array([[(point.row, point.col) for point in points]], dtype=float) if points else None,
            np.array([[point.is_positive for point in points]]) if points else None,
            box=prompts.box,
            logits=start,
            is_ambiguous=len(points) == 1 and prompts.box is None and start is None,
        )
        order = quality[0].argsort(descending=True, stable=True)
        masks = self._encoded.enlarged(logits[0, order]) > 0
        scores = quality[0, order].float().clamp(0, 1)
        return Prediction(masks.cpu().numpy(), scores.cpu().numpy(), logits[0, order].float().cpu().numpy())

    def _check(self, prompts: Prompts) -> None:
        """Refuse prompts that say nothing, or belong to another image."""
        prompts.check(self.size_px)
        if prompts.logits is not None and prompts.logits.shape != (LOGITS_PX, LOGITS_PX):
            raise PromptError("The logits are not those of a prediction of SAM.")

    def _points_of(self, stroke: Scribble) -> list[Point]:
        """Return points along a stroke, evenly spaced; those outside the image are moved to its edge."""
        spacing_px = max(1.0, _STROKE_SHARE * max(self.size_px))
        along = _sample(stroke.path, spacing_px, _MAX_STROKE_POINTS)
        rows, cols = np.clip(along, 0, np.array(self.size_px) - 1).T
        return [Point(float(row), float(col), stroke.is_positive) for row, col in zip(rows, cols, strict=True)]


def _encode(sam: SamModel, image: UInt8[np.ndarray, "H W 3"]) -> EncodedImage:
    """Encode an image; say so if there is too little memory."""
    try:
        return EncodedImage(sam, image)
    except torch.OutOfMemoryError as error:
        device, name = sam.identity.device, sam.identity.name
        raise ResourceError(f"{device} ran out of memory for {name}: take a smaller SAM, or the CPU.") from error


def _sample(path: Float[np.ndarray, "K 2"], spacing_px: float, at_most: int) -> Float[np.ndarray, "P 2"]:
    """Return points at equal distances along a path, in the middle of as many equal pieces."""
    lengths = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    n_points = int(np.clip(np.ceil(lengths[-1] / spacing_px), 1, at_most))
    wanted = (np.arange(n_points) + 0.5) / n_points * lengths[-1]
    return np.stack([np.interp(wanted, lengths, path[:, axis]) for axis in (0, 1)], axis=1)
