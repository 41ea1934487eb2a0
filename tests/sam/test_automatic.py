"""Automatic masks are those of the library's own generator; a run can be stopped between its batches."""

import itertools
from collections.abc import Generator

import numpy as np
import pytest
from random_sam import random_sam
from segment_anything_hq import SamAutomaticMaskGenerator

from napari_car.config import ComputeConfig, SamConfig
from napari_car.results import Progress, drain
from napari_car.sam import MaskSet
from napari_car.sam.automatic import ObjectFinder, find_objects, point_grid
from napari_car.sam.loading import SamModel, load_sam

CONFIG = SamConfig(n_points_per_side=4, quality_threshold=0.05, stability_threshold=0.6, box_nms_threshold=0.9)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def library_masks(network: object, image: np.ndarray, config: SamConfig) -> list[np.ndarray]:
    generator = SamAutomaticMaskGenerator(
        network,
        points_per_side=config.n_points_per_side,
        pred_iou_thresh=config.quality_threshold,
        stability_score_thresh=config.stability_threshold,
        stability_score_offset=config.stability_offset,
        box_nms_thresh=config.box_nms_threshold,
    )
    return [record["segmentation"] for record in generator.generate(image)]


# Random weights draw noise over the whole image: thresholds lie where some of it passes, and all boxes are alike.
@pytest.mark.parametrize(
    ("is_hq", "stability", "nms", "n_expected"),
    [(True, 0.848, 1.0, range(2, 9)), (True, 0.5, 0.9, range(1, 2)), (False, 0.535, 1.0, range(2, 18))],
    ids=["HQ-SAM", "HQ-SAM, duplicates", "SAM"],
)
def test_masks_are_those_of_the_library(
    is_hq: bool, stability: float, nms: float, n_expected: range, tiny_hq_file, tiny_plain_file, image: np.ndarray
) -> None:
    sam = load_sam(str(tiny_hq_file if is_hq else tiny_plain_file), device="cpu", precision="fp32")
    config = SamConfig(
        n_points_per_side=3, quality_threshold=0.05, stability_threshold=stability, box_nms_threshold=nms
    )
    expected = library_masks(random_sam(is_hq=is_hq), image, config)
    found = list(drain(find_objects(sam, image, config, ComputeConfig())))
    assert len(expected) in n_expected, "the thresholds do not tell masks apart"
    assert len(found) == len(expected)
    for mask, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mask, other)


def test_batches_change_nothing_but_progress(tiny_sam: SamModel, image: np.ndarray) -> None:
    small, large = (find_objects(tiny_sam, image, CONFIG, ComputeConfig(batch_memory_mb=mb)) for mb in (16, 960))
    assert [mask.tolist() for mask in drain(small)] == [mask.tolist() for mask in drain(large)]


def test_progress_and_stop(tiny_sam: SamModel, image: np.ndarray) -> None:
    run = find_objects(tiny_sam, image, CONFIG, ComputeConfig(batch_memory_mb=300))
    seen = list(itertools.islice(run, 4))
    assert seen == [
        Progress("sam-image", 0, 0, 1),
        Progress("sam-image", 0, 1, 1),
        Progress("sam-masks", 0, 5, 16),
        Progress("sam-masks", 0, 10, 16),
    ]
    run.close()
    assert next(run, None) is None


def test_nothing_passes(tiny_sam: SamModel, image: np.ndarray) -> None:
    config = SamConfig(n_points_per_side=2, quality_threshold=1.0, stability_threshold=1.0)
    found = drain(find_objects(tiny_sam, image, config, ComputeConfig()))
    assert len(found) == 0
    assert found.size_px == (60, 90)


def test_a_single_pixel(tiny_sam: SamModel) -> None:
    found = drain(find_objects(tiny_sam, np.zeros((1, 1, 3), dtype=np.uint8), CONFIG, ComputeConfig()))
    assert all(mask.shape == (1, 1) for mask in found)


def test_grid_is_even() -> None:
    assert point_grid(2, (4, 8)).tolist() == [[1, 2], [1, 6], [3, 2], [3, 6]]


def test_objects_are_remembered(tiny_sam: SamModel, image: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[SamConfig] = []

    def find(_: SamModel, image: np.ndarray, config: SamConfig, __: ComputeConfig) -> Generator[None, None, MaskSet]:
        asked.append(config)
        return MaskSet.pack([], image.shape[:2])
        yield

    monkeypatch.setattr("napari_car.sam.automatic.find_objects", find)
    finder, few = ObjectFinder(tiny_sam), SamConfig(n_points_per_side=2)

    def n_asked(config: SamConfig, image: np.ndarray = image, n_kept: int = 1) -> int:
        asked.clear()
        drain(finder.find(image, config, ComputeConfig(max_features_cached=n_kept)))
        return len(asked)

    assert n_asked(few) == 1
    assert n_asked(few) == 0
    assert n_asked(SamConfig(n_points_per_side=2, iom_threshold=0.1)) == 0  # how they are matched is another matter
    assert n_asked(SamConfig(n_points_per_side=1)) == 1
    assert n_asked(few) == 1  # forgotten: one is kept
    assert n_asked(few, image[::-1].copy(), n_kept=0) == 1
    assert n_asked(few) == 1
