"""A drawn scene: an image, and for everything in it the exact mask and the texts that are true of it."""

from dataclasses import dataclass

import numpy as np

from scenes.vocabulary import CONCEPTS, Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A concept of the vocabulary, or an attribute such as `striped`, where it is seen in a scene."""

    name: str
    mask: np.ndarray
    """(H, W) bool: the union of the visible parts of its instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One image with its exact description."""

    domain: Domain
    image: np.ndarray
    """(H, W, 3) uint8 RGB."""
    concepts: tuple[Region, ...]
    """Pixel-disjoint; together they cover the image."""
    attributes: tuple[Region, ...]
    """Colours, shapes and patterns of the drawn objects, as unions over the objects that have them."""

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the texts true of a concept of this scene, the canonical one first."""
        return CONCEPTS[name].texts

    def mask(self, name: str) -> np.ndarray:
        """Give the (H, W) bool mask of a concept or attribute; all False if the scene does not show it."""
        for region in (*self.concepts, *self.attributes):
            if region.name == name:
                return region.mask
        return np.zeros(self.image.shape[:2], bool)
