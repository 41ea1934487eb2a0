"""Metrics of segmentation, pixel by pixel: slow and plain, with fractions, from their definitions."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

LabelledPixel = tuple[int, int, Fraction]
"""True label, predicted label, weight."""
Mask = NDArray[np.bool_]


def pixels_of(truth: NDArray, prediction: NDArray, n_classes: int, weights: NDArray | None = None) -> list:
    """Return the labelled pixels of an image that are not void."""
    pixels: list[LabelledPixel] = []
    for place in np.ndindex(truth.shape):
        if 0 <= truth[place] < n_classes:
            weight = Fraction(1) if weights is None else Fraction(float(weights[place]))
            pixels.append((int(truth[place]), int(prediction[place]), weight))
    return pixels


def is_looked_at(true: int, predicted: int, background: str) -> bool:
    """Tell whether a pixel takes part at all."""
    if background == "removed":
        return true != 0 and predicted != 0
    return true != 0 or background != "void"


def segmentation_scores(pixels: Sequence[LabelledPixel], n_classes: int, background: str) -> dict:
    """Return all scores of some pixels; None where there is nothing to divide by."""
    kept = [pixel for pixel in pixels if is_looked_at(*pixel[:2], background)]
    labels = range(0 if background == "scored" else 1, n_classes)
    ious, accuracies, weighted, right, total = {}, {}, Fraction(), Fraction(), Fraction()
    for label in labels:
        both = sum(weight for true, predicted, weight in kept if true == label and predicted == label)
        either = sum(weight for true, predicted, weight in kept if label in (true, predicted))
        there = sum(weight for true, _, weight in kept if true == label)
        ious[label] = Fraction(both) / either if either else None
        accuracies[label] = Fraction(both) / there if there else None
        right += both
        total += there
        if there:
            weighted += ious[label] * there
    present = [label for label in labels if accuracies[label] is not None]
    return {
        "ious": ious,
        "accuracies": accuracies,
        "mean_iou": average([ious[label] for label in present]),
        "mean_accuracy": average([accuracies[label] for label in present]),
        "pixel_accuracy": right / total if total else None,
        "frequency_weighted_iou": weighted / total if total else None,
        "n_pixels": total,
        "n_classes": len(present),
    }


def average(values: Sequence[Fraction]) -> Fraction | None:
    """Return the mean of some numbers."""
    return sum(values, Fraction()) / len(values) if values else None


def overlap(first: Mask, second: Mask) -> tuple[int, int]:
    """Return the number of pixels in both masks, and in any."""
    both = either = 0
    for place in np.ndindex(first.shape):
        both += bool(first[place] and second[place])
        either += bool(first[place] or second[place])
    return both, either


def boundary_places(mask: Mask) -> list[tuple[int, int]]:
    """Return the pixels that differ from the next one in their row, their column, or the diagonal."""
    height, width = mask.shape
    found = []
    for row, column in np.ndindex(mask.shape):
        following = [(row, column + 1), (row + 1, column), (row + 1, column + 1)]
        inside = [mask[place] for place in following if place[0] < height and place[1] < width]
        if any(value != mask[row, column] for value in inside):
            found.append((row, column))
    return found


def boundary_measure(prediction: Mask, truth: Mask) -> Fraction:
    """Return the boundary measure of DAVIS, by the distance of each boundary pixel to all of the other mask."""
    reach = math.ceil(0.008 * math.hypot(*truth.shape))
    predicted, true = boundary_places(prediction), boundary_places(truth)
    if not predicted and not true:
        return Fraction(1)
    if not predicted or not true:
        return Fraction(0)

    def share_near(places: list[tuple[int, int]], others: list[tuple[int, int]]) -> Fraction:
        near = [
            any((row - row_2) ** 2 + (column - column_2) ** 2 <= reach**2 for row_2, column_2 in others)
            for row, column in places
        ]
        return Fraction(sum(near), len(near))

    precision, recall = share_near(predicted, true), share_near(true, predicted)
    return 2 * precision * recall / (precision + recall) if precision + recall else Fraction(0)


def decay(values: Sequence[float]) -> float:
    """Return the mean of the first quarter minus that of the last, by the rule of DAVIS, counting from 1."""
    n = len(values)
    ends = [round(1 + (n - 1) * quarter / 4 + 1e-10) for quarter in range(5)]
    first = [values[index - 1] for index in range(ends[0], ends[1] + 1)]
    last = [values[index - 1] for index in range(ends[3], ends[4] + 1)]
    return sum(first) / len(first) - sum(last) / len(last)
