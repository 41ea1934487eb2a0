"""The permutohedral lattice as a Gaussian filter."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from napari_car.core.crf import PermutohedralLattice
from napari_car.errors import ConfigError


def exact_normalized_filter(features: np.ndarray, values: np.ndarray) -> np.ndarray:
    distances = ((features[:, :, None] - features[:, None, :]) ** 2).sum(axis=0)
    kernel = np.exp(-0.5 * distances)
    scale = 1 / np.sqrt(kernel.sum(axis=1))
    return scale[:, None] * (kernel @ (scale[:, None] * values))


def scattered(n: int, d: int, spread: float, seed: int = 0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(0, spread, (d, n)), dtype=torch.float32)


@pytest.mark.parametrize(("d", "spread", "tolerance"), [(1, 4.0, 0.03), (2, 3.0, 0.04), (3, 2.0, 0.06), (5, 0.8, 0.06)])
def test_filter_approximates_gaussian(d: int, spread: float, tolerance: float) -> None:
    """Root mean square of the error relative to that of the result."""
    features = scattered(500, d, spread)
    values = torch.rand((500, 3), generator=torch.Generator().manual_seed(0))
    expected = exact_normalized_filter(features.numpy().astype(float), values.numpy().astype(float))
    error = PermutohedralLattice.build(features).normalized().filter(values).numpy() - expected
    assert np.sqrt((error**2).mean() / (expected**2).mean()) < tolerance


def test_far_points_do_not_mix() -> None:
    features = torch.tensor([[0.0, 100.0, 0.0], [0.0, 0.0, 100.0]])
    filtered = PermutohedralLattice.build(features).normalized().filter(torch.eye(3))
    np.testing.assert_allclose(filtered.numpy(), np.eye(3), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(d=st.integers(1, 6), n=st.integers(1, 60), spread=st.sampled_from([0.01, 1.0, 30.0]), seed=st.integers(0, 2**16))
def test_weights_are_barycentric_and_vertices_consistent(d: int, n: int, spread: float, seed: int) -> None:
    lattice = PermutohedralLattice.build(scattered(n, d, spread, seed))
    n_vertices = len(lattice.splat_starts) - 1
    np.testing.assert_allclose(lattice.slice_weights.sum(1).numpy(), 1, atol=1e-5)
    assert lattice.slice_weights.min() > -1e-4
    assert set(lattice.slice_vertices.unique().tolist()) == set(range(n_vertices))
    corners = lattice.slice_vertices.sort(1).values
    assert (corners[:, 1:] != corners[:, :-1]).all()
    # Each step back is undone by the step forth.
    for neighbors in lattice.neighbors:
        own, before, after = neighbors[:-1].T.long()
        present = before < n_vertices
        torch.testing.assert_close(neighbors[before[present], 2].long(), own[present])
        assert present.sum() == (after < n_vertices).sum()


@settings(max_examples=25, deadline=None)
@given(d=st.integers(1, 5), n=st.integers(2, 50), seed=st.integers(0, 2**16))
def test_order_of_points_does_not_matter(d: int, n: int, seed: int) -> None:
    features = scattered(n, d, 2.0, seed)
    values = torch.rand((n, 2), generator=torch.Generator().manual_seed(seed))
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    straight = PermutohedralLattice.build(features).normalized().filter(values)
    shuffled = PermutohedralLattice.build(features[:, order]).normalized().filter(values[order])
    torch.testing.assert_close(straight[order], shuffled, rtol=1e-4, atol=1e-6)


def test_blocks_of_points_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    features = scattered(1000, 5, 2.0)
    whole = PermutohedralLattice.build(features)
    monkeypatch.setattr("napari_car.core.crf.lattice._POINTS_PER_BLOCK", 77)
    blocks = PermutohedralLattice.build(features)
    torch.testing.assert_close(blocks.slice_vertices, whole.slice_vertices, rtol=0, atol=0)
    torch.testing.assert_close(blocks.slice_weights, whole.slice_weights, rtol=0, atol=0)


def test_filter_is_linear() -> None:
    lattice = PermutohedralLattice.build(scattered(200, 3, 1.0)).normalized()
    a, b = torch.rand((2, 200, 4), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(lattice.filter(2 * a - b), 2 * lattice.filter(a) - lattice.filter(b))


def test_points_too_far_apart_are_refused() -> None:
    with pytest.raises(ConfigError, match="standard deviations are too small"):
        PermutohedralLattice.build(scattered(10, 5, 1e5))


def test_shapes_are_checked() -> None:
    lattice = PermutohedralLattice.build(scattered(10, 2, 1.0))
    with pytest.raises(TypeCheckError):
        lattice.filter(torch.ones(10))
    with pytest.raises(TypeCheckError):
        PermutohedralLattice.build(torch.ones((2, 3), dtype=torch.float64))
