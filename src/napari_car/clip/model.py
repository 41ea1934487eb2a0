"""A loaded CLIP: image tower, text encoder, and what its images must look like."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from napari_car.results import CheckpointIdentity

from .preprocess import normalise_images
from .text import TextEncoder
from .tower import VisionTower


@dataclass(frozen=True, slots=True)
class ClipModel:
    """CLIP as f and g use it; frozen, in evaluation mode, without gradients on its weights.

    Parameters
    ----------
    tower : VisionTower
    texts : TextEncoder
    logit_scale : float
        exp of the trained parameter; scales cosines to logits.
    mean, std : tuple of float
        Per-channel normalisation of RGB in [0, 1].
    identity : CheckpointIdentity
    """

    tower: VisionTower
    texts: TextEncoder
    logit_scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    identity: CheckpointIdentity

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.tower.device
        return device

    def normalise(self, images: UInt8[np.ndarray, "B H W 3"]) -> Float[Tensor, "B 3 H W"]:
        """Return uint8 RGB images as the image tower's input."""
        return normalise_images(images, self.mean, self.std, self.device)
