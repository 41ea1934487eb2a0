"""The confusion matrix of label maps, and the scores of semantic segmentation over a whole split."""

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int64, Integer

from napari_car.errors import ConfigError, ImageError

from .pixels import LabelMap, check_label_maps
from .segmentation_scores import Background, ClassTotals, SegmentationScores, score_classes
from .tally import stored_fields

_KIND = "confusion"
_BAND_PX = 1 << 20
"""Pixels that are counted at a time, which bounds what is held besides the image."""
MAX_CLASSES = 1 << 12
MAX_COUNT = 1 << 53
"""Highest count of a stored cell: more pixels than any data set has, and sums that stay within 64 bits."""

Number = int | Fraction
_Labels = Integer[np.ndarray, " P"]
_Weights = Float[np.ndarray, " P"]


class ConfusionMatrix:
    """How often each true label was predicted as each other one.

    Pixels are counted in whole numbers, and weights added as fractions without rounding. So the order of images changes
    nothing, and shards merge to the same numbers as one run.

    Parameters
    ----------
    n_classes : int
        K; labels are 0 to K - 1, 0 is background where there is one. (The released program gives 847 for ADE-847, whose
        labels, with background, need 848: there, ground truth of class 847 is not counted, and pixels predicted as it
        are counted in the row below. That is not reproduced.)

    Raises
    ------
    ConfigError
        If the number of classes cannot be one.
    """

    def __init__(self, n_classes: int) -> None:
        if not isinstance(n_classes, int) or isinstance(n_classes, bool) or not 0 < n_classes <= MAX_CLASSES:
            raise ConfigError(f"The number of classes is {n_classes!r}, but must be from 1 to {MAX_CLASSES:,}.")
        self._n_classes = n_classes
        self._counts: Int64[np.ndarray, "K K"] = np.zeros((n_classes, n_classes), dtype=np.int64)
        self._weights: dict[tuple[int, int], Fraction] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        return np.array_equal(self._counts, other._counts) and self._weights == other._weights

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def n_classes(self) -> int:
        """Number of labels K."""
        return self._n_classes

    @property
    def counts(self) -> Int64[np.ndarray, "K K"]:
        """Pixels that were counted without weights: a copy, rows are true labels, columns predicted ones."""
        return self._counts.copy()

    def update(self, truth: LabelMap, prediction: LabelMap, *, weights: Float[np.ndarray, "..."] | None = None) -> None:
        """Count the pixels of an image.

        Parameters
        ----------
        truth : ndarray of int, of any shape
            True labels; pixels with one outside of [0, K), as 255 for void, are not counted.
        prediction : ndarray of int, of the same shape
            Predicted labels.
        weights : ndarray of float, of the same shape, optional
            What each pixel counts; 1 if not given.

        Raises
        ------
        ImageError
            If these are no label maps of one shape, a predicted label is outside of [0, K), or a weight is negative or
            not finite. Nothing is counted then.
        """
        check_label_maps({"true label map": truth, "predicted label map": prediction})
        low, high = int(prediction.min(initial=0)), int(prediction.max(initial=0))
        if low < 0 or high >= self._n_classes:
            raise ImageError(
                f"The predicted label map holds labels from {low} to {high}, but there are those from 0 to "
                f"{self._n_classes - 1}."
            )
        if weights is not None:
            _check_weights(weights, truth.shape)
        true_labels, predicted_labels = truth.reshape(-1), prediction.reshape(-1)
        flat_weights = None if weights is None else weights.reshape(-1)
        for start in range(0, truth.size, _BAND_PX):
            band = slice(start, start + _BAND_PX)
            if flat_weights is None:
                self._add_pixels(true_labels[band], predicted_labels[band])
            else:
                self._add_weights(true_labels[band], predicted_labels[band], flat_weights[band])

    def merge(self, other: Self) -> Self:
        """Return the matrix of what both have counted; they stay as they are.

        Raises
        ------
        ConfigError
            If the other is none, or has another number of classes.
        """
        if not isinstance(other, ConfusionMatrix) or other._n_classes != self._n_classes:
            said = f"one of {other._n_classes}" if isinstance(other, ConfusionMatrix) else type(other).__name__
            raise ConfigError(f"A confusion matrix of {self._n_classes} classes cannot be merged with {said}.")
        merged = type(self)(self._n_classes)
        merged._counts = self._counts + other._counts
        merged._weights = dict(self._weights)
        for cell, weight in other._weights.items():
            merged._weights[cell] = merged._weights.get(cell, Fraction()) + weight
        return merged

    def scores(self, background: Background = "scored") -> SegmentationScores:
        """Return the scores of all that was counted; see :func:`~.segmentation_scores.score_classes`.

        Raises
        ------
        ConfigError
            If the background is to be treated in no known way.
        """
        return score_classes(self._totals(), background)

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as JSON can hold it: cells that are not empty, as true label, predicted label, count.

        Weights are stored as numerator and denominator.
        """
        rows, columns = np.nonzero(self._counts)
        cells = np.stack([rows, columns, self._counts[rows, columns]], axis=1).tolist()
        weights = [[*cell, *weight.as_integer_ratio()] for cell, weight in sorted(self._weights.items())]
        return {"kind": _KIND, "n_classes": self._n_classes, "cells": cells, "weights": weights}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build a matrix from :meth:`to_dict`.

        Raises
        ------
        ConfigError
            If anything is unknown, missing or wrong.
        """
        n_classes, cells, weights = stored_fields(fields, _KIND, ("n_classes", "cells", "weights"))
        matrix = cls(n_classes)
        for true, predicted, number in _checked_rows(cells, n_classes, 3):
            matrix._counts[true, predicted] = number
        for true, predicted, numerator, denominator in _checked_rows(weights, n_classes, 4):
            matrix._weights[true, predicted] = Fraction(numerator, denominator)
        return matrix

    def _add_pixels(self, truth: _Labels, prediction: _Labels) -> None:
        """Count pixels; only the labels that are there take part, so many classes cost nothing."""
        counted = (truth >= 0) & (truth < self._n_classes)
        truth, prediction = truth[counted].astype(np.intp), prediction[counted].astype(np.intp)
        true_ids, predicted_ids = (
            np.flatnonzero(np.bincount(labels, minlength=self._n_classes)) for labels in (truth, prediction)
        )
        places = np.zeros((2, self._n_classes), dtype=np.intp)
        places[0, true_ids] = np.arange(len(true_ids)) * len(predicted_ids)
        places[1, predicted_ids] = np.arange(len(predicted_ids))
        cells = np.bincount(places[0, truth] + places[1, prediction], minlength=len(true_ids) * len(predicted_ids))
        self._counts[np.ix_(true_ids, predicted_ids)] += cells.reshape(len(true_ids), len(predicted_ids))

    def _add_weights(self, truth: _Labels, prediction: _Labels, weights: _Weights) -> None:
        """Add weights without rounding: those of one binary exponent are whole numbers of its last digit."""
        counted = (truth >= 0) & (truth < self._n_classes) & (weights > 0)
        cells = truth[counted].astype(np.intp) * self._n_classes + prediction[counted].astype(np.intp)
        cells, places = np.unique(cells, return_inverse=True)
        fractions, exponents = np.frexp(weights[counted].astype(np.float64))
        wholes = np.ldexp(fractions, 53).astype(np.int64)
        for exponent in np.unique(exponents).tolist():
            here = exponents == exponent
            # Sums of halves of 27 bits over a band stay below 2**53, up to which floats hold whole numbers.
            halves = (wholes[here] >> 27, wholes[here] & (1 << 27) - 1)
            sums = [np.bincount(places[here], weights=half, minlength=len(cells)).tolist() for half in halves]
            for index, high, low in zip(cells.tolist(), *sums, strict=True):
                if high or low:
                    cell = divmod(index, self._n_classes)
                    added = ((int(high) << 27) + int(low)) * Fraction(2) ** (exponent - 53)
                    self._weights[cell] = self._weights.get(cell, Fraction()) + added

    def _totals(self) -> ClassTotals:
        """Return what the scores need of each class."""
        true: list[Number] = self._counts.sum(axis=1).tolist()
        predicted: list[Number] = self._counts.sum(axis=0).tolist()
        hit: list[Number] = self._counts.diagonal().tolist()
        missed_to_0: list[Number] = self._counts[:, 0].tolist()
        wrong_on_0: list[Number] = self._counts[0].tolist()
        for (row, column), weight in self._weights.items():
            true[row] += weight
            predicted[column] += weight
            if row == column:
                hit[row] += weight
            if column == 0:
                missed_to_0[row] += weight
            if row == 0:
                wrong_on_0[column] += weight
        return ClassTotals(true=true, predicted=predicted, hit=hit, missed_to_0=missed_to_0, wrong_on_0=wrong_on_0)


