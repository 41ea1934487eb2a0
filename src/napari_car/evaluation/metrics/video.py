"""Scores of objects in videos: region similarity J and boundary accuracy F as DAVIS has them."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_car.errors import ConfigError

from .boundary import boundary_f, count_boundary_matches
from .pixels import Mask, check_masks, count_pixels, iou
from .tally import Item, Tally, count

RECALL_THRESHOLD = 0.5
N_QUARTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMatch(Item):
    """A predicted mask on the true one, in one frame."""

    KEY: ClassVar = ("sequence", "target", "frame")
    sequence: str
    """Name of the video."""
    target: str
    """Name of the object, or of the expression that refers to it."""
    frame: int = count()
    """Place of the frame in the video."""
    n_both: int = count()
    """Pixels of both masks."""
    n_either: int = count()
    """Pixels of the union."""
    n_boundary: int = count()
    """Pixels of the prediction's boundary."""
    n_boundary_matched: int = count()
    """Those of them that have one of the true boundary within reach."""
    n_true_boundary: int = count()
    """Pixels of the true boundary."""
    n_true_boundary_matched: int = count()
    """Those of them that have one of the prediction's boundary within reach."""

    def __post_init__(self) -> None:
        Item.__post_init__(self)
        if (
            self.n_both > self.n_either
            or self.n_boundary_matched > self.n_boundary
            or self.n_true_boundary_matched > self.n_true_boundary
        ):
            raise ConfigError(f"{self.sequence}, frame {self.frame}: more pixels match than there are.")

    @property
    def region(self) -> float:
        """J: intersection over union; 1 where both masks are empty."""
        return iou(self.n_both, self.n_either, empty=1)

    @property
    def boundary(self) -> float:
        """F: harmonic mean of the boundary's precision and recall; 1 where both masks have none."""
        return boundary_f(self.n_boundary, self.n_boundary_matched, self.n_true_boundary, self.n_true_boundary_matched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What DAVIS says of a measure over frames, or the mean of it over objects."""

    mean: float
    recall: float
    """Share of frames above 0.5."""
    decay: float
    """Mean of the first quarter of frames minus that of the last: what is lost in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetScores:
    """An object over its frames."""

    sequence: str
    target: str
    frames: tuple[int, ...]
    region_by_frame: tuple[float, ...]
    """J of each frame."""
    boundary_by_frame: tuple[float, ...]
    """F of each frame."""
    region: Statistics
    boundary: Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoScores:
    """Means over all objects of all videos, each object with the same weight; None if there are none."""

    targets: tuple[TargetScores, ...]
    region: Statistics | None
    """J."""
    boundary: Statistics | None
    """F."""
    region_and_boundary: float | None
    """J&F: mean of the means of J and F."""


class VideoTally(Tally[FrameMatch]):
    """Predicted masks on the true ones, frame by frame of each object."""

    KIND = "video"
    ITEM = FrameMatch

    def update(
        self, sequence: str, target: str, frame: int, prediction: Mask, truth: Mask, *, void: Mask | None = None
    ) -> FrameMatch:
        """Count an object in a frame; in any order of frames.

        Parameters
        ----------
        sequence, target : str
            Names of the video and of the object.
        frame : int
            Place of the frame in the video, from 0.
        prediction, truth : ndarray, (H, W), bool
            Without any pixel where the object is not seen.
        void : ndarray, (H, W), bool, optional
            Pixels that do not count (255 in the files of DAVIS-2017): they are in neither mask, as in the official
            program.

        Returns
        -------
        FrameMatch
            What was counted.

        Raises
        ------
        ImageError
            If these are no masks of one size.
        ConfigError
            If the object was counted already in this frame.
        """
        known = {"predicted mask": prediction, "true mask": truth}
        check_masks(known if void is None else {**known, "void mask": void})
        if void is not None:
            prediction, truth = prediction & ~void, truth & ~void
        n_boundary, n_matched, n_true_boundary, n_true_matched = count_boundary_matches(prediction, truth)
        match = FrameMatch(
            sequence=sequence,
            target=target,
            frame=frame,
            n_both=count_pixels(prediction & truth),
            n_either=count_pixels(prediction | truth),
            n_boundary=n_boundary,
            n_boundary_matched=n_matched,
            n_true_boundary=n_true_boundary,
            n_true_boundary_matched=n_true_matched,
        )
        self._add(match)
        return match

    def scores(self, *, without_ends: bool = False) -> VideoScores:
        """Return the scores.

        Parameters
        ----------
        without_ends : bool
            Leave out the first and the last frame of each video that were counted, as DAVIS-2017 does in its
            semi-supervised task, where the first is given. Its unsupervised task counts all, and so does the usual
            evaluation of Ref-DAVIS 2017 (that of ReferFormer, Wu et al., CVPR 2022), which is this task for each of
            four annotators, then the mean over them. That task also gives each prediction to the object for which it
            is best, over all of a video; here each one is compared with the object that was asked for, so scores are
            equal or lower.

        Raises
        ------
        ConfigError
            If no frame of a video is left.
        """
        inner = self._inner_frames() if without_ends else {}
        targets = []
        for (sequence, target), group in itertools.groupby(self.items, key=lambda item: (item.sequence, item.target)):
            frames = [item for item in group if not inner or item.frame in inner[sequence]]
            targets.append(_score_target(sequence, target, frames))
        region = _mean_statistics([target.region for target in targets])
        boundary = _mean_statistics([target.boundary for target in targets])
        both = None if region is None or boundary is None else (region.mean + boundary.mean) / 2
        return VideoScores(targets=tuple(targets), region=region, boundary=boundary, region_and_boundary=both)

    def _inner_frames(self) -> dict[str, range]:
        """Return the frames between the first and the last of each video."""
        inner = {}
        for sequence, group in itertools.groupby(self.items, key=lambda item: item.sequence):
            frames = [item.frame for item in group]
            inner[sequence] = range(min(frames) + 1, max(frames))
        return inner


def summarise_frames(values: Sequence[float]) -> Statistics:
    """Return mean, recall and decay of a measure over frames (Perazzi et al., CVPR 2016, section 5.2).

    The quarters of the decay are those of the official program: from ends at ``round(linspace(1, n, 5) + 1e-10) - 1``,
    both of which belong to the quarter, so that neighbouring quarters share a frame. (It counts frames in eight bits,
    which goes wrong in videos of more than 256; here it does not.)

    Parameters
    ----------
    values : sequence of float
        One per frame, in order; at least one.
    """
    ends = (np.round(np.linspace(1, len(values), N_QUARTERS + 1) + 1e-10) - 1).astype(int).tolist()
    first, last = values[: ends[1] + 1], values[ends[-2] :]
    return Statistics(
        mean=_mean(values),
        recall=sum(value > RECALL_THRESHOLD for value in values) / len(values),
        decay=_mean(first) - _mean(last),
    )


def _score_target(sequence: str, target: str, frames: Sequence[FrameMatch]) -> TargetScores:
    """Return the scores of an object."""
    if not frames:
        raise ConfigError(f"{sequence}: no frame of {target} is left without the first and the last one.")
    regions, boundaries = tuple(item.region for item in frames), tuple(item.boundary for item in frames)
    return TargetScores(
        sequence=sequence,
        target=target,
        frames=tuple(item.frame for item in frames),
        region_by_frame=regions,
        boundary_by_frame=boundaries,
        region=summarise_frames(regions),
        boundary=summarise_frames(boundaries),
    )


def _mean_statistics(statistics: Sequence[Statistics]) -> Statistics | None:
    """Return the mean over objects."""
    if not statistics:
        return None
    return Statistics(
        mean=_mean([item.mean for item in statistics]),
        recall=_mean([item.recall for item in statistics]),
        decay=_mean([item.decay for item in statistics]),
    )


def _mean(values: Sequence[float]) -> float:
    """Return the mean of one value or more."""
    return math.fsum(values) / len(values)
