"""Semantic benchmarks: images, classes, and a label for each pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Int32, UInt8

from napari_car.queries import Query

from .stored_size import read_pixels
from .truth import TruthCode


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkClass:
    """A class that is scored."""

    id: int
    """Its label in ground truth and predictions, from 1."""
    name: str
    """Its official name."""
    query: Query
    """What is asked for: one text, commas and all, and whether it is a thing or stuff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSample:
    """An image with a mask of class ids; both files are read when they are asked for."""

    key: str
    """Tells samples of a benchmark apart; can be the name of a file."""
    image: Path
    truth: Path
    code: TruthCode
    """What the values of the mask stand for."""
    is_upright: bool = False
    """Whether the mask is of the image turned as its EXIF orientation says."""

    def read_image(self) -> UInt8[np.ndarray, "H W 3"]:
        """Read the image, RGB; raise ImageError if it cannot be read."""
        return read_pixels(self.image, is_upright=self.is_upright)

    def read_truth(self) -> Int32[np.ndarray, "H W"]:
        """Read the mask: class ids, 0 for background, :data:`~.truth.IGNORED` for pixels that are not scored.

        Raises
        ------
        DocumentError
            If it cannot be read, is no such mask, or has another size than the image.
        ImageError
            If the image is missing or damaged.
        """
        return self.code.read(self.truth, self.image, is_upright=self.is_upright)


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticBenchmark:
    """Images in which every pixel has a class, background, or no score."""

    kind: ClassVar[Literal["semantic"]] = "semantic"

    name: str
    """As in :data:`~.catalogue.BENCHMARKS`."""
    title: str
    """Name of the data set."""
    split: str
    classes: tuple[BenchmarkClass, ...]
    """By id."""
    has_background: bool
    """Whether background, label 0, is scored as a class."""
    samples: Sequence[SemanticSample]
    """By key."""
    stuff_order: tuple[int, ...] = ()
    """Ids of the stuff classes in the order in which they are asked for; things are asked for by id."""
    site: str = ""
    """Where it is published."""
    background_words: tuple[str, ...] = ()
    """Distractors: they compete with the classes, and are not scored."""

    @property
    def things(self) -> tuple[BenchmarkClass, ...]:
        """Classes that are things, as they are asked for."""
        return tuple(item for item in self.classes if item.query.group == "thing")

    @property
    def stuff(self) -> tuple[BenchmarkClass, ...]:
        """Classes that are stuff, as they are asked for."""
        by_id = {item.id: item for item in self.classes}
        return tuple(by_id[id_] for id_ in self.stuff_order)

    @property
    def queries(self) -> tuple[Query, ...]:
        """What is asked for in each image: things, then stuff."""
        return tuple(item.query for item in (*self.things, *self.stuff))

    @property
    def query_ids(self) -> tuple[int, ...]:
        """Class ids of :attr:`queries`, in the same order."""
        return tuple(item.id for item in (*self.things, *self.stuff))
