"""Files of images: copies, and sizes without pixels."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from dataset_cases import labelled
from PIL import Image

from napari_car.dataset.image_files import copy_image, read_size
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.errors import ImageError, OutputError


def test_a_copy_has_the_images_name_and_its_files_ending(tmp_path: Path) -> None:
    image = labelled(tmp_path, "a.b", np.zeros((2, 3)))
    upper = image.image.rename(tmp_path / "X.PNG")
    image = type(image)(name="a.b", image=upper, labels=image.labels)
    path = copy_image(image, tmp_path / "new" / "folder")
    assert path == tmp_path / "new/folder/a.b.PNG"
    assert path.read_bytes() == upper.read_bytes()
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_copied(tmp_path: Path) -> None:
    image = labelled(tmp_path, "a", np.zeros((2, 3)))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another folder"):
        copy_image(image, tmp_path / "file")
    image.image.unlink()
    with pytest.raises(OutputError, match=r"a\.png cannot be copied"):
        copy_image(image, tmp_path / "new")
    image.image.mkdir()
    with pytest.raises(OutputError, match=r"a\.png cannot be copied"):
        copy_image(image, tmp_path / "new")


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_photograph_that_is_stored_turned_is_written_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / "photo.tif", exif=exif)
    labels = np.zeros((4, 4), np.int32)
    path = copy_image(LabelledImage(name="a", image=tmp_path / "photo.tif", labels=labels), tmp_path / "new")
    assert path.name == ("a.tif" if orientation == 1 else "a.png")
    expected = {1: pixels, 3: pixels[::-1, ::-1], 6: np.rot90(pixels, -1)}[orientation]
    with Image.open(path) as copy:
        np.testing.assert_array_equal(np.asarray(copy), expected)
        assert copy.getexif().get(274, 1) == 1


@pytest.mark.parametrize(("orientation", "size_px"), [(1, (2, 3)), (3, (2, 3)), (6, (3, 2)), (8, (3, 2))])
def test_sizes_are_upright(tmp_path: Path, orientation: int, size_px: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.new("RGB", (3, 2)).save(tmp_path / "a.jpg", exif=exif)
    assert read_size(tmp_path / "a.jpg") == size_px
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 3), np.uint16), extratags=[(274, 3, 1, orientation, True)])
    assert read_size(tmp_path / "a.tif") == size_px


def test_deep_colour_tiff_and_large_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 5, 3), np.uint16), photometric="rgb")
    assert read_size(tmp_path / "a.tif") == (2, 5)
    monkeypatch.setattr("napari_car.dataset.image_files.MAX_PIXELS", 9)
    with pytest.raises(ImageError, match=r"a\.tif: the image has 5 x 2 pixels"):
        read_size(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"no image"])
def test_what_is_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match="cannot be read as an image"):
        read_size(tmp_path / "a.png")
