"""COCO instances as they are written, read back, and read by pycocotools."""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from dataset_cases import CELL, INSTANCES, LEAF, ONTOLOGY, STEM, STICK, contents, crowd, label_maps, labelled
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.dataset.coco import CocoInstances, Polygons
from napari_car.dataset.export import export
from napari_car.dataset.format import ReadImage
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.errors import DocumentError, OutputError

coco_api = pytest.importorskip("pycocotools.coco")
coco_mask = pytest.importorskip("pycocotools.mask")

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)
FRAME = np.array([[1, 1, 1, 0, 4], [1, 0, 1, 0, 0], [1, 1, 1, 0, 4]], dtype=np.int32)


def officially_read(path: Path) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return classes and numbers of objects of each image, as pycocotools reads them; check area, box and ids."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error")
        warnings.filterwarnings("ignore", message="__array__ implementation")  # of pycocotools, with numpy 2
        coco = coco_api.COCO(str(path))
        coco.info()
        found = {}
        assert coco.getImgIds() == list(range(1, len(coco.getImgIds()) + 1))
        assert coco.getAnnIds() == list(range(1, len(coco.getAnnIds()) + 1))
        for image in coco.loadImgs(coco.getImgIds()):
            classes, objects = np.zeros((2, image["height"], image["width"]), dtype=np.int64)
            for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
                mask = coco.annToMask(annotation).astype(bool)
                code = coco.annToRLE(annotation)
                assert annotation["iscrowd"] == 0
                assert annotation["area"] == mask.sum() == coco_mask.area(code)
                assert annotation["bbox"] == coco_mask.toBbox(code).tolist()
                assert not objects[mask].any(), "objects must not overlap"
                classes[mask], objects[mask] = annotation["category_id"], annotation["id"]
            found[Path(image["file_name"]).stem] = classes, objects
    return found


def write_json(folder: Path, record: object, name: str = "annotations/instances_train.json") -> Path:
    """Write a file of another program."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    return path


def foreign(*annotations: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return what a file of another program holds: an image of 3 x 4 px."""
    return {
        "images": [{"id": 7, "file_name": "a.png", "height": 3, "width": 4}],
        "categories": [{"id": 1, "name": " CELL "}, {"id": 90, "name": "elephant"}],
        "annotations": [{"id": 5, "image_id": 7, "category_id": 1, **item} for item in annotations],
        **changes,
    }


def read_one(folder: Path, ontology: QuerySheet = ONTOLOGY) -> ReadImage:
    (image,) = CocoInstances().read(folder, ontology)
    return image


def test_what_is_written(tmp_path: Path) -> None:
    images = {
        "b": labelled(tmp_path, "b", MIXED, absent=frozenset([LEAF, STICK, STEM])),
        "a": labelled(tmp_path, "a", FRAME, split="val"),
        "c.d": labelled(tmp_path, "c.d", np.zeros((1, 1))),
    }
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, CocoInstances(), folder)
    assert report.is_lossless
    assert (report.n_images, report.n_objects) == (3, 7)
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert (folder / "train/c.d.png").read_bytes() == images["c.d"].image.read_bytes()
    record = json.loads((folder / "annotations/instances_train.json").read_bytes())
    assert list(record) == ["info", "licenses", "categories", "images", "annotations"]
    assert record["categories"] == [
        {"id": CELL, "name": "cell", "supercategory": "cell"},
        {"id": LEAF, "name": 'Leaf: a | b, "c"', "supercategory": 'Leaf: a | b, "c"'},
        {"id": STEM, "name": "stem", "supercategory": "stem"},
    ]
    assert record["images"] == [
        {"id": 1, "file_name": "b.png", "height": 2, "width": 4, "neg_category_ids": [LEAF, STEM]},
        {"id": 2, "file_name": "c.d.png", "height": 1, "width": 1, "neg_category_ids": []},
    ]
    assert [(item["id"], item["image_id"], item["category_id"], item["area"]) for item in record["annotations"]] == [
        (1, 1, CELL, 1),
        (2, 1, STEM, 2),
        (3, 1, CELL, 2),
        (4, 1, CELL, 1),
        (5, 1, LEAF, 1),
    ]
    assert record["annotations"][2]["bbox"] == [2, 0, 2, 1]
    val = json.loads((folder / "annotations/instances_val.json").read_bytes())
    assert [len(item["segmentation"]) for item in val["annotations"]] == [1, 2]


def test_the_class_above_is_the_supercategory(tmp_path: Path) -> None:
    ontology = QuerySheet(
        (
            SheetEntry(id=3, text="plant", colour=(1, 2, 3), name="Plant"),
            SheetEntry(id=5, text="leaf", colour=(1, 2, 3), parent=3),
            SheetEntry(id=6, text="noise", colour=(1, 2, 3), role="background"),
            SheetEntry(id=7, text="dirt", colour=(1, 2, 3), parent=6),
        ),
        next_id=8,
    )
    images = {"a": labelled(tmp_path, "a", np.full((2, 2), 5))}
    export(images, ontology, CocoInstances(), tmp_path / "out")
    record = json.loads((tmp_path / "out/annotations/instances_train.json").read_bytes())
    assert [item["supercategory"] for item in record["categories"]] == ["Plant", "Plant", "dirt"]
    found = CocoInstances().read_ontology(tmp_path / "out")
    assert [(entry.id, entry.class_name, entry.parent) for entry in found.entries] == [
        (3, "Plant", 0),
        (5, "leaf", 3),
        (7, "dirt", 0),
    ]


