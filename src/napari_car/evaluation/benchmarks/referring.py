"""Referring benchmarks: images, and expressions for one target each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, UInt8

from .rasters import Overlap, Polygons, draw_target
from .stored_size import check_size, read_pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferringSample:
    """Expressions for what is to be found in an image; the image is read and the mask drawn when they are asked for."""

    key: str
    """Tells samples of a benchmark apart; can be the name of a file."""
    image: Path
    size_px: tuple[int, int]
    """Rows and columns, as the annotations have them."""
    expressions: tuple[str, ...]
    """At least one; several all mean the same target, and their masks are merged."""
    targets: tuple[Polygons, ...]
    """Outlines of each object that is meant; none if there is nothing to be found."""
    overlap: Overlap
    """What pixels are that lie in several polygons of an object."""

    @property
    def has_target(self) -> bool:
        """Whether anything is to be found."""
        return bool(self.targets)

    def read_image(self) -> UInt8[np.ndarray, "H W 3"]:
        """Read the image, RGB; raise ImageError if it cannot be read."""
        return read_pixels(self.image, is_upright=False)

    def read_truth(self) -> Bool[np.ndarray, "H W"]:
        """Draw the mask of all targets together; all False if there are none.

        Raises
        ------
        DocumentError
            If the polygons cannot be drawn, or the image is not of the annotations' size.
        ImageError
            If the image is missing or damaged.
        MissingExtraError
            If pycocotools is not installed.
        """
        check_size(self.image, self.size_px, Path("instances.json"), is_upright=False)
        truth = np.zeros(self.size_px, dtype=bool)
        for polygons in self.targets:
            truth |= draw_target(polygons, self.size_px, self.overlap)
        return truth


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferringBenchmark:
    """Items that are scored one by one: an object with all its expressions, or a single expression."""

    kind: ClassVar[Literal["referring"]] = "referring"

    name: str
    """As in :data:`~.catalogue.BENCHMARKS`."""
    title: str
    """Name of the data set."""
    split: str
    samples: Sequence[ReferringSample]
    """In the order of the annotations."""
    site: str = ""
    """Where it is published."""
