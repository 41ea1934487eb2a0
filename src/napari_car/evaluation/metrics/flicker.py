"""How restless the masks of a video are: how much more they change from frame to frame than the truth does."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from napari_car.errors import ConfigError

from .pixels import Mask, check_masks, count_pixels, iou
from .tally import Item, Tally, count, mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Item):
    """The masks of a frame on those of the one before."""

    KEY: ClassVar = ("sequence", "target", "frame")
    sequence: str
    """Name of the video."""
    target: str
    """Name of the object or query."""
    frame: int = count()
    """Place of the later frame in the video."""
    n_both: int = count()
    """Pixels of both predictions."""
    n_either: int = count()
    """Pixels of the union of both predictions."""
    has_truth: bool
    """Whether the ground truth of both frames is known."""
    n_true_both: int = count()
    """Pixels of both true masks; 0 if these are not known."""
    n_true_either: int = count()
    """Pixels of the union of both true masks; 0 if these are not known."""

    def __post_init__(self) -> None:
        Item.__post_init__(self)
        if self.n_both > self.n_either or self.n_true_both > self.n_true_either:
            raise ConfigError(f"{self.sequence}, frame {self.frame}: more pixels stay than there are.")
        if self.n_true_either and not self.has_truth:
            raise ConfigError(f"{self.sequence}, frame {self.frame}: there are true pixels, but no ground truth.")

    @property
    def predicted(self) -> float:
        """Change of the prediction in [0, 1]: 1 - IoU, 0 where both masks are empty."""
        return 1 - iou(self.n_both, self.n_either, empty=1)

    @property
    def true(self) -> float:
        """Change of the ground truth in [0, 1]."""
        return 1 - iou(self.n_true_both, self.n_true_either, empty=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlickerScores:
    """Means over objects of means over pairs of frames; None where there are none."""

    n_pairs: int
    change: float | None
    """Change of the predictions, in [0, 1]."""
    true_change: float | None
    """Change of the ground truth, in [0, 1], where it is known."""
    flicker: float | None
    """Change of the predictions minus that of the ground truth, in [-1, 1], over the pairs where it is known."""


class FlickerTally(Tally[Change]):
    r"""Changes from frame to frame, pair by pair of each object.

    The measure is this project's own: with the masks :math:`P_t` and the true masks :math:`G_t`,

    .. math:: \frac{1}{T - 1} \sum_{t = 2}^{T} \left[ (1 - IoU(P_{t-1}, P_t)) - (1 - IoU(G_{t-1}, G_t)) \right]

    for each object, then the mean over objects. 0 is as restless as the truth; a mask that comes and goes is far above;
    one that stays where it is while the object moves is below. It needs no optical flow, unlike the temporal
    consistency of Liu et al. ("Efficient Semantic Video Segmentation with Per-frame Inference", ECCV 2020), and says
    nothing of whether masks are right: it is read beside J&F. (The temporal stability T of DAVIS-2016, the cost of
    matching outlines, was given up by DAVIS-2017.)
    """

    KIND = "flicker"
    ITEM = Change

    def update(
        self,
        sequence: str,
        target: str,
        frame: int,
        *,
        previous: Mask,
        current: Mask,
        previous_truth: Mask | None = None,
        current_truth: Mask | None = None,
    ) -> Change:
        """Count a frame and the one before it.

        Parameters
        ----------
        sequence, target : str
            Names of the video and of the object or query.
        frame : int
            Place of the later frame in the video, from 1.
        previous, current : ndarray, (H, W), bool
            Predictions of the frame before and of this one.
        previous_truth, current_truth : ndarray, (H, W), bool, optional
            Ground truth; both or none.

        Returns
        -------
        Change
            What was counted.

        Raises
        ------
        ImageError
            If these are no masks of one size.
        ConfigError
            If the pair was counted already, or the truth of one frame alone is given.
        """
        if (previous_truth is None) != (current_truth is None):
            raise ConfigError(f"{sequence}, frame {frame}: the ground truth of both frames is needed, or of none.")
        known = {"previous mask": previous, "current mask": current}
        n_true_both, n_true_either = 0, 0
        if previous_truth is not None and current_truth is not None:
            check_masks({**known, "previous true mask": previous_truth, "current true mask": current_truth})
            n_true_both, n_true_either = _count_pair(previous_truth, current_truth)
        check_masks(known)
        n_both, n_either = _count_pair(previous, current)
        change = Change(
            sequence=sequence,
            target=target,
            frame=frame,
            n_both=n_both,
            n_either=n_either,
            has_truth=current_truth is not None,
            n_true_both=n_true_both,
            n_true_either=n_true_either,
        )
        self._add(change)
        return change

    def scores(self) -> FlickerScores:
        """Return the scores."""
        change, true_change, flicker = [], [], []
        for _, group in itertools.groupby(self.items, key=lambda item: (item.sequence, item.target)):
            pairs = list(group)
            known = [pair for pair in pairs if pair.has_truth]
            change.append(mean(pair.predicted for pair in pairs))
            true_change.append(mean(pair.true for pair in known))
            flicker.append(mean(pair.predicted - pair.true for pair in known))
        return FlickerScores(
            n_pairs=len(self),
            change=_mean_of_known(change),
            true_change=_mean_of_known(true_change),
            flicker=_mean_of_known(flicker),
        )


def _count_pair(first: Mask, second: Mask) -> tuple[int, int]:
    """Return the numbers of pixels of intersection and union."""
    return count_pixels(first & second), count_pixels(first | second)


def _mean_of_known(values: list[float | None]) -> float | None:
    """Return the mean of the objects of which there is one."""
    return mean(value for value in values if value is not None)
