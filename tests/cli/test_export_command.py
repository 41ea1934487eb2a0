"""The labels of a project become data sets, which are read back and compared."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from command_line import Command
from PIL import Image

from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project
from napari_car.annotation.sheet import QuerySheet
from napari_car.cli.export_command import FORMAT_NAMES
from napari_car.dataset.format import Format
from napari_car.dataset.formats import FORMATS

SHEET, _ = QuerySheet().added("leaf, soil")


def labels_of(seed: int) -> np.ndarray:
    """Blobs of two classes."""
    noise = np.random.default_rng(seed).integers(0, 3, (6, 8))
    return np.kron(noise, np.ones((5, 5), int)).astype(np.int32)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Four images, of which the last has no labels."""
    (tmp_path / "photos").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    project = Project.create(tmp_path / "weeds", tmp_path / "photos", SHEET)
    for number in range(3):
        layer = LabelLayer(
            name="labels",
            labels=labels_of(number),
            human=np.zeros((30, 40), bool),
            provenance={"queries": SHEET.to_dict()["entries"]},
        )
        project.save(project.image(f"{number}.png"), Document(layers=(layer,)), None)
    return project


def test_all_formats_can_be_chosen() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_each_format_is_written_and_read_back(command: Command, project: Project, name: str) -> None:
    before = {path: path.read_bytes() for path in project.folder.parent.rglob("*") if path.is_file()}
    result = command("export", "weeds", "--format", name, "--out", "out", "--split", "0.34", "0.33", "0.33")
    assert result.exit_code == 0, result.output
    assert f"{FORMATS[name].title}: 3 images with 6 objects are in out." in result.output
    assert "Left out: 1 image without labels yet." in result.output
    if name == "properties":
        assert "It holds no masks, so nothing was read back." in result.output
        assert len(Path("out/properties.csv").read_text().splitlines()) == 7
        return
    if name == "yolo":  # parts are joined by bridges
        assert re.search(r"Read back, these pixels differ: .*leaf [\d,]+ px", result.output)
    else:
        assert "Read back: every pixel is as it was." in result.output
    fmt = FORMATS[name]
    assert isinstance(fmt, Format)
    found = {image.name: image for image in fmt.read(Path("out"), SHEET)}
    assert set(found) == {"0", "1", "2"}
    if name != "yolo":
        np.testing.assert_array_equal(found["1"].classes, labels_of(1))
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_tiles_and_crops_are_written_and_read_back(command: Command, project: Project, name: str) -> None:
    sparse = np.zeros((30, 40), np.int32)
    sparse[3:8, 4:30] = 1
    layer = LabelLayer(name="labels", labels=sparse, provenance={"queries": SHEET.to_dict()["entries"]})
    project.save(project.image("3.png"), Document(layers=(layer,)), None)
    shares = ("--split", "0.5", "0.25", "0.25")
    result = command("export", "weeds", "--format", name, "--out", "tiles", "--tile", "16", "--overlap", "2", *shares)
    assert result.exit_code == 0, result.output
    assert f"{FORMATS[name].title}: {4 * 2 * 3} tiles of 4 images with " in result.output
    result = command(
        "export", "weeds", "--format", name, "--out", "crops", "--crop", "1", "--tile", "16", "--without-empty", *shares
    )
    assert result.exit_code == 0, result.output
    assert "Left out" not in result.output  # the crop left nothing that is empty
    fmt = FORMATS[name]
    if not isinstance(fmt, Format):
        return
    if name != "yolo":  # parts are joined by bridges
        assert "Read back: every pixel is as it was." in result.output
    found = {image.name: image.classes for image in fmt.read(Path("crops"), SHEET)}
    assert {name for name in found if name.startswith("3")} == {"3_y0002_x0003", "3_y0002_x0015"}
    np.testing.assert_array_equal(found["3_y0002_x0003"], sparse[2:9, 3:19])
    np.testing.assert_array_equal(found["3_y0002_x0015"], sparse[2:9, 15:31])


def test_tiles_of_an_image_stay_together_and_empty_ones_go(command: Command, project: Project) -> None:
    sparse = np.zeros((30, 40), np.int32)
    sparse[3:8, 4:9] = 1
    layer = LabelLayer(name="labels", labels=sparse, provenance={"queries": SHEET.to_dict()["entries"]})
    project.save(project.image("3.png"), Document(layers=(layer,)), None)
    args = ("export", "weeds", "--format", "coco", "--tile", "10", "--split", "0.5", "0.25", "0.25")
    result = command(*args, "--out", "all")
    assert "48 tiles of 4 images" in result.output
    images = {
        path.name: {image["file_name"].split("_")[0] for image in json.loads(path.read_text())["images"]}
        for path in Path("all/annotations").iterdir()
    }
    assert len(images) == 3
    assert sum(len(names) for names in images.values()) == 4
    result = command(*args, "--out", "some", "--without-empty")
    assert "Left out: 11 tiles in which nothing is labelled." in result.output
    assert "37 tiles of 4 images" in result.output
    with Image.open(next(Path("some").glob("*/3_y0000_x0000.png"))) as tile, Image.open("photos/3.png") as whole:
        assert (np.asarray(tile) == np.asarray(whole)[:10, :10]).all()


