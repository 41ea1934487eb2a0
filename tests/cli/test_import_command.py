"""Data sets of other programs become projects, whose labels are those of the data set."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.project import Project
from napari_car.annotation.sheet import QuerySheet
from napari_car.cli.import_command import READER_NAMES
from napari_car.dataset.export import export
from napari_car.dataset.format import Format, ReadImage
from napari_car.dataset.formats import FORMATS, READERS
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.dataset.project_images import ProjectImages
from napari_car.dataset.read_document import tell_apart

SHEET, _ = QuerySheet().added("leaf, soil, stone")
TABLE = InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 1}, FIRST_ID + 2)
LABELS = np.kron(
    np.array([[FIRST_ID, 0, FIRST_ID + 1], [2, 2, 0], [0, 0, 0]], np.int32), np.ones((6, 6), np.int32)
).astype(np.int32)


@pytest.fixture
def data_set(tmp_path: Path) -> dict[str, LabelledImage]:
    pixels = np.random.default_rng(0).integers(0, 255, (18, 18, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "field.png")
    Image.fromarray(pixels[::-1]).save(tmp_path / "bare.png")
    return {
        "field": LabelledImage(name="field", image=tmp_path / "field.png", labels=LABELS, instances=TABLE),
        "bare": LabelledImage(name="bare", image=tmp_path / "bare.png", labels=LABELS * 0),
    }


def test_all_formats_can_be_chosen() -> None:
    assert tuple(READERS) == READER_NAMES


@pytest.mark.parametrize("name", [name for name in READER_NAMES if name in FORMATS])
def test_what_was_exported_is_imported_again(command: Command, data_set: dict[str, LabelledImage], name: str) -> None:
    fmt = FORMATS[name]
    export(data_set, SHEET, fmt, Path("data"))
    before = {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}
    result = command("import", "data", "--format", name, "--out", "weeds")
    assert result.exit_code == 0, result.output
    names = {"field"} if name == "cellpose" else {"field", "bare"}  # it keeps images with their masks only
    assert f"{fmt.title}: {len(names)} images with labels of 3 classes are in the project weeds." in result.output
    assert {path: path.read_bytes() for path in before} == before
    project = Project.open(Path("weeds"))
    assert [entry.text for entry in project.ontology.entries] == ["leaf", "soil", "stone"]
    images = ProjectImages(project)
    assert set(images) == names
    ids = {entry.text: entry.id for entry in project.ontology.entries}
    expected = np.array([0, ids["leaf"], ids["soil"], ids["stone"]])[data_set["field"].semantic]
    np.testing.assert_array_equal(images["field"].semantic, expected)
    assert isinstance(fmt, Format)
    n_leaves = sum(one.class_id == ids["leaf"] for one in images["field"].objects())
    assert n_leaves == (2 if fmt.tells_objects_apart else 1)
    assert images["field"].image.parent == Path("weeds/images")
    document, _ = project.load(project.image(f"field{images['field'].image.suffix}"))
    assert document is not None
    assert document.layers[0].is_corrected


def test_a_class_with_several_objects_becomes_instances() -> None:
    classes = np.array([[1, 1, 2, 2, 0, 3]], np.int32)
    objects = np.array([[1, 2, 3, 3, 0, 9]], np.int32)
    labels, table = tell_apart(ReadImage(name="a", classes=classes, objects=objects))
    assert labels.tolist() == [[FIRST_ID, FIRST_ID + 1, 2, 2, 0, 3]]
    assert table.query_ids == {FIRST_ID: 1, FIRST_ID + 1: 1}
    labels, table = tell_apart(ReadImage(name="a", classes=classes))
    assert labels is classes
    assert not table.query_ids


def test_what_cannot_be_imported_leaves_nothing(command: Command, data_set: dict[str, LabelledImage]) -> None:
    result = command("import", ".", "--format", "coco", "--out", "weeds")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert not Path("weeds").exists()
    export(data_set, SHEET, FORMATS["coco"], Path("data"))
    Path("data/train/field.png").unlink()
    assert command("import", "data", "--format", "coco", "--out", "weeds").exit_code == 1
    assert not Path("weeds").exists()
    Path("full").mkdir()
    Path("full/note").touch()
    result = command("import", "data", "--format", "coco", "--out", "full")
    assert "full is not empty" in result.stderr
    assert Path("full/note").exists()


def test_files_of_labelme_become_a_project(command: Command, data_set: dict[str, LabelledImage]) -> None:
    code = base64.b64encode(Path("bare.png").read_bytes()).decode()
    Path("labelme/row 1").mkdir(parents=True)
    Path("field.png").rename("labelme/field.png")
    leaves = [
        {"label": "leaf", "points": [[0, 0], [5, 5]], "shape_type": "rectangle"},
        {"label": "leaf", "points": [[9, 0], [12, 0], [12, 3]], "shape_type": "polygon"},
    ]
    soil = {"label": "soil", "points": [[8, 8], [8, 12]], "shape_type": "circle"}
    record = {"shapes": [*leaves, soil], "imagePath": "field.png", "imageData": None}
    Path("labelme/field.json").write_text(json.dumps(record), encoding="utf-8")
    record = {"shapes": [soil], "imagePath": "bare.png", "imageData": code}
    Path("labelme/row 1/bare.json").write_text(json.dumps(record), encoding="utf-8")
    result = command("import", "labelme", "--format", "labelme", "--out", "weeds")
    assert result.exit_code == 0, result.output
    assert "labelme JSON: 2 images with labels of 2 classes are in the project weeds." in result.output
    images = ProjectImages(Project.open(Path("weeds")))
    assert set(images) == {"field", "row_1_bare"}
    assert [one.class_id for one in images["field"].objects()] == [2, 1, 1]
    assert images["row_1_bare"].image.read_bytes() == base64.b64decode(code)
    Path("labelme/row 1/bare.json").write_text("{}", encoding="utf-8")
    result = command("import", "labelme", "--format", "labelme", "--out", "other")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "bare.json" in result.stderr
    assert not Path("other").exists()


def test_the_format_is_found_by_the_files(command: Command, data_set: dict[str, LabelledImage]) -> None:
    export(data_set, SHEET, FORMATS["voc"], Path("data"))
    result = command("import", "data", "--out", "weeds")
    assert result.exit_code == 0, result.output
    assert "Pascal VOC index PNG: 2 images with labels of 3 classes are in the project weeds." in result.output
    export(data_set, SHEET, FORMATS["ome-zarr"], Path("zarr"))
    result = command("import", "zarr", "--out", "other")
    assert result.exit_code == 1
    assert "zarr is of OME-Zarr image-label, whose images are not files of their own" in result.stderr
    assert not Path("other").exists()
    result = command("import", "weeds", "--out", "other")
    assert result.exit_code == 1
    assert "weeds is of no data set that is known here" in result.stderr
