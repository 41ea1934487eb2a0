"""OME-Zarr images are read plane by plane, with channels, pyramid and sizes; what is none is told in a sentence."""

import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr_images import Version, write_zarr

from napari_car.errors import ImageError, MissingExtraError
from napari_car.io import read_image
from napari_car.io.ome_zarr import open_ome_zarr

NOISE = np.random.default_rng(0)
CELLS = NOISE.integers(100, 4000, (2, 3, 8, 12)).astype(np.uint16)
"""Two channels of three planes."""


@pytest.mark.parametrize("version", ["0.3", "0.4", "0.5"])
def test_planes_channels_and_sizes(tmp_path: Path, version: Version) -> None:
    units = {"z": "micrometer", "y": "micrometer", "x": "furlong"}
    path = write_zarr(tmp_path / "a.ome.zarr", CELLS, "czyx", version, scale=(1, 2, 0.5, 0.5), units=units)
    stack = open_ome_zarr(path)
    assert stack.shape() == (3, 8, 12)
    assert stack.axis_names == ("z", "y", "x")
    assert stack.scale == (2, 0.5, 0.5)
    assert stack.units == (("micrometer", "micrometer", "pixel") if version != "0.3" else ("pixel",) * 3)
    assert [stack.layer_name(channel) for channel in stack.channels] == ["a.ome: channel 0", "a.ome: channel 1"]
    for channel, pixels in zip(stack.channels, CELLS, strict=True):
        np.testing.assert_array_equal(channel.levels[0][()], pixels)
        np.testing.assert_array_equal(channel.levels[0][1, 2:5, 3], pixels[1, 2:5, 3])
        assert channel.contrast_limits == (pixels.min(), pixels.max())


def test_axes_that_are_not_named_are_those_of_old_versions_and_single_places_are_no_axes(tmp_path: Path) -> None:
    stack = open_ome_zarr(write_zarr(tmp_path / "a.zarr", CELLS[:1, :, None], "tczyx", "0.2"))
    assert stack.shape() == (8, 12)
    assert len(stack.channels) == 3
    assert stack.is_plane


def test_three_channels_of_8_bits_are_the_colours(tmp_path: Path) -> None:
    rgb = NOISE.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    path = write_zarr(tmp_path / "a.zarr", np.moveaxis(rgb, -1, 0), "cyx")
    found = read_image(path)
    np.testing.assert_array_equal(found.rgb, rgb)
    assert (found.original_dtype, found.original_mode, found.original_shape) == ("uint8", "3 CHANNELS", (9, 7))


def test_the_metadata_say_how_channels_are_shown(tmp_path: Path) -> None:
    channels = [
        {"label": "DAPI", "color": "0000FF", "window": {"start": 100, "end": 200, "min": 0, "max": 65535}},
        {"color": "nonsense", "window": {"start": 5, "end": 5}, "active": False},
    ]
    stack = open_ome_zarr(write_zarr(tmp_path / "a.zarr", CELLS, "czyx", omero={"channels": channels}))
    first, second = stack.channels
    assert (first.name, first.colour, first.contrast_limits, first.is_visible) == (
        "DAPI",
        (0, 0, 255),
        (100, 200),
        True,
    )
    assert (second.name, second.colour_name, second.is_visible) == ("channel 1", "green", False)
    assert second.contrast_limits == (CELLS[1].min(), CELLS[1].max())
    blue = np.clip((CELLS[0, 1].astype(float) - 100) / 100, 0, 1) * 255
    rgb, _ = stack.read_plane((1,))
    assert np.abs(rgb[..., 2] - blue).max() < 1
    assert not rgb[..., :2].any()
    assert [about["name"] for about in stack.describe_channels()] == ["a: DAPI"]


@pytest.mark.parametrize("omero", [[], {"channels": [{}]}, {"channels": ["a", "b"]}, {"channels": 3}])
def test_metadata_that_cannot_be_understood_are_as_if_not_there(tmp_path: Path, omero: Any) -> None:
    stack = open_ome_zarr(write_zarr(tmp_path / "a.zarr", CELLS, "czyx", omero=omero))
    assert [channel.colour_name for channel in stack.channels] == ["magenta", "green"]


def test_channels_that_are_all_hidden_are_all_shown(tmp_path: Path) -> None:
    omero = {"channels": [{"active": False}] * 2}
    assert len(open_ome_zarr(write_zarr(tmp_path / "a.zarr", CELLS, "czyx", omero=omero)).shown) == 2


def test_of_a_pyramid_a_level_is_read_that_is_small_enough(tmp_path: Path) -> None:
    pixels = NOISE.integers(0, 256, (40, 60), dtype=np.uint8)
    path = write_zarr(tmp_path / "a.zarr", pixels, "yx", n_levels=3)
    found = read_image(path, max_pixels=700)
    np.testing.assert_array_equal(found.rgb[..., 0], pixels[::2, ::2])
    assert "level 1 of the pyramid, 30 x 20 px" in found.notes
    with pytest.raises(ImageError, match=r"a\.zarr: the image has 15 x 10 pixels, more than"):
        read_image(path, max_pixels=100)


