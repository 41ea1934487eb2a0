"""Runs with SAM: its objects replace masks that agree with them, are asked for once, and count in new decisions."""

from pathlib import Path

import numpy as np
import pytest
from random_sam import write_random_sam

from napari_car import CaRConfig, Segmenter
from napari_car.clip.loading import load_clip
from napari_car.clip.model import ClipModel
from napari_car.errors import ConfigError
from napari_car.results import Progress, SamAgreement
from napari_car.sam import MaskSet
from napari_car.sam.loading import SamModel, load_sam

QUICK = CaRConfig().changed(
    {
        "crf.backend": "none",
        "recurrence.score_threshold": 0.0,
        "sam.enabled": True,
        "sam.n_points_per_side": 2,
        "sam.iou_threshold": 0.5,
    }
)
QUERIES = ("leaf", "cat", "dog")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    from random_clip import TINY, random_model, write_folder

    folder = write_folder(tmp_path_factory.mktemp("tiny"), TINY, random_model(TINY).state_dict())
    return load_clip(str(folder), device="cpu", cache_file=folder / "texts.sqlite")


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_sam(tmp_path_factory.mktemp("sam") / "tiny.pth")


@pytest.fixture(scope="module")
def sam(sam_file: Path) -> SamModel:
    return load_sam(str(sam_file), device="cpu")


@pytest.fixture
def image() -> np.ndarray:
    picture = np.random.default_rng(0).integers(0, 60, (70, 90, 3), dtype=np.uint8)
    picture[10:40, 20:60] += 120
    return picture


def objects_like(mask: np.ndarray) -> MaskSet:
    """An object with the mask's outline but for a stripe, and one elsewhere."""
    like = mask.copy()
    row = np.flatnonzero(like.any(axis=1))[0]
    like[row] = False
    return MaskSet.pack([like, ~mask], mask.shape)


def test_a_run_asks_sam_once_for_an_image(clip: ClipModel, sam: SamModel, image: np.ndarray) -> None:
    segmenter = Segmenter(clip, sam=sam)
    stages = []
    for queries in (QUERIES, QUERIES[:2]):
        run = segmenter.run(image, queries, QUICK)
        stages.append({event.stage for event in run if isinstance(event, Progress)})
    assert {"sam-image", "sam-masks"} <= stages[0]
    assert not {"sam-image", "sam-masks"} & stages[1]


def test_matching_masks_are_replaced(
    clip: ClipModel, sam: SamModel, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Segmenter(clip).segment(image, QUERIES, QUICK.changed({"sam.enabled": False}))
    assert plain.objects is None
    assert plain.provenance.sam is None
    assert {result.sam for result in plain.queries} == {None}
    index, before = max(plain.working_masks.items(), key=lambda item: item[1].sum())
    assert 0 < before.mean() < 0.9
    segmenter = Segmenter(clip, sam=sam)
    objects = objects_like(before)

    def find(*_: object):
        yield Progress("sam-masks", 0, 1, 1)
        return objects

    monkeypatch.setattr(segmenter.sam, "find", find)
    result = segmenter.segment(image, QUERIES, QUICK)
    np.testing.assert_array_equal(result.working_masks[index], next(iter(objects)))
    agreement = result.queries[index].sam
    assert agreement == SamAgreement(1, float(next(iter(objects)).sum() / before.sum()), is_replaced=True)
    assert result.provenance.sam == sam.identity
    stored = result.to_dict()["queries"][index]["sam"]
    assert stored == {"n_objects": 1, "iou": agreement.iou, "is_replaced": True}
    assert result.provenance.seconds["sam-masks"] >= 0

    # A new decision matches again; without agreement the mask stays as it is.
    again = result.redecide(score_threshold=0.0)
    np.testing.assert_array_equal(again.working_masks[index], result.working_masks[index])
    assert again.queries[index].sam == agreement
    strict = segmenter.segment(image, QUERIES, QUICK.changed({"sam.iou_threshold": 1.0}))
    np.testing.assert_array_equal(strict.working_masks[index], before)
    assert not strict.queries[index].sam.is_replaced
    gone = result.redecide(score_threshold=1.0)
    assert not gone.working_masks
    assert {found.sam for found in gone.queries} == {None}


def test_a_file_is_loaded_by_its_name(clip: ClipModel, sam_file: Path) -> None:
    segmenter = Segmenter(clip, sam=str(sam_file), device="cpu")
    assert segmenter.sam is not None
    assert segmenter.sam.identity.architecture == "HQ-SAM vit_tiny"


def test_without_a_sam_it_cannot_be_enabled(clip: ClipModel, image: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"sam.enabled needs a SAM: name one, such as Segmenter"):
        Segmenter(clip).segment(image, QUERIES, QUICK)


def test_no_sam_is_loaded_without_need() -> None:
    import subprocess
    import sys

    code = "import sys, napari_car.segmenter; print('segment_anything_hq' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
