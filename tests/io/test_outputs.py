"""Results are written whole or not at all, and read back as they were."""

import dataclasses
import enum
import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from napari_car.errors import OutputError
from napari_car.io import images, outputs
from napari_car.io.colours import query_colours


def names_in(folder):
    return [path.name for path in folder.iterdir()]


class TestWriteBytes:
    def test_replaces_and_makes_folders(self, tmp_path):
        path = tmp_path / "new" / "folder" / "a.bin"
        outputs.write_bytes(path, b"old")
        outputs.write_bytes(str(path), b"new")
        assert path.read_bytes() == b"new"
        assert names_in(path.parent) == ["a.bin"]

    def test_permissions_are_those_of_an_ordinary_file(self, tmp_path):
        outputs.write_bytes(tmp_path / "a", b"")
        (tmp_path / "b").touch()
        assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            (errno.ENOSPC, "the disk is full: free some space"),
            (errno.EDQUOT, "your share of the disk is used up"),
            (errno.EROFS, "the file system is read-only"),
            (errno.EACCES, "permission is denied: choose a folder"),
            (errno.EIO, "cannot be written: Input/output error."),
        ],
    )
    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch, code, text):
        path = tmp_path / "a.bin"
        outputs.write_bytes(path, b"old")

        def fail(descriptor):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OutputError, match=text) as caught:
            outputs.write_bytes(path, b"new")
        assert str(caught.value).startswith(f"{path} cannot be written: ")
        assert path.read_bytes() == b"old"
        assert names_in(tmp_path) == ["a.bin"]

    def test_ctrl_c_leaves_no_half_file(self, tmp_path, monkeypatch):
        def interrupt(descriptor):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            outputs.write_bytes(tmp_path / "a.bin", b"new")
        assert names_in(tmp_path) == []

    def test_a_folder_stands_there(self, tmp_path):
        with pytest.raises(OutputError, match="there is a folder of this name"):
            outputs.write_bytes(tmp_path, b"")

    def test_a_file_stands_where_a_folder_is_needed(self, tmp_path):
        (tmp_path / "file").touch()
        for path in (tmp_path / "file" / "a.bin", tmp_path / "file" / "b" / "a.bin"):
            with pytest.raises(OutputError, match="a part of this path is a file, not a folder"):
                outputs.write_bytes(path, b"")

    def test_name_too_long(self, tmp_path):
        with pytest.raises(OutputError, match="the name is too long"):
            outputs.write_bytes(tmp_path / ("x" * 300), b"")
        assert names_in(tmp_path) == []

    def test_a_name_that_is_just_not_too_long(self, tmp_path):
        outputs.write_bytes(tmp_path / ("x" * 255), b"")

    def test_zero_byte_in_the_name(self, tmp_path):
        with pytest.raises(OutputError, match="cannot be written"):
            outputs.write_bytes(tmp_path / "a\0b", b"")

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
    def test_read_only_folder(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(OutputError, match="permission is denied"):
            outputs.write_bytes(tmp_path / "a.bin", b"")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 64 kB, which needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command")
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk):
    noise = np.random.default_rng(0).integers(0, 60_000, (300, 300), dtype=np.int32)
    outputs.write_label_map(small_disk / "a.tif", noise[:50, :50])
    for name in ("a.tif", "b.png"):
        with pytest.raises(OutputError, match="the disk is full"):
            outputs.write_label_map(small_disk / name, noise)
    assert names_in(small_disk) == ["a.tif"]
    np.testing.assert_array_equal(tifffile.imread(small_disk / "a.tif"), noise[:50, :50])


def test_a_disk_that_is_really_read_only(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match="the file system is read-only: choose another folder"):
        outputs.write_bytes(small_disk / "new" / "a.bin", b"")


