"""What the recurrence produces, step by step."""

import functools
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal, TypeVar, cast

import cv2
import numpy as np
from jaxtyping import Bool, Float

from .queries import Query

R = TypeVar("R")

_VERSIONED = ("napari-car", "torch", "open_clip_torch", "numpy", "opencv-python-headless", "segment-anything-hq")

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

    def select(self, rows: Bool[np.ndarray, " N"] | list[int]) -> "Proposals":
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


@dataclass(frozen=True, slots=True)
class SamAgreement:
    """How a mask agrees with the objects that SAM finds (section 3.4).

    Parameters
    ----------
    n_objects : int
        SAM masks that match it.
    iou : float
        Intersection over union of the mask and their union.
    is_replaced : bool
        Whether the union has replaced the mask.
    """

    n_objects: int
    iou: float
    is_replaced: bool


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What was found for one query.

    Parameters
    ----------
    query : Query
    id : int
        Its value in label maps: 1 for the first query, unless
        :meth:`Segmentation.labelled <napari_car.segmentation.Segmentation.labelled>` chose others.
    verdict : {"present", "uncertain", "absent"}
        Uncertain if the last score is within ``recurrence.uncertain_margin`` of θ, whether it survived or not.
    has_mask : bool
        Whether it survived; an uncertain query may or may not.
    scores : tuple of float
        Score of each time step it took part in; at least one.
    dropped_at_step : int or None
        The time step that dropped it.
    sam : SamAgreement or None
        How its mask agrees with SAM's; None if SAM was not asked, or there is no mask.
    frames_ago : int
        In a video with carried queries, how many frames ago it was asked for last, and dropped: verdict, scores and
        time step are those of then. 0: it was asked for in this one.
    """

    query: Query
    id: int
    verdict: Verdict
    has_mask: bool
    scores: tuple[float, ...]
    dropped_at_step: int | None
    sam: SamAgreement | None = None
    frames_ago: int = 0

    @property
    def text(self) -> str:
        """The query's text."""
        return self.query.text

    @property
    def score(self) -> float:
        """Score of the last time step it took part in."""
        return self.scores[-1]


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a result was computed.

    Parameters
    ----------
    f, g : CheckpointIdentity
    background : tuple of str
        Background queries of f in the last run of the recurrence.
    crf_backend : str
    versions : mapping of str to str
        Packages.
    seconds : mapping of str to float
        Wall time by stage.
    created : str
        ISO 8601, UTC.
    notes : tuple of str
        What was changed on the user's behalf.
    sam : CheckpointIdentity or None
        SAM, if it was asked.
    """

    f: CheckpointIdentity
    g: CheckpointIdentity
    background: tuple[str, ...]
    crf_backend: str
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    created: str
    notes: tuple[str, ...]
    sam: CheckpointIdentity | None = None


def installed_versions() -> dict[str, str]:
    """Return the packages that results depend on, with their versions."""
    return {name: _version(name) for name in _VERSIONED}


@functools.cache
def _version(package: str) -> str:
    """Look up a version once; it takes as long as segmenting a small image."""
    return version(package)


def drain(run: Generator[object, None, R]) -> R:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            return cast("R", end.value)
