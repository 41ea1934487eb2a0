"""The images of a project as a data set: which are taken, what of their labels, and how they are divided."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project
from napari_car.annotation.sheet import QuerySheet
from napari_car.dataset.project_images import ProjectImages
from napari_car.dataset.split import Fractions
from napari_car.errors import DocumentError

SHEET, _ = QuerySheet().added("leaf, soil, stone, not: label")
LABELS = np.array([[1, 1, 0, 2], [1, 0, 0, 2]], np.int32)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for key in ("row 1/a.png", "row 1/a.jpg", "b.png"):
        path = tmp_path / "photos" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 2)).save(path)
    return Project.create(tmp_path / "weeds", tmp_path / "photos", SHEET)


def save(project: Project, key: str, labels: np.ndarray = LABELS, **provenance: object) -> None:
    about = {"kind": "labels", "queries": SHEET.to_dict()["entries"]} | provenance
    layer = LabelLayer(name="labels", labels=labels, human=np.zeros(labels.shape, bool), provenance=about)
    project.save(project.image(key), Document(layers=(layer,)), None)


def digests(labels: np.ndarray, *ids: int, instances: InstanceTable | None = None) -> dict[str, str]:
    return {str(id_): digest for id_, digest in digest_labels(labels, ids, instances).items()}


def test_images_with_labels_are_taken_under_names_that_differ(project: Project) -> None:
    save(project, "row 1/a.png")
    save(project, "row 1/a.jpg", LABELS * 0)
    images = ProjectImages(project)
    assert set(images) == {"row_1_a", "row_1_a_2"}
    assert images.unlabelled == ["b.png"]
    paths = {name: images[name].image.name for name in images}
    assert paths == {"row_1_a": "a.jpg", "row_1_a_2": "a.png"}
    np.testing.assert_array_equal(images["row_1_a_2"].labels, LABELS)
    without = ProjectImages(project, with_empty=False)
    assert list(without) == ["row_1_a_2"]
    assert without.empty == ["row 1/a.jpg"]


def test_labels_are_those_of_now(project: Project) -> None:
    save(project, "b.png")
    images = ProjectImages(project)
    save(project, "b.png", LABELS * 0 + 3)
    assert (images["b"].labels == 3).all()
    project.image("b.png").document.unlink()
    with pytest.raises(DocumentError, match=r"The labels of b\.png are gone"):
        images["b"]


def test_checked_means_that_all_classes_were_checked_and_are_as_they_were(project: Project) -> None:
    save(project, "b.png", checked=digests(LABELS, 1, 2, 3))
    save(project, "row 1/a.png", checked=digests(LABELS, 1, 2))
    changed = LABELS.copy()
    changed[0, 2] = 1
    save(project, "row 1/a.jpg", changed, checked=digests(LABELS, 1, 2, 3))
    images = ProjectImages(project, only_checked=True)
    assert list(images) == ["b"]
    assert images.unchecked == ["row 1/a.jpg", "row 1/a.png"]
    assert images["b"].is_checked
    assert images["b"].absent == {3}
    all_images = ProjectImages(project)
    assert {name: all_images[name].absent for name in all_images} == {"b": {3}, "row_1_a": {3}, "row_1_a_2": set()}


def test_instances_keep_their_classes(project: Project) -> None:
    table = InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 1}, FIRST_ID + 2)
    labels = np.array([[FIRST_ID, FIRST_ID, 0, FIRST_ID + 1], [2, 0, 0, 0]], np.int32)
    checked = digests(labels, 1, instances=table)
    save(project, "b.png", labels, instances=table.to_dict(), checked=checked)
    image = ProjectImages(project)["b"]
    assert image.instances == table
    assert [(one.class_id, one.area_px) for one in image.objects()] == [(2, 1), (1, 2), (1, 1)]
    assert image.semantic.tolist() == [[1, 1, 0, 1], [2, 0, 0, 0]]


def test_higher_layers_lie_on_top_and_instances_stay_apart(project: Project) -> None:
    table = InstanceTable({FIRST_ID: 1}, FIRST_ID + 1)
    other = InstanceTable({FIRST_ID: 2}, FIRST_ID + 1)
    about = {"queries": SHEET.to_dict()["entries"]}
    layers = tuple(
        LabelLayer(
            name=name,
            labels=np.array([row], np.int32),
            human=np.zeros((1, 4), bool),
            provenance=about | {"instances": instances.to_dict()},
        )
        for name, row, instances in (("low", [FIRST_ID] * 4, table), ("high", [0, 0, FIRST_ID, 3], other))
    )
    project.save(project.image("b.png"), Document(layers=layers), None)
    image = ProjectImages(project)["b"]
    assert image.semantic.tolist() == [[1, 1, 2, 3]]
    assert len(set(image.labels[0].tolist())) == 3


def test_planes_of_a_stack_are_images_that_stay_together(project: Project) -> None:
    folder = project.images_folder
    (folder / "b.png").unlink()
    tifffile.imwrite(folder / "b.tif", np.zeros((3, 2, 4), np.uint8), photometric="minisblack")
    Image.new("RGB", (4, 2)).save(folder / "b_p0000.png")
    labels = np.stack([LABELS, LABELS * 0, LABELS // 2 * 2])
    save(project, "b.tif", labels, checked=digests(labels, 1, 2, 3))
    save(project, "b_p0000.png")
    images = ProjectImages(project)
    assert list(images) == ["b__p0000", "b_p0001", "b_p0002", "b_p0000"]
    for index, name in enumerate(["b__p0000", "b_p0001", "b_p0002"]):
        np.testing.assert_array_equal(images[name].labels, labels[index])
    assert images["b_p0001"].absent == {1, 2, 3}
    assert images["b_p0002"].absent == {1, 3}
    assert ProjectImages(project, only_checked=True).unchecked == ["b_p0000.png"]
    assert ProjectImages(project, with_empty=False).empty == ["b.tif, plane 1"]
    divided = ProjectImages(project, fractions=Fractions(train=0.5, val=0.5, test=0))
    assert len({image.split for name, image in divided.items() if name != "b_p0000"}) == 1
    save(project, "b.tif", labels[:2])
    with pytest.raises(DocumentError, match=r"b\.tif have other planes than before"):
        images["b_p0002"]


def test_what_cannot_be_used_is_left_out_and_told(project: Project) -> None:
    save(project, "b.png", np.zeros((3, 2, 4), np.int32))
    other, _ = QuerySheet().added("dog")
    save(project, "row 1/a.png", queries=other.to_dict()["entries"])
    project.image("row 1/a.jpg").document.write_text("{}")
    images = ProjectImages(project)
    assert len(images) == 0
    reasons = {key: str(error) for key, error in images.failed}
    assert "the image has 2 x 4 px, but its labels 3 x 2 x 4 px" in reasons["b.png"]
    assert 'calls class 1 "dog", the ontology "leaf"' in reasons["row 1/a.png"]
    assert "cannot be opened" in reasons["row 1/a.jpg"]


def test_images_are_divided(project: Project) -> None:
    for key in ("b.png", "row 1/a.png", "row 1/a.jpg"):
        save(project, key)
    assert {image.split for image in ProjectImages(project).values()} == {"train"}
    fractions = Fractions(train=0.34, val=0.33, test=0.33)
    divided = ProjectImages(project, fractions=fractions)
    assert sorted(image.split for image in divided.values()) == ["test", "train", "val"]
    again = ProjectImages(project, fractions=fractions)
    assert [again[name].split for name in again] == [divided[name].split for name in divided]