@pytest.mark.parametrize(("polygons", "kinds"), [("never", [dict, dict]), ("always", [list, list])])
def test_polygons_can_be_chosen(tmp_path: Path, polygons: Polygons, kinds: list[type]) -> None:
    report = export({"a": labelled(tmp_path, "a", FRAME)}, ONTOLOGY, CocoInstances(polygons), tmp_path / "out")
    assert report.is_lossless
    record = json.loads((tmp_path / "out/annotations/instances_train.json").read_bytes())
    assert [type(item["segmentation"]) for item in record["annotations"]] == kinds


def test_polygons_that_lose_pixels_become_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_car.dataset.coco.trace_parts", lambda _: (np.array([[0, 0], [0, 1], [1, 1]]),))
    report = export({"a": labelled(tmp_path, "a", FRAME)}, ONTOLOGY, CocoInstances(), tmp_path / "out")
    assert report.is_lossless
    report = export({"a": labelled(tmp_path, "a", FRAME)}, ONTOLOGY, CocoInstances("always"), tmp_path / "more")
    assert not report.is_lossless


@given(label_maps(), st.sampled_from(["never", "lossless", "always"]))
@settings(max_examples=150, deadline=None)
def test_any_labels_come_back(labels: NDArray[np.int32], polygons: Polygons) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        image = labelled(folder, "a", labels)
        report = export({"a": image}, ONTOLOGY, CocoInstances(polygons), folder / "out")
        assert report.is_lossless
        (found,) = CocoInstances().read(folder / "out", ONTOLOGY)
        classes, objects = officially_read(folder / "out/annotations/instances_train.json")["a"]
        np.testing.assert_array_equal(found.classes, image.semantic)
        np.testing.assert_array_equal(classes, image.semantic)
        assert found.objects is not None
        np.testing.assert_array_equal(found.objects, objects)
        assert found.image == folder / "out/train/a.png"
        export({"a": image}, ONTOLOGY, CocoInstances(polygons), folder / "again")
        assert contents(folder / "out") == contents(folder / "again")


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, instances = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=instances)}
    report = export(images, ONTOLOGY, CocoInstances(), tmp_path / "out")
    assert report.is_lossless
    assert report.n_objects == 70_000


