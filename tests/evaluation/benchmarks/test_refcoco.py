"""RefCOCO and its kin, read from miniatures."""

import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_miniatures import ReferringMiniature, make_refcoco
from PIL import Image

from napari_car.errors import ConfigError, DocumentError, ImageError, MissingExtraError
from napari_car.evaluation.benchmarks.expressions import clean_expression
from napari_car.evaluation.benchmarks.refcoco import SPLITS, Unit, open_refcoco


@pytest.fixture
def made(tmp_path: Path) -> ReferringMiniature:
    return make_refcoco(tmp_path)


@pytest.mark.parametrize("unit", ["object", "sentence"])
@pytest.mark.parametrize("split", ["val", "testA", "testB"])
def test_items_are_what_was_drawn(made: ReferringMiniature, split: str, unit: Unit) -> None:
    expected = (made.objects if unit == "object" else made.sentences)[split]
    released = open_refcoco(made.root, split=split, unit=unit)
    union = open_refcoco(made.root, split=split, unit=unit, overlap="union")
    assert [sample.key for sample in released.samples] == list(expected)
    for sample, other in zip(released.samples, union.samples, strict=True):
        item = expected[sample.key]
        assert sample.expressions == item.expressions
        assert sample.has_target
        assert np.array_equal(sample.read_truth(), item.released)
        assert np.array_equal(other.read_truth(), item.truth)
        assert sample.read_image().shape == (*item.truth.shape, 3)


def test_pixels_in_two_polygons_differ(made: ReferringMiniature) -> None:
    (sample, *_) = open_refcoco(made.root, split="testB").samples
    (other, *_) = open_refcoco(made.root, split="testB", overlap="union").samples
    assert sample.read_truth().sum() * 2 == other.read_truth().sum() == 1600


@pytest.mark.parametrize(("data_set", "split_by"), list(SPLITS))
def test_all_splits_are_read(tmp_path: Path, data_set: str, split_by: str) -> None:
    splits = SPLITS[data_set, split_by]
    made = make_refcoco(tmp_path, data_set=data_set, split_by=split_by, splits=splits[:3])
    for split in splits[:3]:
        benchmark = open_refcoco(tmp_path, data_set=data_set, split_by=split_by, split=split)  # type: ignore[arg-type]
        assert [sample.key for sample in benchmark.samples] == list(made.objects.get(split, {}))


def test_splits_are_matched_as_the_publishers_do(made: ReferringMiniature) -> None:
    change_refs(made, lambda refs: [ref | {"split": "testAB" if ref["split"] == "val" else "val"} for ref in refs])
    n_val = len(made.objects["val"])
    assert len(open_refcoco(made.root, split="testA").samples) == n_val
    assert len(open_refcoco(made.root, split="testB").samples) == n_val


def test_expressions_lose_case_quotes_and_slashes() -> None:
    assert clean_expression('The "Big" man/boy, LEFT') == "the big manboy, left"


def test_splits_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RefCOCOg has no split testA by umd; it has umd: val, test, train; google"):
        open_refcoco(tmp_path, data_set="refcocog", split_by="umd", split="testA")
    with pytest.raises(ConfigError, match=r"RefCOCO\+ has no split val by google"):
        open_refcoco(tmp_path, data_set="refcoco+", split_by="google")


def test_a_split_without_expressions_is_said(made: ReferringMiniature) -> None:
    with pytest.raises(DocumentError, match="has no split train: it holds testA, testB, val"):
        open_refcoco(made.root, split="train")


