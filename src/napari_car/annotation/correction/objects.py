"""Objects of a mask: its connected parts, split where they touch."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int32

from napari_car.annotation.frames import Box

from .connected_parts import Connectivity, find_parts
from .watershed import Splitting, count_in_part, split_part


def find_objects(
    mask: Bool[np.ndarray, "H W"], connectivity: Connectivity = 8, splitting: Splitting | None = None
) -> Iterator[tuple[Box, Int32[np.ndarray, "h w"]]]:
    """Yield the connected parts of a mask, and the objects of each.

    Parameters
    ----------
    mask : ndarray, (H, W), bool
    connectivity : {8, 4}
        Whether pixels that touch at a corner are of one part.
    splitting : Splitting, optional
        When a part is several objects; each is one by default.

    Yields
    ------
    box : Box
        Of a part; nothing for an empty mask.
    objects : ndarray, (h, w), int32
        Objects in the box, from 1; 0 outside the part.
    """
    for box, part in _cut_out_parts(mask, connectivity):
        yield box, part.astype(np.int32) if splitting is None else split_part(part, splitting)


def count_objects(
    mask: Bool[np.ndarray, "H W"], connectivity: Connectivity = 8, splitting: Splitting | None = None
) -> int:
    """Return how many objects :func:`find_objects` yields, which takes less time."""
    if splitting is None:
        return len(find_parts(mask, connectivity))
    return sum(count_in_part(part, splitting) for _, part in _cut_out_parts(mask, connectivity))


def _cut_out_parts(
    mask: Bool[np.ndarray, "H W"], connectivity: Connectivity
) -> Iterator[tuple[Box, Bool[np.ndarray, "h w"]]]:
    """Yield the box of each connected part, and the part in it."""
    parts = find_parts(mask, connectivity)
    for number, box in enumerate(parts.boxes, start=1):
        yield box, parts.numbers[box.slices] == number
