"""The confusion matrix and the scores of semantic segmentation, against loops over pixels."""

import json
import time
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import pixels_of, segmentation_scores

from napari_car.errors import ConfigError, ImageError
from napari_car.evaluation.metrics import Background, ConfusionMatrix
from napari_car.evaluation.metrics import confusion as module

K = 4
BACKGROUNDS = get_args(Background)


@st.composite
def images(draw: st.DrawFn, weighted: bool = False) -> tuple[np.ndarray, ...]:
    """Draw true and predicted labels of an image, and perhaps weights; void is -1, 255 and just outside."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=6))
    true_type, predicted_type = draw(st.sampled_from([(np.int32, np.uint8), (np.int64, np.uint16)]))
    truth = draw(hnp.arrays(true_type, shape, elements=st.sampled_from([-1, *range(K), K, 255])))
    prediction = draw(hnp.arrays(predicted_type, shape, elements=st.integers(0, K - 1)))
    if not weighted:
        return truth, prediction
    elements = st.floats(0, 1e6, width=32) | st.sampled_from([0.1, 0.25, 1e-30])
    return truth, prediction, draw(hnp.arrays(np.float64, shape, elements=elements))


def counted(*given_images: tuple[np.ndarray, ...]) -> ConfusionMatrix:
    matrix = ConfusionMatrix(K)
    for truth, prediction, *weights in given_images:
        matrix.update(truth, prediction, weights=weights[0] if weights else None)
    return matrix


def assert_scores_are_the_oracles(matrix: ConfusionMatrix, pixels: list, background: Background) -> None:
    found = matrix.scores(background)
    expected = segmentation_scores(pixels, K, background)
    for item in found.classes:
        for value, fraction in ((item.iou, expected["ious"]), (item.accuracy, expected["accuracies"])):
            assert value == (None if fraction[item.label] is None else float(fraction[item.label]))
    assert [item.label for item in found.classes] == list(expected["ious"])
    assert (found.background, found.n_classes) == (background, expected["n_classes"])
    assert found.n_pixels == float(expected["n_pixels"])
    for name in ("mean_iou", "mean_accuracy", "pixel_accuracy", "frequency_weighted_iou"):
        value = expected[name]
        assert getattr(found, name) == (None if value is None else pytest.approx(float(value), rel=1e-14))


@pytest.mark.parametrize("background", BACKGROUNDS)
@given(st.lists(images() | images(weighted=True), max_size=3))
@settings(max_examples=80, deadline=None)
def test_scores_are_those_of_the_definitions(background: Background, given_images: list) -> None:
    pixels = [
        pixel for truth, prediction, *weights in given_images for pixel in pixels_of(truth, prediction, K, *weights)
    ]
    assert_scores_are_the_oracles(counted(*given_images), pixels, background)


@given(st.lists(images() | images(weighted=True), max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_shards_in_any_order_are_one_run(given_images: list, random: Any) -> None:
    whole = counted(*given_images)
    random.shuffle(given_images)
    cut = random.randint(0, len(given_images))
    first, second = counted(*given_images[:cut]), counted(*given_images[cut:])
    before = first.to_dict()
    merged = first.merge(second)
    assert first.to_dict() == before
    assert merged == whole
    assert merged.to_dict() == whole.to_dict()
    for background in BACKGROUNDS:
        assert merged.scores(background) == whole.scores(background)


@given(st.lists(images() | images(weighted=True), max_size=3))
@settings(max_examples=60, deadline=None)
def test_matrices_come_back_from_json(given_images: list) -> None:
    whole = counted(*given_images)
    found = ConfusionMatrix.from_dict(json.loads(json.dumps(whole.to_dict())))
    assert found == whole
    np.testing.assert_array_equal(found.counts, whole.counts)


@given(images(), images(weighted=True))
@settings(max_examples=30, deadline=None)
def test_bands_change_nothing(plain: tuple, weighted: tuple) -> None:
    whole = counted(plain, weighted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BAND_PX", 3)
        assert counted(plain, weighted) == whole


class TestDocumentedCases:
    """Figures that others have published."""

    def test_keras_without_weights(self) -> None:
        matrix = ConfusionMatrix(2)
        matrix.update(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
        assert matrix.scores().mean_iou == pytest.approx(0.33333334, abs=1e-8)

    def test_keras_with_weights(self) -> None:
        matrix = ConfusionMatrix(2)
        weights = np.array([0.3, 0.3, 0.3, 0.1], dtype=np.float32)
        matrix.update(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), weights=weights)
        # Keras computes in single precision.
        assert matrix.scores().mean_iou == pytest.approx(0.23809525, abs=2e-8)
        assert not matrix.counts.any()


class TestBackground:
    """What becomes of label 0, on three pixels of class 1: hit, missed, and one of background taken for it."""

    @pytest.mark.parametrize(
        ("background", "iou", "accuracy", "mean_iou"),
        [
            ("scored", 1 / 3, 1 / 2, (1 / 3 + 1 / 3) / 2),
            ("not averaged", 1 / 3, 1 / 2, 1 / 3),
            ("void", 1 / 2, 1 / 2, 1 / 2),
            ("removed", 1.0, 1.0, 1.0),
        ],
    )
    def test_ways(self, background: Background, iou: float, accuracy: float, mean_iou: float) -> None:
        matrix = ConfusionMatrix(2)
        matrix.update(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]]))
        found = matrix.scores(background)
        assert (found.classes[-1].iou, found.classes[-1].accuracy) == (iou, accuracy)
        assert found.mean_iou == mean_iou

    def test_unknown_way(self) -> None:
        with pytest.raises(ConfigError, match='is to be "ignored", but must be scored, not averaged, void, removed'):
            ConfusionMatrix(2).scores("ignored")  # type: ignore[arg-type]


def test_classes_without_ground_truth_are_not_averaged() -> None:
    matrix = ConfusionMatrix(4)
    matrix.update(np.array([1, 1, 1, 255]), np.array([1, 1, 2, 3]))
    found = matrix.scores()
    assert [item.iou for item in found.classes] == [None, 2 / 3, 0.0, None]
    assert (found.mean_iou, found.n_classes, found.n_pixels) == (2 / 3, 1, 3)


def test_nothing_counted_has_no_scores() -> None:
    found = ConfusionMatrix(3).scores()
    assert found.mean_iou is found.pixel_accuracy is found.mean_accuracy is found.frequency_weighted_iou is None


def test_many_classes_take_no_longer_than_few() -> None:
    labels = np.kron(np.random.default_rng(0).integers(0, 848, (8, 8)), np.ones((64, 64), dtype=np.int64))
    matrix = ConfusionMatrix(848)
    start = time.perf_counter()
    for _ in range(10):
        matrix.update(labels, labels[::-1])
    matrix.scores()
    assert time.perf_counter() - start < 2
    assert matrix.counts.sum() == 10 * labels.size


class TestBadInput:
    """What cannot be counted is refused, and nothing of it is counted."""

    @pytest.mark.parametrize(
        ("truth", "prediction", "weights", "says"),
        [
            (
                np.zeros((2, 3), int),
                np.zeros((3, 2), int),
                None,
                "has the true label map 2 x 3, the predicted .* 3 x 2",
            ),
            (
                np.zeros(2),
                np.zeros(2, int),
                None,
                "true label map must hold one whole number per pixel, not .* float64",
            ),
            (np.zeros(2, int), np.zeros(2, bool), None, "predicted label map must hold .* array of bool"),
            ([0, 1], np.zeros(2, int), None, "whole number per pixel, not a list"),
            (np.array([255, 0]), np.array([4, 0]), None, "labels from 0 to 4, but there are those from 0 to 3"),
            (np.array([0, 0]), np.array([-1, 0]), None, "labels from -1 to 0"),
            (np.zeros(2, int), np.zeros(2, int), np.ones(3), r"weights for \(3,\) pixels, but labels for \(2,\)"),
            (np.zeros(2, int), np.zeros(2, int), np.ones(2, int), "floating-point"),
            (np.zeros(2, int), np.zeros(2, int), [1.0, 1.0], "floating-point"),
            (np.zeros(2, int), np.zeros(2, int), np.array([1.0, np.nan]), "finite"),
            (np.zeros(2, int), np.zeros(2, int), np.array([1.0, -1.0]), "not negative"),
        ],
    )
    def test_images(self, truth: Any, prediction: Any, weights: Any, says: str) -> None:
        matrix = ConfusionMatrix(4)
        with pytest.raises(ImageError, match=says):
            matrix.update(truth, prediction, weights=weights)
        assert matrix == ConfusionMatrix(4)

    @pytest.mark.parametrize("n_classes", [0, -1, 2.0, True, None, 10**9])
    def test_numbers_of_classes(self, n_classes: Any) -> None:
        with pytest.raises(ConfigError, match="must be from 1 to 4,096"):
            ConfusionMatrix(n_classes)

    @pytest.mark.parametrize(("other", "said"), [(ConfusionMatrix(3), "one of 3"), (None, "NoneType")])
    def test_matrices_that_do_not_fit(self, other: Any, said: str) -> None:
        with pytest.raises(ConfigError, match=f"of 2 classes cannot be merged with {said}"):
            ConfusionMatrix(2).merge(other)
        assert ConfusionMatrix(2) != other

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"kind": "video"}, "must be a table of this kind"),
            ({"n_classes": "2"}, "number of classes is '2'"),
            ({"other": 1}, "has cells, kind, n_classes, other, weights"),
            ({"cells": None}, "must be a list, not None"),
            ({"cells": [[0, 0]]}, "is no cell"),
            ({"cells": [[0, 2, 1]]}, "is no cell .* of 2 classes"),
            ({"cells": [[-1, 0, 1]]}, "is no cell"),
            ({"cells": [[0, 0, 0]]}, "is no cell"),
            ({"cells": [[0, 0, -1]]}, "is no cell"),
            ({"cells": [[0, 0, 1.5]]}, "is no cell"),
            ({"cells": [[0, 0, True]]}, "is no cell"),
            ({"cells": [[0, 0, 2**63]]}, "is no cell"),
            ({"cells": [[0, 0, 1], [0, 0, 1]]}, "is no cell"),
            ({"cells": [5]}, "is no cell"),
            ({"weights": [[0, 0, 1]]}, "is no cell"),
            ({"weights": [[0, 0, 1, 3]]}, "is no cell"),
            ({"weights": [[0, 0, 2, 4]]}, "is no cell"),
            ({"weights": [[0, 0, 1, 0]]}, "is no cell"),
            ({"weights": [[0, 0, 1, -2]]}, "is no cell"),
        ],
    )
    def test_stored_matrices(self, changes: dict, says: str) -> None:
        stored = {"kind": "confusion", "n_classes": 2, "cells": [[0, 1, 5]], "weights": [[1, 1, 3, 4]]}
        assert ConfusionMatrix.from_dict(stored).to_dict() == stored
        with pytest.raises(ConfigError, match=says):
            ConfusionMatrix.from_dict({**stored, **changes})

    @pytest.mark.parametrize("stored", [None, [], "confusion", {}])
    def test_what_is_no_stored_matrix(self, stored: Any) -> None:
        with pytest.raises(ConfigError, match="A stored tally of confusion must be a table of this kind"):
            ConfusionMatrix.from_dict(stored)
