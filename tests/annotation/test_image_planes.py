"""Stacks on disk become frames and labels, one plane after the other."""

from pathlib import Path

import numpy as np
import pytest
from zarr_images import write_zarr

from napari_car import PRESETS, Segmenter, read_image
from napari_car.annotation.frames import Box, Frame
from napari_car.annotation.image_planes import ImagePlanes
from napari_car.annotation.label_image import Recipe, label_image
from napari_car.annotation.project import Project
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import Place
from napari_car.errors import ResourceError
from napari_car.io import stack as stack_module
from napari_car.results import drain
from napari_car.scenes import load_scenes

NOISE = np.random.default_rng(0)


def opened(path: Path) -> ImagePlanes:
    planes = ImagePlanes.open(path)
    assert planes is not None
    return planes


def test_each_plane_is_a_frame_and_channels_are_seen_together(tmp_path: Path) -> None:
    pixels = NOISE.integers(0, 256, (2, 3, 3, 8, 9), dtype=np.uint8)
    planes = opened(write_zarr(tmp_path / "a.zarr", pixels, "tczyx"))
    assert [frame.plane for frame in planes.frames] == [(t, z) for t in range(2) for z in range(3)]
    assert {frame.box for frame in planes.frames} == {Box(0, 0, 8, 9)}
    assert planes.empty_labels().shape == (2, 3, 8, 9)
    rgb, notes = planes.render(planes.frames[4], 1024)
    np.testing.assert_array_equal(rgb, np.moveaxis(pixels[1, :, 1], 0, -1))
    assert notes == ()


def test_the_level_is_read_that_the_networks_need_and_labels_are_no_larger_than_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = NOISE.integers(0, 256, (2, 64, 80), dtype=np.uint8)
    path = write_zarr(tmp_path / "a.zarr", pixels, "zyx", n_levels=3, scale=(3, 0.5, 0.5))
    planes = opened(path)
    rgb, notes = planes.render(planes.frames[1], 20)
    np.testing.assert_array_equal(rgb[..., 0], pixels[1, ::4, ::4])
    assert notes == ("a was read at level 2 of its pyramid, where the region has 20 x 16 px.",)
    part, _ = planes.render(Frame((1,), Box(8, 16, 40, 48), Box(8, 16, 40, 48)), 30)
    np.testing.assert_array_equal(part[..., 0], pixels[1, 8:40, 16:48])
    assert planes.transform.scale == (3, 0.5, 0.5)
    assert planes.transform.translate == (0, 0, 0)
    whole = stack_module.ImageStack.label_level
    monkeypatch.setattr(stack_module.ImageStack, "label_level", lambda stack: whole(stack, 64 * 80 - 1))
    planes = opened(path)
    assert planes.level == 1
    assert planes.empty_labels().shape == (2, 32, 40)
    assert planes.transform.scale == (3, 1, 1)
    assert planes.transform.translate == (0, 0.25, 0.25)  # larger pixels begin at the same edge
    _, notes = planes.render(planes.frames[0], 1024)
    assert notes == ("Labels of a are 40 x 32 px (level 1), since it is very large.",)
    assert planes.describe()["level"] == 1
    assert planes.describe()["n_levels"] == 3


def test_labels_that_no_memory_can_hold_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planes = opened(write_zarr(tmp_path / "a.zarr", np.zeros((4, 4), np.uint8), "yx"))

    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "zeros", refuse)
    with pytest.raises(ResourceError, match=r"not enough memory for labels of 4 x 4 px of .*a\.zarr"):
        planes.empty_labels()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of a stack of three equal planes, and the same as a single plane."""
    (scene,) = (read_image(scene.image).rgb for scene in load_scenes() if scene.name == "shapes-on-sand")
    folder = tmp_path / "cells"
    folder.mkdir()
    colours = np.moveaxis(scene, -1, 0)
    write_zarr(folder / "one.zarr", colours, "cyx")
    write_zarr(folder / "three.zarr", np.stack([colours] * 3), "zcyx")
    return Project.create(tmp_path / "shapes", folder, QuerySheet().added("sand")[0])


def test_planes_are_read_one_at_a_time_and_a_run_can_be_stopped_between_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, ...]] = []
    render = ImagePlanes.render

    def note(planes: ImagePlanes, frame: Frame, max_side_px: int) -> object:
        read.append(frame.plane)
        return render(planes, frame, max_side_px)

    monkeypatch.setattr(ImagePlanes, "render", note)
    recipe = Recipe(sheet=project.ontology, config=PRESETS["demo"].config, preset="demo")
    run = label_image(project.image("three.zarr"), Segmenter.from_preset("demo"), recipe)
    places = []
    while len(places) < 2:
        event = next(run)
        if isinstance(event, Place):
            places.append((event.number, event.total))
            assert read == [(number,) for number in range(len(places))]
    run.close()
    assert places == [(1, 3), (2, 3)]
    assert read == [(0,), (1,)]


def test_an_image_of_one_plane_has_labels_as_a_picture_has(project: Project) -> None:
    recipe = Recipe(sheet=project.ontology, config=PRESETS["demo"].config, preset="demo")
    document, outcome = drain(label_image(project.image("one.zarr"), Segmenter.from_preset("demo"), recipe))
    (layer,) = document.layers
    assert layer.name == "one: channel 0 labels"
    assert layer.shape == (150, 150)
    assert layer.provenance["runs"][0]["frames"][0]["plane"] == []
    assert len(outcome) == 1
    assert np.count_nonzero(layer.labels) == outcome.summaries()[0].area_px > 0