class TestLabelMap:
    @settings(deadline=None)
    @given(
        labels=hnp.arrays(
            np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 70_000)
        ),
        suffix=st.sampled_from([".tif", ".tiff", ".TIF"]),
    )
    def test_tiff_round_trip(self, tmp_path_factory, labels, suffix):
        path = tmp_path_factory.mktemp("labels") / f"a{suffix}"
        outputs.write_label_map(path, labels)
        read = tifffile.imread(path)
        np.testing.assert_array_equal(read.reshape(labels.shape), labels)
        assert read.dtype == (np.uint16 if labels.max() <= 65535 else np.int32)

    @settings(deadline=None)
    @given(
        labels=hnp.arrays(np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 400))
    )
    def test_png_round_trip(self, tmp_path_factory, labels):
        path = tmp_path_factory.mktemp("labels") / "a.png"
        outputs.write_label_map(path, labels)
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), labels)
            assert image.mode == ("P" if labels.max() <= 255 else "I;16")

    def test_a_palette_png_shows_the_colours_of_the_queries(self, tmp_path):
        outputs.write_label_map(tmp_path / "a.png", np.int32([[0, 1, 2]]))
        assert images.read_image(tmp_path / "a.png").rgb.tolist() == [[[0, 0, 0], *map(list, query_colours(2))]]
        outputs.write_label_map(tmp_path / "a.png", np.int32([[0, 1]]), colours=[(9, 8, 7)])
        assert images.read_image(tmp_path / "a.png").rgb.tolist() == [[[0, 0, 0], [9, 8, 7]]]

    def test_large_label_maps_are_small_files(self, tmp_path):
        outputs.write_label_map(tmp_path / "a.tif", np.zeros((2000, 2000), np.int32))
        assert (tmp_path / "a.tif").stat().st_size < 60_000

    @pytest.mark.parametrize(
        ("name", "labels", "text"),
        [
            ("a.png", [[0, 65536]], "ids from 0 to 65535.*write a TIFF instead"),
            ("a.tif", [[-1, 2]], "ids from -1 to 2"),
            ("a.png", [[-1, 2]], r"ids from -1 to 2\.$"),
            ("a.jpg", [[0, 1]], r"ends in \.tif, \.tiff or \.png"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, tmp_path, name, labels, text):
        with pytest.raises(OutputError, match=text):
            outputs.write_label_map(tmp_path / name, np.array(labels))
        assert names_in(tmp_path) == []


def test_mask(tmp_path):
    mask = np.array([[True, False], [False, True]])
    outputs.write_mask(tmp_path / "a.png", mask)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), mask * 255)


def test_picture(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    outputs.write_picture(tmp_path / "a.png", rgb)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png").rgb, rgb)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    row: int
    name: str


class TestJson:
    def test_values(self, tmp_path):
        record = {
            "z": np.float32(0.5),
            "a": np.int64(3),
            "tuple": (1, np.bool_(True), None),
            "array": np.arange(4).reshape(2, 2),
            "nan": float("nan"),
            "infinity": [np.float64("inf"), -1.5],
            "path": Path("a") / "b",
            "enum": Colour.RED,
            "dataclass": Point(4, "x"),
            "set": {"b", "a"},
            7: "number as key",
        }
        outputs.write_json(tmp_path / "a.json", record)
        assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {
            "z": 0.5,
            "a": 3,
            "tuple": [1, True, None],
            "array": [[0, 1], [2, 3]],
            "nan": None,
            "infinity": [None, -1.5],
            "path": str(Path("a") / "b"),
            "enum": "red",
            "dataclass": {"row": 4, "name": "x"},
            "set": ["a", "b"],
            "7": "number as key",
        }

    def test_text_is_sorted_readable_utf8(self, tmp_path):
        outputs.write_json(tmp_path / "a.json", {"ü": "猫 🐱", "a": 1})
        assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "a": 1,\n  "ü": "猫 🐱"\n}\n'

    def test_file_names_of_a_foreign_encoding(self, tmp_path):
        outputs.write_json(tmp_path / "a.json", {"path": "caf\udce9.png"})
        assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"path": "caf\udce9.png"}

    @pytest.mark.parametrize("value", [object(), b"bytes", 1j, Point])
    def test_what_json_does_not_have(self, tmp_path, value):
        with pytest.raises(OutputError, match="has no JSON form"):
            outputs.write_json(tmp_path / "a.json", {"a": [value]})
        assert names_in(tmp_path) == []
