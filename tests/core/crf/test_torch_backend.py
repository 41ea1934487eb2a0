"""The dense CRF in torch: odd input, reuse, cancelling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from napari_car.config import CRFConfig
from napari_car.core.crf import TorchCRF, refine_labels
from napari_car.errors import ConfigError

DEFAULT = CRFConfig()


def random_case(
    height: int, width: int, n_labels: int, seed: int = 0, queries: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return image, rng.random((*queries, n_labels, height, width), dtype=np.float32)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20), n_labels=st.integers(1, 6), seed=st.integers(0, 2**16))
def test_marginals_are_distributions(height: int, width: int, n_labels: int, seed: int) -> None:
    image, probabilities = random_case(height, width, n_labels, seed)
    refinement = refine_labels(TorchCRF(image, DEFAULT), probabilities)
    assert refinement.marginals.shape == (n_labels, height, width)
    assert refinement.marginals.dtype == np.float32
    assert refinement.marginals.min() >= 0
    np.testing.assert_allclose(refinement.marginals.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(refinement.labels, refinement.marginals.argmax(axis=0))
    assert refinement.labels.dtype == np.int32
    assert refinement.backend == "torch"


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1), (2, 2)])
def test_extreme_shapes(height: int, width: int) -> None:
    image, probabilities = random_case(height, width, 2)
    marginals = refine_labels(TorchCRF(image, DEFAULT), probabilities).marginals
    assert np.isfinite(marginals).all()


def test_single_pixel_keeps_its_label() -> None:
    image, _ = random_case(1, 1, 2)
    refinement = refine_labels(TorchCRF(image, DEFAULT), np.array([0.3, 0.7], dtype=np.float32).reshape(2, 1, 1))
    assert refinement.labels.tolist() == [[1]]


def test_single_label_is_certain() -> None:
    image, probabilities = random_case(6, 7, 1)
    refinement = refine_labels(TorchCRF(image, DEFAULT), probabilities)
    np.testing.assert_array_equal(refinement.marginals, 1)
    assert not refinement.labels.any()


def test_no_evidence_is_background() -> None:
    image, probabilities = random_case(40, 50, 3)
    refinement = refine_labels(TorchCRF(image, DEFAULT), np.zeros_like(probabilities))
    np.testing.assert_allclose(refinement.marginals, 1 / 3, atol=1e-6)
    assert not refinement.labels.any()


def test_constant_image_is_smoothed_to_the_majority() -> None:
    image = np.full((30, 40, 3), 127, dtype=np.uint8)
    foreground = np.random.default_rng(0).uniform(0.4, 0.9, (30, 40)).astype(np.float32)
    refinement = refine_labels(TorchCRF(image, DEFAULT), np.stack([1 - foreground, foreground]))
    assert (foreground < 0.5).any()
    assert refinement.labels.all()


def test_label_borders_move_to_image_borders() -> None:
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[:, 30:] = (200, 180, 60)
    foreground = np.full((40, 60), 0.2, dtype=np.float32)
    foreground[:, 35:] = 0.8
    labels = refine_labels(TorchCRF(image, DEFAULT), np.stack([1 - foreground, foreground])).labels
    np.testing.assert_array_equal(labels, (image[..., 0] > 0).astype(np.int32))


def test_memory_layout_does_not_matter() -> None:
    image, probabilities = random_case(24, 31, 3)
    expected = refine_labels(TorchCRF(image, DEFAULT), probabilities).marginals
    flipped = refine_labels(TorchCRF(image[::-1, ::-1][::-1, ::-1], DEFAULT), probabilities[..., ::-1][..., ::-1])
    np.testing.assert_array_equal(flipped.marginals, expected)
    strided = np.zeros((48, 31, 4), dtype=np.uint8)[::2, :, :3]
    strided[...] = image
    strided.setflags(write=False)
    read_only = probabilities.copy()
    read_only.setflags(write=False)
    np.testing.assert_array_equal(refine_labels(TorchCRF(strided, DEFAULT), read_only).marginals, expected)


def test_input_is_left_alone() -> None:
    image, probabilities = random_case(8, 9, 2)
    before = image.copy(), probabilities.copy()
    refine_labels(TorchCRF(image, DEFAULT), probabilities)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(probabilities, before[1])


def test_same_input_gives_same_bits() -> None:
    image, probabilities = random_case(120, 160, 4)
    crf = TorchCRF(image, DEFAULT)
    first = refine_labels(crf, probabilities).marginals
    np.testing.assert_array_equal(refine_labels(crf, probabilities).marginals, first)
    np.testing.assert_array_equal(refine_labels(TorchCRF(image, DEFAULT), probabilities).marginals, first)


def test_queries_are_independent() -> None:
    image, probabilities = random_case(30, 40, 2, queries=(3,))
    crf = TorchCRF(image, DEFAULT)
    together = refine_labels(crf, probabilities)
    assert together.labels.shape == (3, 30, 40)
    for query, alone in enumerate(probabilities):
        np.testing.assert_allclose(together.marginals[query], refine_labels(crf, alone).marginals, atol=1e-5)


def test_one_lattice_serves_any_number_of_labels() -> None:
    image, probabilities = random_case(20, 25, 5)
    crf = TorchCRF(image, DEFAULT)
    refine_labels(crf, probabilities)
    expected = refine_labels(TorchCRF(image, DEFAULT), probabilities[:2]).marginals
    np.testing.assert_array_equal(refine_labels(crf, probabilities[:2]).marginals, expected)


def test_iterations_can_be_watched_and_left() -> None:
    image, probabilities = random_case(20, 25, 2)
    all_steps = list(TorchCRF(image, CRFConfig(n_iterations=4)).iterate(probabilities))
    assert len(all_steps) == 4
    for n_iterations, marginals in enumerate(all_steps, start=1):
        shorter = refine_labels(TorchCRF(image, CRFConfig(n_iterations=n_iterations)), probabilities)
        np.testing.assert_array_equal(marginals, shorter.marginals)
    steps = TorchCRF(image, DEFAULT).iterate(probabilities)
    next(steps)
    steps.close()
    assert list(steps) == []


def test_weights_of_zero_leave_the_normalised_probabilities() -> None:
    image, probabilities = random_case(20, 25, 3)
    parameters = CRFConfig(spatial_weight=0.0, bilateral_weight=0.0, n_iterations=1)
    marginals = refine_labels(TorchCRF(image, parameters), probabilities).marginals
    np.testing.assert_allclose(marginals, probabilities / probabilities.sum(axis=0), atol=1e-5)


def test_standard_deviations_too_small_are_refused() -> None:
    image, _ = random_case(20, 25, 2)
    with pytest.raises(ConfigError, match="use larger ones"):
        TorchCRF(image, CRFConfig(bilateral_srgb=0.01, bilateral_sxy_px=0.01))


def test_shapes_are_checked() -> None:
    image, probabilities = random_case(20, 25, 2)
    with pytest.raises(TypeCheckError):
        TorchCRF(image[..., 0], DEFAULT)
    with pytest.raises(TypeCheckError):
        next(TorchCRF(image, DEFAULT).iterate(probabilities.astype(np.float64)))