def test_lengths_that_cannot_be(command: Command, project: Project) -> None:
    result = command("export", "weeds", "--format", "coco", "--out", "out", "--overlap", "3")
    assert result.exit_code == 2
    assert "--overlap is of tiles: give their size by --tile" in result.stderr
    result = command("export", "weeds", "--format", "coco", "--out", "out", "--tile", "4", "--overlap", "4")
    assert result.exit_code == 1
    assert "Tiles of 4 px cannot overlap by 4 px" in result.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_each_plane_of_a_stack_is_an_image(command: Command, project: Project, name: str) -> None:
    pixels = np.random.default_rng(3).integers(0, 60_000, (4, 30, 40)).astype(np.uint16)
    tifffile.imwrite("photos/4.tif", pixels, photometric="minisblack")
    labels = np.stack([labels_of(seed) for seed in range(4)])
    layer = LabelLayer(name="labels", labels=labels, provenance={"queries": SHEET.to_dict()["entries"]})
    project.save(project.image("4.tif"), Document(layers=(layer,)), None)
    result = command("export", "weeds", "--format", name, "--out", "out", "--split", "0.5", "0.5", "0")
    assert result.exit_code == 0, result.output
    assert f"{FORMATS[name].title}: 7 images with 14 objects are in out." in result.output
    fmt = FORMATS[name]
    if not isinstance(fmt, Format):
        return
    found = {image.name: image for image in fmt.read(Path("out"), SHEET)}
    planes = {f"4_p000{index}" for index in range(4)}
    assert set(found) == {"0", "1", "2", *planes}
    if name != "yolo":
        np.testing.assert_array_equal(found["4_p0002"].classes, labels[2])
    image = found["4_p0002"].image
    if name == "ome-zarr" or image is None:
        return
    np.testing.assert_array_equal(tifffile.imread(image), pixels[2])
    assert len({path.parent for path in Path("out").rglob("4_p*.tif") if "images" in path.parts}) <= 1


def test_tiles_of_planes(command: Command, project: Project) -> None:
    pixels = np.random.default_rng(3).integers(0, 60_000, (2, 30, 40)).astype(np.uint16)
    tifffile.imwrite("photos/4.tif", pixels, photometric="minisblack")
    labels = np.stack([labels_of(5), np.zeros((30, 40), np.int32)])
    layer = LabelLayer(name="labels", labels=labels, provenance={"queries": SHEET.to_dict()["entries"]})
    project.save(project.image("4.tif"), Document(layers=(layer,)), None)
    result = command("export", "weeds", "--format", "voc", "--out", "out", "--tile", "30", "--without-empty")
    assert result.exit_code == 0, result.output
    assert "Left out: 1 image without labels yet, 1 image in which nothing is labelled." in result.output
    tile = tifffile.imread("out/JPEGImages/4_p0000_y0000_x0010.tif")
    np.testing.assert_array_equal(tile, pixels[0][:, 10:])


def test_coco_holds_what_trainers_need(command: Command, project: Project) -> None:
    command("export", "weeds", "--format", "coco", "--out", "out")
    record = json.loads(Path("out/annotations/instances_train.json").read_text(encoding="utf-8"))
    assert [(category["id"], category["name"]) for category in record["categories"]] == [(1, "leaf"), (2, "soil")]
    assert len(record["images"]) == 3
    assert sum(note["area"] for note in record["annotations"]) == sum(
        np.count_nonzero(labels_of(number)) for number in range(3)
    )


def test_what_cannot_be_exported_is_said(command: Command, project: Project) -> None:
    result = command("export", "weeds", "--format", "coco", "--out", "out", "--only-checked")
    assert result.exit_code == 1
    assert "There is nothing to export: 1 image without labels yet, 3 images not checked." in result.stderr
    assert not Path("out").exists()
    assert command("export", "photos", "--format", "coco", "--out", "out").exit_code == 1
    Path("full").mkdir()
    Path("full/note").touch()
    result = command("export", "weeds", "--format", "coco", "--out", "full")
    assert "full is not empty" in result.stderr
    result = command("export", "weeds", "--format", "coco", "--out", "out", "--split", "0.5", "0.1", "0.1")
    assert "must add up to 1" in result.stderr
    project.image("1.png").document.write_text("{}")
    result = command("export", "weeds", "--format", "coco", "--out", "out")
    assert result.exit_code == 3
    assert "2 images with 4 objects" in result.output
    assert result.stderr.startswith("Failed: 1.png: ")
