"""Proposals to masks."""

import numpy as np
import pytest

from napari_car.config import CRFConfig
from napari_car.core import refine
from napari_car.core.crf import TorchCRF, refine_labels
from napari_car.core.refine import refine_masks, with_background
from napari_car.results import Progress, Proposals, drain

SIZE = (24, 30)
CRF = CRFConfig(backend="torch")


@pytest.fixture
def image() -> np.ndarray:
    picture = np.full((*SIZE, 3), 40, dtype=np.uint8)
    picture[6:18, 8:20] = 200
    return picture


@pytest.fixture
def proposals() -> Proposals:
    maps = np.random.default_rng(0).random((5, 6, 8), dtype=np.float32)
    maps[0, 1:5, 2:5] = 1.0
    return Proposals(maps, SIZE)


def test_background_probability() -> None:
    maps = np.array([[[0.2, 0.9]], [[0.5, 0.0]]], dtype=np.float32)
    np.testing.assert_allclose(with_background(maps, 2.0)[0], [[0.25, 0.01]], atol=1e-6)
    np.testing.assert_array_equal(with_background(maps, 2.0)[1:], maps)


def test_joint_masks_are_disjoint_and_those_of_one_crf(image, proposals) -> None:
    masks, backend = drain(refine_masks(image, proposals, CRF))
    assert backend == "torch"
    assert masks.sum(axis=0).max() == 1
    labels = refine_labels(TorchCRF(image, CRF), with_background(proposals.stacked(), 1.0)).labels
    np.testing.assert_array_equal(masks, [labels == 1 + i for i in range(5)])


@pytest.mark.parametrize("n_together", [1, 2, 5])
def test_separate_masks_do_not_depend_on_each_other(image, proposals, monkeypatch, n_together: int) -> None:
    monkeypatch.setattr(refine, "_queries_that_fit", lambda _: n_together)
    events = []
    run = refine_masks(image, proposals, CRF, separate=True)
    while True:
        try:
            events.append(next(run))
        except StopIteration as end:
            masks, _ = end.value
            break
    for i, mask in enumerate(masks):
        labels = refine_labels(TorchCRF(image, CRF), with_background(proposals.select([i]).stacked(), 1.0)).labels
        np.testing.assert_array_equal(mask, labels == 1)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == events[-1].total == 50


def test_nothing_survived(image) -> None:
    masks, backend = drain(refine_masks(image, Proposals(np.zeros((0, 6, 8), "f4"), SIZE), CRF))
    assert masks.shape == (0, *SIZE)
    assert backend == "none"


def test_memory_bounds_the_number_of_crfs() -> None:
    assert refine._queries_that_fit((375, 500)) == 47
    assert refine._queries_that_fit((4000, 4000)) == 1
