"""Stacks and OME-Zarr images of a folder in a real window, and runs in the background that do as the dock does."""

from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import tifffile
from dock_driving import result_layers, run_and_wait
from napari.layers import Image
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from zarr_images import write_zarr

from napari_car.annotation.document import Document
from napari_car.annotation.project import Project
from napari_car.gui.commands import FOLDER, PLUGIN
from napari_car.gui.dock import CarWidget
from napari_car.gui.folder import image_layers
from napari_car.gui.folder.panel import FolderPanel

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("one_thread")]

QUERIES = ("blue circle", "sand")
UNITS = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}


@pytest.fixture
def panel(dock: tuple[Viewer, CarWidget]) -> FolderPanel:
    viewer, car = dock
    car.options.choose_preset("demo")
    car.queries.set_sheet(car.queries.sheet.added_each(QUERIES)[0])
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, FOLDER)
    assert isinstance(panel, FolderPanel)
    return panel


@pytest.fixture
def cells(tmp_path: Path, scenes: dict[str, np.ndarray]) -> Path:
    """An OME-Zarr image of three channels, two planes and two levels, one that is broken, and a TIFF stack."""
    folder = tmp_path / "cells"
    folder.mkdir()
    rgb = np.stack([scenes[f"shapes-on-{name}"][:140, :150] for name in ("sand", "brick")])
    planes = np.moveaxis(rgb, -1, 0).astype(np.uint16) * 40
    window = {"start": 0, "end": 10_000}
    first = {"label": "actin", "window": window, "color": "FF0000"}
    omero = {"channels": [first, {"window": window}, {"color": "0010FF"}]}
    write_zarr(folder / "a.ome.zarr", planes, "czyx", n_levels=2, scale=(1, 2, 0.5, 0.5), units=UNITS, omero=omero)
    (folder / "b.zarr").mkdir()
    tifffile.imwrite(folder / "c.tif", planes.swapaxes(0, 1), imagej=True, metadata={"axes": "ZCYX"})
    return folder


def images_of(panel: FolderPanel) -> list[Image]:
    return [layer for layer in panel.viewer.layers if isinstance(layer, Image)]


def saved(folder: Path, key: str) -> Document:
    project = Project.open(folder)
    document, _ = project.load(project.image(key))
    assert document is not None
    return document


def seen_of(document: Document) -> tuple[dict[str, Any], list[Any], Any]:
    """Return what was seen of the image, in which frames, and where the labels are."""
    (layer,) = document.layers
    (run,) = layer.provenance["runs"]
    assert run["is_whole"]
    image = {name: value for name, value in run["image"].items() if name != "path"}
    transform = layer.transform
    return image, run["frames"], (transform.scale, transform.translate, transform.units, transform.axis_labels)


def test_a_run_in_the_background_finds_what_the_dock_finds_in_all_slices(
    qtbot: QtBot, panel: FolderPanel, dock: tuple[Viewer, CarWidget], cells: Path, tmp_path: Path
) -> None:
    viewer, car = dock
    before = {path: path.read_bytes() for path in cells.rglob("*") if path.is_file()}
    assert panel.open_folder(cells, tmp_path / "by hand"), panel.text
    for key in ("a.ome.zarr", "c.tif"):
        panel.go_to(key)
        car.image_controls.choose_slices("all")
        run_and_wait(qtbot, car)
        assert len(result_layers(viewer)) == 1
    assert panel.open_folder(cells, tmp_path / "alone"), panel.text
    panel.segment("all")
    qtbot.waitUntil(lambda: not panel.run.is_running, timeout=120_000)
    assert panel.text.removeprefix("⚠ ").startswith("3 images done. Not segmented: b.zarr: ")
    assert panel.run.n_done == 3
    for key in ("a.ome.zarr", "c.tif"):
        ours, theirs = saved(tmp_path / "by hand", key), saved(tmp_path / "alone", key)
        assert theirs.layers[0].shape == (2, 140, 150)
        assert np.any(theirs.layers[0].labels)
        np.testing.assert_array_equal(ours.layers[0].labels, theirs.layers[0].labels)
        features = theirs.layers[0].features
        assert {name: ours.layers[0].features[name] for name in features} == features
        assert seen_of(ours)[:2] == seen_of(theirs)[:2]
        assert ours.layers[0].name == theirs.layers[0].name
        if key == "a.ome.zarr":
            assert seen_of(ours) == seen_of(theirs)
    assert {path: path.read_bytes() for path in cells.rglob("*") if path.is_file()} == before


def test_channels_are_layers_and_large_images_are_read_as_they_are_shown(
    qtbot: QtBot, panel: FolderPanel, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_layers, "MAX_READ_BYTES", 0)
    assert panel.open_folder(cells), panel.text
    actin, *others = images_of(panel)
    assert [layer.name for layer in (actin, *others)] == ["a.ome: actin", "a.ome: channel 1", "a.ome: channel 2"]
    assert tuple(actin.contrast_limits) == (0, 10_000)
    assert [layer.colormap.name for layer in (actin, *others)] == ["red", "green", "#0010ff"]
    assert str(actin.blending) == "additive"
    assert tuple(actin.scale) == (2, 0.5, 0.5)
    assert [str(unit) for unit in actin.units] == ["micrometer"] * 3
    assert [level.shape for level in actin.data] == [(2, 140, 150), (2, 70, 75)]
    assert isinstance(actin.data[0], dask.array.Array)
    (labels,) = result_layers(panel.viewer)
    assert labels.data.shape == (2, 140, 150)
    assert tuple(labels.scale) == (2, 0.5, 0.5)
    labels.data_setitem((np.array([1]), np.array([3]), np.array([4])), 2)
    panel.step(2)  # past what is broken
    assert [layer.name for layer in images_of(panel)] == [f"c: channel {number}" for number in range(3)]
    panel.step(-2)
    assert result_layers(panel.viewer)[0].data[1, 3, 4] == 2
    qtbot.waitUntil(lambda: not panel.is_looking, timeout=20_000)


def test_what_is_broken_is_told_and_the_rest_has_pictures(qtbot: QtBot, panel: FolderPanel, cells: Path) -> None:
    pictures: dict[str, Any] = {}
    panel.list.set_picture = pictures.__setitem__  # type: ignore[method-assign]
    assert panel.open_folder(cells), panel.text
    assert panel.list.keys == ["a.ome.zarr", "b.zarr", "c.tif"]
    qtbot.waitUntil(lambda: not panel.is_looking, timeout=20_000)
    assert {key: picture.shape for key, picture in pictures.items()} == dict.fromkeys(
        ("a.ome.zarr", "c.tif"), (90, 96, 3)
    )
    assert all(picture.std() > 5 for picture in pictures.values())
    before = pictures["a.ome.zarr"].copy()
    rows, columns = np.mgrid[20:60, 20:60]
    (labels,) = result_layers(panel.viewer)
    labels.data_setitem((np.full(rows.size, 1), rows.ravel(), columns.ravel()), 1)  # the plane in the middle
    panel.desk.save()
    qtbot.waitUntil(lambda: not panel.is_looking and np.any(pictures["a.ome.zarr"] != before), timeout=20_000)
    panel.step(1)
    assert "b.zarr cannot be read as an OME-Zarr image" in panel.text
    assert panel.desk.image is not None
    assert panel.desk.image.key == "a.ome.zarr"  # it stays
    panel.go_to("c.tif")
    assert panel.desk.image.key == "c.tif"