def _check_weights(weights: Any, shape: tuple[int, ...]) -> None:
    """Refuse weights that are none."""
    if not isinstance(weights, np.ndarray) or weights.dtype.kind != "f" or weights.dtype.itemsize > 8:
        raise ImageError("The weights must be an array of 16, 32 or 64 bit floating-point numbers.")
    if weights.shape != shape:
        raise ImageError(f"There are weights for {weights.shape} pixels, but labels for {shape}.")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ImageError("A weight must be a finite number that is not negative.")


def _checked_rows(rows: Any, n_classes: int, width: int) -> Iterable[list[int]]:
    """Yield the stored cells of a matrix, each of which is there once."""
    if not isinstance(rows, list):
        raise ConfigError(f"The cells of a stored confusion matrix must be a list, not {rows!r:.80}.")
    seen = set()
    for row in rows:
        is_row = isinstance(row, list) and len(row) == width and all(type(value) is int for value in row)
        if not is_row or not _is_cell(row, n_classes) or (row[0], row[1]) in seen:
            raise ConfigError(f"{row!r:.80} is no cell of a stored confusion matrix of {n_classes} classes.")
        seen.add((row[0], row[1]))
        yield row


def _is_cell(row: list[int], n_classes: int) -> bool:
    """Tell whether labels and numbers of a cell can be some: sums of floats have a power of two as denominator."""
    true, predicted, number, denominator = [*row, 1][:4]
    is_sum = denominator > 0 and denominator & (denominator - 1) == 0 and math.gcd(number, denominator) == 1
    in_range = 0 <= true < n_classes and 0 <= predicted < n_classes
    return in_range and is_sum and 0 < number <= MAX_COUNT * denominator