def test_a_plane_of_a_stack_is_read_when_it_is_named(tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", CELLS, "tzyx")
    with pytest.raises(ImageError, match="a stack of 6 planes"):
        read_image(path)
    with pytest.raises(ImageError, match="planes 0 to 5, but no plane 6"):
        read_image(path, page=6)
    expected = np.rint((CELLS[1, 1].astype(float) - 100) / 3900 * 255)
    assert np.abs(read_image(path, page=4, display_range=(100, 4000)).rgb[..., 1] - expected).max() <= 1


def test_the_first_of_several_images_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    zarr.create_group(path, zarr_format=2).attrs["bioformats2raw.layout"] = 3
    write_zarr(path / "0", CELLS, "czyx", "0.4")
    assert open_ome_zarr(path).notes == ()
    write_zarr(path / "1", CELLS[:1], "czyx", "0.4")
    stack = open_ome_zarr(path)
    assert len(stack.channels) == 2
    assert stack.notes == ("first of several images",)


def change(path: Path, edit: Callable[[Any], None]) -> None:
    """Edit the metadata of a zarr."""
    about = json.loads((path / "zarr.json").read_text())
    edit(about["attributes"]["ome"])
    (path / "zarr.json").write_text(json.dumps(about))


WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "plate": (lambda ome: (ome.pop("multiscales"), ome.update(plate={})), "a plate of many wells, not an image"),
    "well": (lambda ome: (ome.pop("multiscales"), ome.update(well={})), "a well of several fields"),
    "list": (lambda ome: (ome.pop("multiscales"), ome.update(labels=["a"])), "a list of labels"),
    "labels": (lambda ome: ome.update({"image-label": {}}), "it holds labels, not an image"),
    "nothing": (lambda ome: ome.clear(), "no OME-Zarr image"),
    "empty": (lambda ome: ome.update(multiscales=[]), "its metadata name no pixels"),
    "text": (lambda ome: ome.update(multiscales="abc"), "cannot be read as an OME-Zarr image"),
    "no level": (lambda ome: ome["multiscales"][0].update(datasets=[{"path": "7"}]), "its level 7 is missing"),
    "no path": (lambda ome: ome["multiscales"][0].update(datasets=[{}]), "lack 'path'"),
    "elsewhere": (lambda ome: ome["multiscales"][0].update(datasets=[{"path": "../b.zarr/0"}]), "invalid"),
    "axes": (lambda ome: ome["multiscales"][0].update(axes=["y", "y"]), "not those of an image"),
    "no rows": (lambda ome: ome["multiscales"][0].update(axes=["c", "x"]), "no rows and columns"),
    "more axes": (lambda ome: ome["multiscales"][0].update(axes=["y", "x"]), "no array with pixels along 2 axes"),
    "scale": (
        lambda ome: ome["multiscales"][0].update(coordinateTransformations=[{"scale": [0, 1, 1, 1]}]),
        "which cannot be",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_image_is_said(tmp_path: Path, what: str) -> None:
    edit, reason = WRONG[what]
    path = write_zarr(tmp_path / "a.zarr", CELLS, "czyx")
    change(path, edit)
    with pytest.raises(ImageError, match=rf"a\.zarr.*{reason}"):
        open_ome_zarr(path)


def test_damaged_files_are_said(tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", CELLS[0, 0].astype(np.complex64), "yx")
    with pytest.raises(ImageError, match="of type complex64"):
        open_ome_zarr(path)
    (path / "zarr.json").write_text("{")
    with pytest.raises(ImageError, match="no zarr group, or damaged"):
        open_ome_zarr(path)
    shutil.rmtree(path)
    path.mkdir()
    with pytest.raises(ImageError, match="no zarr group, or damaged"):
        read_image(path)
    path = write_zarr(tmp_path / "b.zarr", CELLS[0], "zyx", omero={"channels": [{"window": {"start": 0, "end": 9}}]})
    (path / "0" / "c" / "1" / "0" / "0").write_bytes(b"damaged")
    stack = open_ome_zarr(path)
    assert stack.read_plane((0,))[0].shape == (8, 12, 3)
    with pytest.raises(ImageError, match=r"The pixels of .*b\.zarr cannot be read"):
        stack.read_plane((1,))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("place", ["filters", "compressor"])
def test_nothing_that_a_file_says_is_run(tmp_path: Path, place: str) -> None:
    path = write_zarr(tmp_path / "a.zarr", CELLS[0, 0], "yx", "0.4")
    about = json.loads((path / "0" / ".zarray").read_text())
    codec = {"id": "pickle", "protocol": 4}
    about |= {"chunks": [8, 12], "filters": None, "compressor": None}
    about[place] = [codec] if place == "filters" else codec
    (path / "0" / ".zarray").write_text(json.dumps(about))
    (path / "0" / "0").mkdir(exist_ok=True)
    for name in ("0.0", "0/0"):
        (path / "0" / name).write_bytes(pickle.dumps(Trap(tmp_path / "run")))
    with pytest.raises(ImageError):
        read_image(path)
    assert not (tmp_path / "run").exists()


def test_codecs_that_are_not_known_are_refused(tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "a.zarr", CELLS[0, 0], "yx", "0.4")
    about = json.loads((path / "0" / ".zarray").read_text())
    about |= {"filters": [{"id": "base64"}]}
    (path / "0" / ".zarray").write_text(json.dumps(about))
    with pytest.raises(ImageError, match="coded by base64, which is not used for images"):
        open_ome_zarr(path)


def test_without_the_library_the_command_that_brings_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zarr(tmp_path / "a.zarr", CELLS, "czyx")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r'pip install "napari-car\[export\]"') as caught:
        read_image(path)
    assert isinstance(caught.value, ImageError)  # other images can be read