def test_nothing_is_opened_or_drawn_before_it_is_asked_for(
    made: ReferringMiniature, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (made.root / "images/mscoco/images/train2014").iterdir():
        path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    (sample, *_) = open_refcoco(made.root).samples
    with pytest.raises(ImageError, match="is empty"):
        sample.read_image()
    with pytest.raises(ImageError, match="is empty"):
        sample.read_truth()


def test_masks_need_pycocotools(made: ReferringMiniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    (sample, *_) = open_refcoco(made.root).samples
    with pytest.raises(MissingExtraError, match=r'pip install "napari-car\[export\]"'):
        sample.read_truth()


def test_missing_files_are_named(made: ReferringMiniature) -> None:
    image = sorted((made.root / "images/mscoco/images/train2014").iterdir())[0]
    image.unlink()
    with pytest.raises(DocumentError, match=rf"1 of \d files are missing in .*train2014, the first is {image.name}"):
        open_refcoco(made.root)
    (made.refs_file.parent / "instances.json").unlink()
    with pytest.raises(DocumentError, match=r"There is no file .*instances\.json: .*github\.com/lichengunc/refer"):
        open_refcoco(made.root)
    made.refs_file.unlink()
    with pytest.raises(DocumentError, match=r"There is no file .*refs\(unc\)\.p: .*holds refcoco/refs\(unc\)\.p"):
        open_refcoco(made.root)


def test_an_image_of_another_size_is_refused(made: ReferringMiniature) -> None:
    (sample, *_) = open_refcoco(made.root).samples
    Image.open(sample.image).resize((30, 20)).save(sample.image)
    with pytest.raises(DocumentError, match=r"has 30 x 20 px, but its ground truth in instances\.json has 128 x 96"):
        sample.read_truth()


class Attack:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch trace",)


def test_a_pickle_with_a_command_is_refused(
    made: ReferringMiniature, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change_refs(made, lambda refs: [*refs, Attack()])
    with pytest.raises(DocumentError, match=r"refs\(unc\)\.p cannot be read: it asks for the program code"):
        open_refcoco(made.root)
    assert not Path("trace").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda refs: {"refs": refs}, "it holds no list"),
        (lambda refs: [*refs, 5], "an entry is 5, not a table"),
        (lambda refs: [refs[0] | {"image_id": "1000"}], "has ids that are no whole numbers"),
        (lambda refs: [refs[0] | {"ann_id": None}], "has ids that are no whole numbers"),
        (lambda refs: [refs[0] | {"split": None}], "has no split or no sentences"),
        (lambda refs: [refs[0] | {"sentences": [{"sent_id": 3}]}], "has no sent_id or no raw text"),
        (lambda refs: [refs[0], refs[0]], "two entries have the same ref_id"),
        (lambda refs: [refs[0] | {"ann_id": 4}], '"annotations", 1 are missing, the first with the id 4'),
        (lambda refs: [refs[0] | {"image_id": 4}], '"images", 1 are missing, the first with the id 4'),
        (lambda refs: [refs[0] | {"ann_id": 74}], "annotation 74 in image 1001, but its expressions are of 1000"),
        (lambda refs: [refs[0] | {"ann_id": 70}], "has only crowds for the expressions with the ref_id 500"),
    ],
)
def test_expressions_that_cannot_be_used(
    made: ReferringMiniature, change: Callable[[list[dict[str, Any]]], Any], reason: str
) -> None:
    change_refs(made, change)
    with pytest.raises(DocumentError, match=reason):
        open_refcoco(made.root)


@pytest.mark.parametrize(
    ("key", "change", "reason"),
    [
        ("images", {"file_name": "../x.jpg"}, "which is no name of a file"),
        ("images", {"height": 0}, "is said to have 0 rows"),
        ("images", {"width": 10**9}, "is said to have 96 rows and 1000000000 columns"),
        ("annotations", {"image_id": None}, "is of no image"),
        ("annotations", {"segmentation": []}, "annotation 71 cannot be drawn: it has no polygons"),
        ("annotations", {"segmentation": {"counts": "abc"}}, "it has no polygons"),
        ("annotations", {"segmentation": [[0, 0, 5, 5]]}, "three or more pairs of x and y"),
        ("annotations", {"segmentation": [[0, 0, 5, 5, 1]]}, "three or more pairs of x and y"),
        ("annotations", {"segmentation": [[0, 0, 5, 5, 1e9, 2]]}, "leads far out of the image"),
        ("annotations", {"segmentation": [[0, 0, 5, 5, float("nan"), 2]]}, "leads far out of the image"),
    ],
)
def test_objects_that_cannot_be_used(made: ReferringMiniature, key: str, change: dict[str, Any], reason: str) -> None:
    path = made.refs_file.parent / "instances.json"
    record = json.loads(path.read_text())
    used = 1 if key == "annotations" else 0  # the first annotation is a crowd that nobody speaks of
    record[key][used] |= change
    path.write_text(json.dumps(record))
    with pytest.raises(DocumentError, match=reason):
        open_refcoco(made.root)


def test_only_what_is_asked_for_is_looked_at(made: ReferringMiniature) -> None:
    path = made.refs_file.parent / "instances.json"
    record = json.loads(path.read_text())
    record["annotations"][-1]["segmentation"] = "nobody speaks of it"
    record["images"].append({"id": 1, "file_name": None})
    path.write_text(json.dumps(record))
    assert open_refcoco(made.root).samples


@pytest.mark.parametrize("name", ["refs(unc).p", "instances.json"])
def test_files_cut_short_are_refused(made: ReferringMiniature, name: str) -> None:
    path = made.refs_file.parent / name
    content = path.read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(DocumentError, match=r"cannot be read: "):
            open_refcoco(made.root)


def change_refs(made: ReferringMiniature, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Write the expressions anew."""
    refs = pickle.loads(made.refs_file.read_bytes())
    made.refs_file.write_bytes(pickle.dumps(change(refs), protocol=2))
