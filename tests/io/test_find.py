"""Files, folders and globs become a sorted list of images."""

import os
from pathlib import Path

import pytest

from napari_car.errors import ImageError
from napari_car.io.find import find_images


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.TIF", "c[1].jpg", "notes.txt", ".hidden.png", "._a.tif", "sub/d.jpeg", "sub/e/f.webp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_folder_gives_its_images_sorted(folder):
    assert names(find_images([folder]), folder) == ["a.TIF", "b.png", "c[1].jpg"]


def test_recursive(folder):
    found = names(find_images([folder], recursive=True), folder)
    assert found == ["a.TIF", "b.png", "c[1].jpg", "sub/d.jpeg", "sub/e/f.webp"]


def test_a_file_named_outright_is_taken_whatever_its_ending(folder):
    assert names(find_images([folder / "notes.txt", folder / ".hidden.png"]), folder) == [".hidden.png", "notes.txt"]


def test_globs(folder):
    assert names(find_images([f"{folder}/*"]), folder) == ["a.TIF", "b.png", "c[1].jpg"]
    assert names(find_images([f"{folder}/**/*.jp*g"]), folder) == ["c[1].jpg", "sub/d.jpeg"]


def test_a_name_with_brackets_is_no_glob(folder):
    assert names(find_images([folder / "c[1].jpg"]), folder) == ["c[1].jpg"]


def test_each_file_comes_once(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "link.png").symlink_to("b.png")
    assert find_images(["b.png", folder / "b.png", "sub/../b.png", "*.png", "link.png"]) == [Path("b.png")]


def test_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert names(find_images(["~/sub"]), folder) == ["sub/d.jpeg"]


def test_a_link_to_the_folder_above_does_not_loop(folder):
    (folder / "sub" / "up").symlink_to(folder)
    assert len(find_images([folder], recursive=True)) == 5


def test_the_folder_of_an_ome_zarr_image_is_one_image_and_not_looked_into(folder):
    for name in ("a.ome.zarr", "sub/B.ZARR", ".hidden.zarr"):
        (folder / name / "0").mkdir(parents=True)
        (folder / name / "0" / "thumbnail.png").touch()
    (folder / "file.zarr").touch()  # a file is no such folder
    assert names(find_images([folder]), folder) == ["a.TIF", "a.ome.zarr", "b.png", "c[1].jpg"]
    assert names(find_images([folder], recursive=True), folder)[4:] == ["sub/B.ZARR", "sub/d.jpeg", "sub/e/f.webp"]
    assert names(find_images([f"{folder}/*zarr"]), folder) == ["a.ome.zarr"]
    assert find_images([folder / "a.ome.zarr"]) == [folder / "a.ome.zarr"]


def test_no_pattern_gives_no_image():
    assert find_images([]) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("none.png", "There is no file or folder .*none.png"),
        ("*.bmp", "No image file matches"),
        ("*.txt", "No image file matches"),
        ("empty", "holds no image file"),
    ],
)
def test_a_pattern_that_leads_nowhere(folder, pattern, text):
    (folder / "empty").mkdir()
    with pytest.raises(ImageError, match=text):
        find_images([folder / "b.png", folder / pattern])


def test_a_folder_that_cannot_be_listed(folder, monkeypatch):
    def deny(path):
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr("pathlib.Path.iterdir", deny)
    with pytest.raises(ImageError, match="cannot be searched for images: Permission denied"):
        find_images([folder])
