"""Video benchmarks: frames, masks of objects, and expressions that mean one of them each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Int32, UInt8

from .stored_size import read_pixels
from .truth import TruthCode


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSample:
    """A video; frames and masks are read one by one when they are asked for."""

    key: str
    """Name of the sequence."""
    frames: tuple[Path, ...]
    """In order."""
    truths: tuple[Path, ...]
    """Masks of the frames."""
    code: TruthCode
    """What the values of the masks stand for."""
    expressions: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """By annotator, then by object id. An annotator may have left out an object."""

    @property
    def objects(self) -> dict[int, tuple[str, ...]]:
        """Expressions of each object by its id, one by each annotator who has one."""
        ids = sorted({id_ for texts in self.expressions.values() for id_ in texts})
        return {id_: tuple(texts[id_] for texts in self.expressions.values() if id_ in texts) for id_ in ids}

    def read_frame(self, index: int) -> UInt8[np.ndarray, "H W 3"]:
        """Read a frame, RGB; raise ImageError if it cannot be read."""
        return read_pixels(self.frames[index], is_upright=False)

    def read_truth(self, index: int) -> Int32[np.ndarray, "H W"]:
        """Read the mask of a frame: object ids, 0 for all else, :data:`~.truth.IGNORED` where nothing is scored.

        Raises
        ------
        DocumentError
            If it cannot be read, is no such mask, or has another size than the frame.
        ImageError
            If the frame is missing or damaged.
        """
        return self.code.read(self.truths[index], self.frames[index], is_upright=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoBenchmark:
    """Videos in which objects are found by expressions."""

    kind: ClassVar[Literal["video"]] = "video"

    name: str
    """As in :data:`~.catalogue.BENCHMARKS`, or of videos without expressions."""
    title: str
    """Name of the data set."""
    split: str
    samples: Sequence[VideoSample]
    """In the order of the list of sequences."""
    annotators: tuple[str, ...] = ()
    """Who wrote the expressions: each one's are scored by themselves, and the scores averaged."""
    site: str = ""
    """Where it is published."""