@pytest.mark.parametrize("label", [STICK, 77])
def test_labels_of_no_class_are_refused(tmp_path: Path, label: int) -> None:
    images = {"a": labelled(tmp_path, "a", np.full((2, 2), label))}
    with pytest.raises(OutputError, match=f"a has labels of class {label}, which is none of the ontology"):
        export(images, ONTOLOGY, CocoInstances(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_without_ending_or_file_is_refused(tmp_path: Path) -> None:
    image = LabelledImage(name="a", image=tmp_path / "a", labels=MIXED, instances=INSTANCES)
    with pytest.raises(OutputError, match="has no ending"):
        export({"a": image}, ONTOLOGY, CocoInstances(), tmp_path / "out")
    image = LabelledImage(name="a", image=tmp_path / "a.png", labels=MIXED, instances=INSTANCES)
    with pytest.raises(OutputError, match="cannot be copied"):
        export({"a": image}, ONTOLOGY, CocoInstances(), tmp_path / "out")


def test_all_that_others_write_is_read(tmp_path: Path) -> None:
    compressed = coco_mask.encode(np.asfortranarray(np.eye(3, 4, dtype=np.uint8)))
    annotations = (
        {"segmentation": [[0, 0, 2, 0, 2, 1, 0, 1], [3.0, 2.0, 4.0, 2.0, 4.0, 3.0]], "iscrowd": 0},
        {"segmentation": {"size": [3, 4], "counts": [6, 2, 4]}, "iscrowd": 1},
        {"segmentation": {"size": [3, 4], "counts": compressed["counts"].decode()}, "image_id": 8},
    )
    images = [
        {"id": 7, "file_name": "a.png", "height": 3, "width": 4},
        {"id": 8, "file_name": "sub\\b.png", "height": 3, "width": 4},
    ]
    write_json(tmp_path, foreign(*annotations, images=images))
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").touch()
    first, second = CocoInstances().read(tmp_path, ONTOLOGY)
    official = officially_drawn(annotations[:2])
    np.testing.assert_array_equal(first.objects, official)
    np.testing.assert_array_equal(first.classes, CELL * (official > 0))
    np.testing.assert_array_equal(second.classes, CELL * np.eye(3, 4))
    assert (first.name, first.image) == ("a", tmp_path / "images/a.png")
    assert (second.name, second.image) == ("sub_b", None)


def officially_drawn(annotations: tuple[dict[str, Any], ...]) -> NDArray[np.int64]:
    """Draw annotations of an image of 3 x 4 px one over another, by pycocotools."""
    objects = np.zeros((3, 4), dtype=np.int64)
    for number, item in enumerate(annotations, start=1):
        shape = item["segmentation"]
        codes = coco_mask.frPyObjects(shape, 3, 4)
        objects[coco_mask.decode(coco_mask.merge(codes) if isinstance(shape, list) else codes) > 0] = number
    return objects


@pytest.mark.parametrize("name", ["annotations/other.json", "train/_annotations.coco.json", "labels.json"])
def test_files_are_found_where_others_put_them(tmp_path: Path, name: str) -> None:
    path = write_json(tmp_path, foreign(), name)
    assert read_one(tmp_path).name == read_one(path).name == "a"


@pytest.mark.parametrize("file_name", ["../a.png", "x/../../a.png", "/a.png", "C:/a.png", "C:\\a.png"])
def test_images_outside_of_the_data_set_are_not_given(tmp_path: Path, file_name: str) -> None:
    (tmp_path / "a.png").touch()
    image = {"id": 1, "file_name": file_name, "height": 1, "width": 1}
    write_json(tmp_path / "data", {"images": [image], "categories": [], "annotations": []})
    found = read_one(tmp_path / "data")
    assert found.image is None
    assert found.name.endswith("a")
    assert not set(found.name) & set("/\\")


def test_categories_become_an_ontology(tmp_path: Path) -> None:
    names = [(70_000, "dog", "animal"), (3, "animal", "b"), (3, "b", "animal"), (2, "x | y", "gone"), (0, "z", "z")]
    categories = [{"id": id_, "name": name, "supercategory": above} for id_, name, above in names]
    write_json(tmp_path, foreign(categories=categories))
    write_json(tmp_path, foreign(categories=categories[:2]), "annotations/instances_val.json")
    found = CocoInstances().read_ontology(tmp_path)
    entries = {entry.class_name: entry for entry in found.entries}
    assert list(entries) == ["dog", "animal", "b", "x | y", "z"]
    assert entries["animal"].id == 3
    assert entries["x | y"].id == 2
    assert min(entries[name].id for name in "bz") > 3
    assert entries["dog"].parent == 3
    assert [entries["animal"].parent, entries["b"].parent].count(0) == 1
    assert entries["x | y"].parent == entries["z"].parent == 0


POLYGON = [[0, 0, 2, 0, 2, 1]]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([], "it holds no table"),
        ({"images": []}, '"categories"'),
        (foreign(images=[{"id": "7"}]), "the id '7' is not a whole number"),
        (foreign(images=[{"id": 7, "file_name": "a", "height": 0, "width": 4}]), "0 rows"),
        (foreign(images=[{"id": 7, "file_name": "a", "height": 10**6, "width": 10**6}]), "1000000 rows"),
        (foreign(images=[{"id": 7, "height": 1, "width": 4}]), "image 7 has no file_name"),
        (foreign({"image_id": 1}), "annotation 5 is of the image 1"),
        (foreign({"category_id": 2, "segmentation": POLYGON}), "category 2"),
        (foreign({"category_id": 90, "segmentation": POLYGON}), '"elephant", which is not in the ontology'),
        (foreign({}), "annotation 5 has no segmentation"),
        (foreign({"segmentation": []}), "it has no polygons"),
        (foreign({"segmentation": [[0, 0, 2, 2]]}), "three or more pairs"),
        (foreign({"segmentation": [[0, 0, 2, 2, 1, 1, 1]]}), "three or more pairs"),
        (foreign({"segmentation": [[0, 0, 2, 1e9, 2, 1]]}), "far out of the image"),
        (foreign({"segmentation": [[0, 0, 2, float("nan"), 2, 1]]}), "far out of the image"),
        (foreign({"segmentation": {"size": [3, 4]}}), "it has no counts"),
        (foreign({"segmentation": {"size": [3, 4], "counts": [1, 10**9]}}), "it has no counts"),
        (foreign({"segmentation": {"size": [3, 4], "counts": [1, 12]}}), "do not fit"),
        (foreign({"segmentation": {"size": [3, 4], "counts": [13, -1]}}), "do not fit"),
        (foreign({"segmentation": {"size": [4, 3], "counts": [1, 11]}}), "do not fit"),
        (foreign({"segmentation": {"size": [3, 4], "counts": "~"}}), "damaged"),
    ],
)
def test_what_cannot_be_read_is_explained(tmp_path: Path, record: object, reason: str) -> None:
    path = write_json(tmp_path, record)
    with pytest.raises(DocumentError) as caught:
        list(CocoInstances().read(tmp_path, ONTOLOGY))
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="holds no COCO data set"):
        CocoInstances().read_ontology(tmp_path)
    (tmp_path / "a.json").write_bytes(b"[" * 100_000)
    with pytest.raises(DocumentError, match="is not JSON"):
        read_one(tmp_path)
