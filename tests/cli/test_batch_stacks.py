"""Stacks and OME-Zarr images of a folder are segmented plane by plane, as the dock segments all slices."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from command_line import Command
from zarr_images import write_zarr

from napari_car import PRESETS, Segmenter, read_image
from napari_car.annotation.document import Document, read_document
from napari_car.annotation.label_image import Recipe
from napari_car.annotation.ontology_file import read_ontology, write_ontology
from napari_car.annotation.project import Project
from napari_car.annotation.sheet import QuerySheet
from napari_car.cli.checkpoints import choose_networks
from napari_car.cli.cluster_worker import WorkerTask, forget_networks, run_on_worker
from napari_car.cli.label_image import LabelWork
from napari_car.dataset.project_images import ProjectImages
from napari_car.scenes import load_scenes

QUERIES = ("blue circle", "sand")
START = ("batch", "cells", "--ontology", "shapes.toml", "--out", "shapes", "--preset", "demo")
AGAIN = ("batch", "--out", "shapes", "--preset", "demo")
KEYS = ("more/shapes.ome.zarr", "planes.tif")


@pytest.fixture(scope="module")
def scenes() -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of one size, as small as the networks can see something in them."""
    files = {scene.name: scene.image for scene in load_scenes()}
    sand, brick = (read_image(files[f"shapes-on-{name}"]).rgb for name in ("sand", "brick"))
    return sand[:140, :150], brick[:140, :150]


@pytest.fixture(scope="module")
def expected(scenes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The labels of both."""
    segmenter = Segmenter.from_preset("demo")
    found = [segmenter.segment(scene, list(QUERIES), PRESETS["demo"].config).label_map for scene in scenes]
    return np.stack(found)


@pytest.fixture
def cells(tmp_path: Path, scenes: tuple[np.ndarray, np.ndarray]) -> Path:
    """Both as planes of an OME-Zarr image, and of a TIFF file."""
    folder = tmp_path / "cells"
    (folder / "more").mkdir(parents=True)
    planes = np.stack(scenes)
    units = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}
    write_zarr(folder / KEYS[0], planes.transpose(0, 3, 1, 2), "zcyx", scale=(2, 1, 0.5, 0.5), units=units)
    tifffile.imwrite(folder / KEYS[1], planes, photometric="rgb", compression="zlib")
    sheet, _ = QuerySheet().added(", ".join(QUERIES))
    write_ontology(tmp_path / "shapes.toml", sheet)
    return folder


def document(key: str) -> Document:
    return read_document(Path("shapes/labels") / f"{key}.car.json")


def planes_of(cells: Path) -> np.ndarray:
    pixels: np.ndarray = tifffile.imread(cells / KEYS[1])
    return pixels


def content_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_labels_of_each_plane_are_those_of_the_picture(command: Command, cells: Path, expected: np.ndarray) -> None:
    before = content_of(cells)
    result = command(*START)
    assert result.exit_code == 0, result.output
    assert "2 images: 2 segmented. The project is shapes." in result.output
    assert re.search(r"more/shapes\.ome\.zarr: .* \d\.\d\d( \(uncertain\))? in [12] of 2 planes", result.output)
    assert content_of(cells) == before
    for key in KEYS:
        (layer,) = document(key).layers
        np.testing.assert_array_equal(layer.labels, expected)
        assert not layer.is_corrected
        (run,) = layer.provenance["runs"]
        assert run["is_whole"]
        assert [frame["plane"] for frame in run["frames"]] == [[0], [1]]
        assert run["image"]["path"] == key
        assert run["image"]["shape"] == [2, 140, 150]
        assert run["image"]["displayed_axes"] == [1, 2]
    about = document(KEYS[0]).layers[0].provenance["runs"][0]["image"]
    assert [channel["name"] for channel in about["channels"]] == [f"shapes.ome: channel {n}" for n in range(3)]
    assert [channel["colormap"] for channel in about["channels"]] == ["red", "green", "blue"]
    transform = document(KEYS[0]).layers[0].transform
    assert transform.scale == (2, 0.5, 0.5)
    assert transform.units == ("micrometer",) * 3
    assert transform.axis_labels == ("z", "y", "x")
    images = ProjectImages(Project.open(Path("shapes")))
    assert list(images) == ["more_shapes_ome_p0000", "more_shapes_ome_p0001", "planes_p0000", "planes_p0001"]
    assert not images.failed


@pytest.mark.parametrize("name", ["coco", "ome-zarr"])
def test_planes_are_exported(command: Command, cells: Path, name: str) -> None:
    command(*START)
    result = command("export", "shapes", "--format", name, "--out", "out")
    assert result.exit_code == 0, result.output
    assert ": 4 images with " in result.output
    assert "Read back: every pixel is as it was." in result.output
    if name == "ome-zarr":
        for place, plane in enumerate(planes_of(cells)):
            path = Path("out/train") / f"more_shapes_ome_p{place:04d}.zarr"
            np.testing.assert_array_equal(read_image(path).rgb, plane)


def test_a_batch_goes_on_past_what_is_broken(command: Command, cells: Path) -> None:
    (cells / "broken.zarr").mkdir()
    plate = write_zarr(cells / "plate.zarr", np.zeros((4, 4), np.uint8), "yx")
    about = json.loads((plate / "zarr.json").read_text())
    about["attributes"] = {"ome": {"version": "0.5", "plate": {}}}
    (plate / "zarr.json").write_text(json.dumps(about))
    result = command(*START)
    assert result.exit_code == 3
    assert "4 images: 2 segmented, 2 failed." in result.output
    failed = [line for line in result.stderr.splitlines() if line.startswith("Failed: ")]
    assert "no zarr group, or damaged" in failed[0]
    assert "a plate of many wells" in failed[1]
    for file in Path("shapes/labels").glob("planes.tif*"):
        file.unlink()
    result = command(*AGAIN)
    assert result.exit_code == 3
    assert "4 images: 1 segmented, 1 skipped, since they have labels" in result.output
    assert "2 failed" in result.output


def test_a_plane_that_cannot_be_read_leaves_no_labels(command: Command, cells: Path) -> None:
    (cells / KEYS[0] / "0" / "c" / "1" / "0" / "0" / "0").write_bytes(b"damaged")
    result = command(*START)
    assert result.exit_code == 3
    assert f"Failed: {KEYS[0]}: The pixels of " in result.stderr
    assert [path.name for path in Path("shapes/labels").rglob("*.car.json")] == ["planes.tif.car.json"]


def test_workers_find_the_same(command: Command, cells: Path, expected: np.ndarray) -> None:
    sheet = read_ontology(Path("shapes.toml"))
    project = Project.create(Path("shapes"), cells, sheet)
    recipe = Recipe(sheet=sheet, config=PRESETS["demo"].config, preset="demo")
    for key in KEYS:
        work = LabelWork(image=project.image(key), recipe=recipe)
        task = WorkerTask(work=work, networks=choose_networks("demo").for_workers(), n_threads=None)
        labelled = pickle.loads(pickle.dumps(run_on_worker(pickle.loads(pickle.dumps(task)))))  # as they are sent
        np.testing.assert_array_equal(labelled.document.layers[0].labels, expected)
        assert " planes" in labelled.line
    forget_networks()
