"""Connected parts of a mask."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Int32

from napari_car.annotation.frames import Box

Connectivity = Literal[4, 8]
"""Which neighbours of a pixel belong to the same part: those at its sides, or those at its corners, too."""


@dataclass(frozen=True, slots=True, eq=False)
class ConnectedParts:
    """Parts of a mask, numbered from 1.

    Parameters
    ----------
    numbers : ndarray, (H, W), int32
        Number of the part that each pixel belongs to; 0 outside the mask.
    areas_px : ndarray, (1 + n_parts,), int32
        By number; the first is that of no part, 0.
    boxes : tuple of Box
        Of part 1, part 2, ...
    """

    numbers: Int32[np.ndarray, "H W"]
    areas_px: Int32[np.ndarray, " n"]
    boxes: tuple[Box, ...]

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def largest(self) -> int:
        """Number of the largest part, of several the first by number; 0 if there is none."""
        return int(self.areas_px.argmax())

    def holding(self, mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, " n"]:
        """Return by number which parts hold a pixel of a mask; the first is that of no part, False."""
        holds = np.zeros(len(self.areas_px), dtype=bool)
        holds[self.numbers[mask]] = True
        holds[0] = False
        return holds


def find_parts(mask: Bool[np.ndarray, "H W"], connectivity: Connectivity = 8) -> ConnectedParts:
    """Return the connected parts of a mask; an empty one has none."""
    if not mask.any():
        return ConnectedParts(np.zeros(mask.shape, dtype=np.int32), np.zeros(1, dtype=np.int32), ())
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask).view(np.uint8), connectivity=connectivity, ltype=cv2.CV_32S
    )
    boxes = tuple(Box(top, left, top + height, left + width) for left, top, width, height, _ in stats[1:].tolist())
    areas_px = stats[:, cv2.CC_STAT_AREA].astype(np.int32)
    areas_px[0] = 0
    return ConnectedParts(np.asarray(numbers, dtype=np.int32), areas_px, boxes)
