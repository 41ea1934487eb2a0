"""What the recurrence produces, step by step."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import cv2
import numpy as np
from jaxtyping import Bool, Float

R = TypeVar("R")

Verdict = Literal["present", "uncertain", "absent"]
Stage = Literal["texts", "image", "proposals", "classification", "refinement", "sam-image", "sam-masks"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One piece of work done inside a time step; between two of them a run can be stopped.

    Parameters
    ----------
    stage : str
        What is being computed.
    step : int
        Time step t, from 1; 0 before the recurrence.
    done, total : int
        Pieces done and in all within this stage and step (queries, prompted images, iterations).
    """

    stage: Stage
    step: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Proposals:
    """Mask proposals y, kept on the patch grid and enlarged on demand.

    Parameters
    ----------
    maps : ndarray, (N, h, w), float32 in [0, 1]
        One map per query on the patch grid.
    size_px : tuple of int
        Height and width (H, W) of the image they belong to.
    """

    maps: Float[np.ndarray, "N h w"]
    size_px: tuple[int, int]

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: int) -> Float[np.ndarray, "H W"]:
        """Return one proposal at image size, bilinearly enlarged, float32 in [0, 1]."""
        height, width = self.size_px
        enlarged: Float[np.ndarray, "H W"] = cv2.resize(self.maps[index], (width, height))  # bilinear
        return enlarged

    def masks(self, threshold: float) -> list[Bool[np.ndarray, "H W"]]:
        """Return where each proposal is above a threshold (η)."""
        return [self[index] > np.float32(threshold) for index in range(len(self))]

    def select(self, rows: "Bool[np.ndarray, N] | list[int]") -> "Proposals":
        """Return the proposals of some queries."""
        return Proposals(self.maps[rows], self.size_px)

    def stacked(self) -> Float[np.ndarray, "N H W"]:
        """Return all proposals at image size; N * H * W * 4 bytes."""
        return (
            np.stack([self[index] for index in range(len(self))]) if len(self) else np.zeros((0, *self.size_px), "f4")
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One time step of the recurrence (Eq. 3 to 6).

    Parameters
    ----------
    index : int
        t, from 1.
    queries : tuple of int
        h_{t-1}: indices into the queries of the run.
    proposals : Proposals
        y_t, one per query.
    similarity : ndarray, (N, N + M), float32
        P_t: row = mask, column = query; M columns of background queries that have no mask. Rows sum to 1.
    scores : ndarray, (N,), float32 in [0, 1]
        Diagonal of P_t.
    survives : ndarray, (N,), bool
        Which queries go on to h_t.
    """

    index: int
    queries: tuple[int, ...]
    proposals: Proposals
    similarity: Float[np.ndarray, "N C"]
    scores: Float[np.ndarray, " N"]
    survives: Bool[np.ndarray, " N"]

    @property
    def survivors(self) -> tuple[int, ...]:
        """h_t: indices of the queries that survive."""
        return tuple(query for query, survives in zip(self.queries, self.survives, strict=True) if survives)


@dataclass(frozen=True, slots=True)
class CheckpointIdentity:
    """Which network computed a result.

    Parameters
    ----------
    name : str
        As the user named it.
    architecture : str
        open_clip's name of the architecture, or the folder's.
    sha256 : str
        Hash of the checkpoint file.
    precision : str
        Floating-point type, such as ``float32``.
    device : str
        Where it ran.
    """

    name: str
    architecture: str
    sha256: str
    precision: str
    device: str


def drain(run: Generator[object, None, R]) -> R:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            return cast("R", end.value)
