"""IoU, accuracies and their means from the totals of each class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from napari_car.errors import ConfigError

from .tally import mean

Background = Literal["scored", "not averaged", "void", "removed"]
"""What becomes of label 0; see :func:`score_classes`."""

Number = int | Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTotals:
    """Pixels, or weights, of each class in a confusion matrix; exact."""

    true: Sequence[Number]
    """Row sums: TP + FN."""
    predicted: Sequence[Number]
    """Column sums: TP + FP."""
    hit: Sequence[Number]
    """Diagonal: TP."""
    missed_to_0: Sequence[Number]
    """Pixels of the class that were predicted as label 0."""
    wrong_on_0: Sequence[Number]
    """Pixels of label 0 that were predicted as the class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores:
    """One class; fractions, and None where there is nothing to divide by."""

    label: int
    n_true: float
    """Pixels of the ground truth that count, or their weight."""
    n_predicted: float
    """Pixels of the predictions that count, or their weight."""
    iou: float | None
    """TP / (TP + FP + FN); 0 if it was predicted, but is nowhere; None if it is nowhere at all."""
    accuracy: float | None
    """TP / (TP + FN)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationScores:
    """Scores of a split; fractions, and None where there is nothing to divide by."""

    background: Background
    n_pixels: float
    """Pixels of the ground truth of the classes that are averaged, or their weight."""
    n_classes: int
    """Classes that have ground truth: the means are over these."""
    mean_iou: float | None
    """mIoU."""
    pixel_accuracy: float | None
    """Share of the pixels that have their true label."""
    mean_accuracy: float | None
    """Mean of the classes' accuracies."""
    frequency_weighted_iou: float | None
    """Mean of the classes' IoU, weighted by their pixels in the ground truth."""
    classes: tuple[ClassScores, ...]
    """All classes that are averaged, also those without ground truth."""


def score_classes(totals: ClassTotals, background: Background = "scored") -> SegmentationScores:
    """Return the scores of a split.

    IoU = TP / (TP + FP + FN) of each class over all pixels of the split, as in Pascal VOC (Everingham et al., IJCV
    2010); accuracies and the weighted mean as in Long, Shelhamer and Darrell ("Fully Convolutional Networks", CVPR
    2015, section 5). Classes without ground truth are left out of all means, as in the released program of CaR
    (``evaluate.py``, which says 0 where none is left, and here None is said). Keras' ``MeanIoU`` leaves out only those
    that are not predicted either.

    Parameters
    ----------
    totals : ClassTotals
        From a confusion matrix.
    background : {"scored", "not averaged", "void", "removed"}
        What becomes of label 0:

        - ``scored``: it is a class as any other (VOC-21, COCO Object, Context-60).
        - ``not averaged``: its own scores are left out of the means. Objects predicted on true background are wrong,
          and so are their pixels that are predicted as background.
        - ``void``: pixels whose ground truth it is are not looked at, as if they were void: the official way of
          data sets in which 0 means "other" or "unlabelled" (ADE20K). A pixel of an object predicted as background is
          still missed.
        - ``removed``: row and column 0 are taken out of the matrix, the released program's ``ignore_background``
          (VOC-20, Context-59, Context-459, ADE). So pixels of objects that were predicted as background are not looked
          at either, and no method that predicts background misses anything by it: the figures are higher than with
          ``void``.

    Raises
    ------
    ConfigError
        If it is none of these.
    """
    if background not in get_args(Background):
        raise ConfigError(f'The background is to be "{background}", but must be {", ".join(get_args(Background))}.')
    first = 0 if background == "scored" else 1
    rows = [_class_numbers(totals, label, background) for label in range(first, len(totals.true))]
    classes = tuple(
        _score_class(label, true, predicted, hit) for label, (true, predicted, hit) in enumerate(rows, start=first)
    )
    n_pixels = sum(true for true, _, _ in rows)
    return SegmentationScores(
        background=background,
        n_pixels=float(n_pixels),
        n_classes=sum(true > 0 for true, _, _ in rows),
        mean_iou=mean(item.iou for item in classes if item.n_true and item.iou is not None),
        pixel_accuracy=_ratio(sum(hit for _, _, hit in rows), n_pixels),
        mean_accuracy=mean(item.accuracy for item in classes if item.accuracy is not None),
        frequency_weighted_iou=_weighted_mean(classes, n_pixels),
        classes=classes,
    )


def _class_numbers(totals: ClassTotals, label: int, background: Background) -> tuple[Number, Number, Number]:
    """Return what counts of a class: of its truth, of its predictions, and of both."""
    true, predicted = totals.true[label], totals.predicted[label]
    if background == "removed":
        true -= totals.missed_to_0[label]
    if background in ("void", "removed"):
        predicted -= totals.wrong_on_0[label]
    return true, predicted, totals.hit[label]


def _score_class(label: int, true: Number, predicted: Number, hit: Number) -> ClassScores:
    """Return the scores of a class."""
    return ClassScores(
        label=label,
        n_true=float(true),
        n_predicted=float(predicted),
        iou=_ratio(hit, true + predicted - hit),
        accuracy=_ratio(hit, true),
    )


def _weighted_mean(classes: Sequence[ClassScores], n_pixels: Number) -> float | None:
    """Return the mean IoU, weighted by the ground truth of each class."""
    if not n_pixels:
        return None
    return math.fsum(item.n_true * item.iou for item in classes if item.iou is not None) / float(n_pixels)


def _ratio(part: Number, whole: Number) -> float | None:
    """Return a part of a whole, correctly rounded; None where there is no whole."""
    return float(Fraction(part) / whole) if whole else None
