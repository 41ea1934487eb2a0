"""Scores of referring segmentation: one mask per expression, or none where it refers to nothing."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from napari_car.errors import ConfigError

from .pixels import Mask, check_masks, count_pixels, iou
from .tally import Item, Tally, count, mean, share

PRECISION_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(Item):
    """A predicted mask on the true one."""

    KEY: ClassVar = ("item",)
    item: str
    """Name of the expression, or of the object if its expressions are answered together."""
    n_predicted: int = count()
    """Pixels of the prediction."""
    n_true: int = count()
    """Pixels of the ground truth; 0 if the expression refers to nothing."""
    n_both: int = count()
    """Pixels of both."""

    def __post_init__(self) -> None:
        Item.__post_init__(self)
        if self.n_both > min(self.n_predicted, self.n_true):
            raise ConfigError(f"{self.item}: two masks cannot share more pixels than the smaller has.")

    @property
    def n_either(self) -> int:
        """Pixels of the union."""
        return self.n_predicted + self.n_true - self.n_both

    def iou(self, empty: float) -> float:
        """Intersection over union, and what is said where both masks are empty."""
        return iou(self.n_both, self.n_either, empty=empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferringScores:
    """Scores of RefCOCO, RefCOCO+ and RefCOCOg; fractions, and None where there is nothing to divide by."""

    n_items: int
    mean_iou: float | None
    """Mean of the items' IoU (mIoU)."""
    overall_iou: float | None
    """Sum of all intersections over the sum of all unions (oIoU)."""
    precision: dict[float, float]
    """Share of items whose IoU is at least a threshold, by threshold; empty if there are no items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralizedScores:
    """Scores of GRES; fractions, and None where there is nothing to divide by."""

    n_items: int
    n_without_target: int
    """Expressions that refer to nothing."""
    generalized_iou: float | None
    """Mean of the items' IoU, where an expression without target has 1 if nothing is predicted, else 0 (gIoU)."""
    cumulative_iou: float | None
    """Sum of all intersections over the sum of all unions (cIoU); false masks add to the unions."""
    no_target_accuracy: float | None
    """Share of expressions without target for which nothing is predicted (N-acc)."""
    target_accuracy: float | None
    """Share of expressions with a target for which something is predicted (T-acc)."""
    precision: dict[float, float]
    """Share of expressions with a target whose IoU is at least a threshold (Pr@); empty if there are none."""


class ReferringTally(Tally[Overlap]):
    """Predicted masks on the true ones, expression by expression."""

    KIND = "referring"
    ITEM = Overlap

    def update(self, item: str, prediction: Mask, truth: Mask) -> Overlap:
        """Count an expression.

        Parameters
        ----------
        item : str
            Its name, which no other item has.
        prediction, truth : ndarray, (H, W), bool
            Without any pixel where there is, or is to be, nothing.

        Returns
        -------
        Overlap
            What was counted.

        Raises
        ------
        ImageError
            If these are no masks of one size.
        ConfigError
            If the item was counted already.
        """
        check_masks({"predicted mask": prediction, "true mask": truth})
        overlap = Overlap(
            item=item,
            n_predicted=count_pixels(prediction),
            n_true=count_pixels(truth),
            n_both=count_pixels(prediction & truth),
        )
        self._add(overlap)
        return overlap

    def scores(self, *, empty_iou: Literal[0, 1] = 0) -> ReferringScores:
        """Return the scores of RefCOCO.

        The precision is the share with IoU >= threshold, as in the evaluation of LAVT (Yang et al., CVPR 2022), which
        most of the field has taken over, and in the released program of CaR (``evaluate.py``).

        Parameters
        ----------
        empty_iou : 0 or 1
            IoU of an item of which both masks are empty: 0 in the released program.
        """
        ious = [item.iou(empty_iou) for item in self.items]
        return ReferringScores(
            n_items=len(ious),
            mean_iou=mean(ious),
            overall_iou=share(sum(item.n_both for item in self.items), sum(item.n_either for item in self.items)),
            precision=_precision(ious),
        )

    def generalized_scores(self, *, min_pixels: int = 1) -> GeneralizedScores:
        """Return the scores of GRES (Liu, Ding and Jiang: "GRES", CVPR 2023, section 3.3).

        With TP and FN the expressions without target that are answered by nothing and by something, and TN and FP those
        with a target answered by something and by nothing: N-acc = TP / (TP + FN), T-acc = TN / (TN + FP). The program
        of ReLA has T-acc in this form in its later version only; an earlier one divides TP by TP + FP + 1.

        Parameters
        ----------
        min_pixels : int
            A prediction of fewer pixels counts as nothing. ReLA says "nothing here" by an output of its own; CaR has
            none, and says it by an empty mask. Other methods without one were given 50 in the paper.

        Raises
        ------
        ConfigError
            If the number is below 1.
        """
        if min_pixels < 1:
            raise ConfigError(f"min_pixels is {min_pixels}, but a mask that counts has at least 1 pixel.")
        items = [item if item.n_predicted >= min_pixels else _emptied(item) for item in self.items]
        aimed = [item for item in items if item.n_true]
        aimless = [item for item in items if not item.n_true]
        return GeneralizedScores(
            n_items=len(items),
            n_without_target=len(aimless),
            generalized_iou=mean(item.iou(1) for item in items),
            cumulative_iou=share(sum(item.n_both for item in items), sum(item.n_either for item in items)),
            no_target_accuracy=share(sum(not item.n_predicted for item in aimless), len(aimless)),
            target_accuracy=share(sum(item.n_predicted > 0 for item in aimed), len(aimed)),
            precision=_precision([item.iou(1) for item in aimed]),
        )


def _emptied(item: Overlap) -> Overlap:
    """Return an item as if nothing had been predicted."""
    return Overlap(item=item.item, n_predicted=0, n_true=item.n_true, n_both=0)


def _precision(ious: list[float]) -> dict[float, float]:
    """Return the share of IoUs that reach each threshold; nothing if there are none."""
    if not ious:
        return {}
    return {threshold: sum(value >= threshold for value in ious) / len(ious) for threshold in PRECISION_THRESHOLDS}
