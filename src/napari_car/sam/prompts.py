"""What a person points at to correct a mask, and what a predictor answers."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, UInt8

from napari_car.errors import PromptError
from napari_car.results import Progress


@dataclass(frozen=True, slots=True)
class Point:
    """A click.

    Parameters
    ----------
    row, col : float
        In px; the centre of the first pixel is (0, 0). It lies inside the image.
    is_positive : bool
        Whether it lies on the object, or on what is none of it.
    """

    row: float
    col: float
    is_positive: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scribble:
    """A stroke over the object, or over what is none of it.

    Parameters
    ----------
    path : ndarray, (K, 2), float64
        (row, col) of its points in px, as drawn; K is at least 1. It may leave the image.
    is_positive : bool
    width_px : float
        Diameter of the brush.
    """

    path: Float[np.ndarray, "K 2"]
    is_positive: bool
    width_px: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """All that was pointed at on one image.

    Parameters
    ----------
    points : tuple of Point
        In the order in which they were set.
    box : tuple of float or None
        (top, left, bottom, right) in px, pixel centres of opposite corners: the object lies inside.
    scribbles : tuple of Scribble
    mask : ndarray, (H, W), bool, or None
        The mask to be corrected, such as that of a text query.
    logits : ndarray, (h, w), float32, or None
        Those of the prediction before, from the same predictor and image; they replace ``mask``.
    """

    points: tuple[Point, ...] = ()
    box: tuple[float, float, float, float] | None = None
    scribbles: tuple[Scribble, ...] = ()
    mask: Bool[np.ndarray, "H W"] | None = None
    logits: Float[np.ndarray, "h w"] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was pointed at, so that there is nothing to predict from but the mask."""
        return not self.points and self.box is None and not self.scribbles

    def check(self, size_px: tuple[int, int]) -> None:
        """Raise PromptError if nothing was pointed at, or the mask is not of an image of this height and width."""
        if self.is_empty:
            raise PromptError("Nothing was pointed at: click on the object, or draw a box around it.")
        if self.mask is not None and self.mask.shape != size_px:
            raise PromptError(f"The mask is {write_size(self.mask.shape)}, but the image is {write_size(size_px)}.")


def write_size(size_px: tuple[int, ...]) -> str:
    """Write a height and width as users do."""
    return f"{size_px[1]} x {size_px[0]} px"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a predictor answers: one mask, or several where the prompts can mean different things.

    Parameters
    ----------
    masks : ndarray, (C, H, W), bool
        Candidates, the best first; C is at least 1.
    scores : ndarray, (C,), float32 in [0, 1]
        The predictor's own estimate of each one's IoU with the object, descending.
    logits : ndarray, (C, h, w), float32
        What :attr:`Prompts.logits` takes; a mask is about where these are above 0.
    """

    masks: Bool[np.ndarray, "C H W"]
    scores: Float[np.ndarray, " C"]
    logits: Float[np.ndarray, "C h w"]


class OpenImage(Protocol):
    """An image that a predictor has looked at, so that many predictions are quick."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""

    def predict(self, prompts: Prompts) -> Prediction:
        """Return the masks that prompts mean.

        Raises
        ------
        PromptError
            If nothing was pointed at, or a mask or logits are of another image.
        """


class MaskPredictor(Protocol):
    """Predicts an object's mask from what a person points at: SAM, or a classical method that needs no download."""

    @property
    def name(self) -> str:
        """What it is called in provenance, such as ``sam-hq/vit_b``."""

    def open(self, image: UInt8[np.ndarray, "H W 3"]) -> Generator[Progress, None, OpenImage]:
        """Look at an image, RGB; the last few are remembered. Closing the generator stops it.

        Raises
        ------
        ResourceError
            If the device runs out of memory.
        """
