"""Many masks of one image, a bit per pixel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8


@dataclass(frozen=True, slots=True, eq=False)
class MaskSet:
    """Masks that may overlap; iterating unpacks one at a time.

    Parameters
    ----------
    packed : ndarray, (S, K), uint8
        Each mask's pixels in rows, eight to a byte (:func:`numpy.packbits`); S may be 0.
    size_px : tuple of int
        Height and width (H, W).
    """

    packed: UInt8[np.ndarray, "S K"]
    size_px: tuple[int, int]

    @classmethod
    def pack(cls, masks: Iterable[Bool[np.ndarray, "H W"]], size_px: tuple[int, int]) -> "MaskSet":
        """Pack masks of one size, in order."""
        rows = [np.packbits(mask) for mask in masks]
        n_bytes = -(-size_px[0] * size_px[1] // 8)
        return cls(np.stack(rows) if rows else np.zeros((0, n_bytes), dtype=np.uint8), size_px)

    def __len__(self) -> int:
        return len(self.packed)

    def __iter__(self) -> Iterator[Bool[np.ndarray, "H W"]]:
        return (self._unpacked(row) for row in self.packed)

    def areas_px(self) -> Int[np.ndarray, " S"]:
        """Return the number of pixels of each mask."""
        return np.asarray(np.bitwise_count(self.packed).sum(axis=1, dtype=np.int64))

    def intersections_px(self, mask: Bool[np.ndarray, "H W"]) -> Int[np.ndarray, " S"]:
        """Return the number of pixels that each shares with another mask."""
        return np.asarray(np.bitwise_count(self.packed & np.packbits(mask)).sum(axis=1, dtype=np.int64))

    def union(self, chosen: Bool[np.ndarray, " S"]) -> Bool[np.ndarray, "H W"]:
        """Return the pixels that are in any of some masks."""
        return self._unpacked(np.bitwise_or.reduce(self.packed[chosen], axis=0))

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.packed.nbytes

    def _unpacked(self, row: UInt8[np.ndarray, " K"]) -> Bool[np.ndarray, "H W"]:
        """Return one mask; the bits that fill up its last byte are dropped."""
        return np.unpackbits(row, count=self.size_px[0] * self.size_px[1]).reshape(self.size_px).view(bool)
