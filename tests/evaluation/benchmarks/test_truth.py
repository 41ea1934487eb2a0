"""Values of index masks, sizes, and the orientation of photographs."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_car.errors import DocumentError, ImageError
from napari_car.evaluation.benchmarks.stored_size import check_size, read_pixels
from napari_car.evaluation.benchmarks.truth import IGNORED, TruthCode
from napari_car.io.decoded import ORIENTATION_TAG

CODE = TruthCode(labels={0: 0, 3: 1, 255: IGNORED}, stored_as="a palette PNG with 0, 3 and 255")
SPARSE = TruthCode(labels={0: IGNORED, 60_000: 2}, stored_as="a TIFF", unlisted=IGNORED)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    Image.fromarray(np.arange(18, dtype=np.uint8).reshape(2, 3, 3)).save(path)
    return path


def save(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(values).save(path)
    return path


def test_values_become_labels(image: Path, tmp_path: Path) -> None:
    mask = save(tmp_path / "mask.png", np.array([[0, 3, 255], [3, 3, 0]], dtype=np.uint8))
    labels = CODE.read(mask, image, is_upright=False)
    assert labels.dtype == np.int32
    assert labels.tolist() == [[0, 1, -1], [1, 1, 0]]


def test_other_values_are_refused_or_not_scored(tmp_path: Path) -> None:
    values = np.array([[0, 3], [4, 3]], dtype=np.int32)
    with pytest.raises(DocumentError, match=r"mask\.png holds the value 4, .* it should be a palette PNG with 0, 3"):
        CODE.decode(values, Path("mask.png"))
    with pytest.raises(DocumentError, match="holds the value 256"):
        CODE.decode(np.array([[256]], dtype=np.int32), Path("mask.png"))
    high = np.array([[60_000, 59_999, 60_001, 2**31 - 1, 0]], dtype=np.int32)
    assert SPARSE.decode(high, Path("mask.tif")).tolist() == [[2, -1, -1, -1, -1]]


def test_palettes_are_not_looked_at(image: Path, tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[0, 3, 255], [3, 3, 0]], dtype=np.uint8))
    picture.putpalette([9] * 768)
    picture.save(tmp_path / "mask.png")
    assert CODE.read(tmp_path / "mask.png", image, is_upright=False).tolist() == [[0, 1, -1], [1, 1, 0]]


def test_colours_instead_of_indices_are_refused(image: Path, tmp_path: Path) -> None:
    mask = save(tmp_path / "mask.png", np.zeros((2, 3, 3), dtype=np.uint8))
    with pytest.raises(DocumentError, match=r"shape \(2, 3, 3\).*; it should be a palette PNG with 0, 3 and 255\.$"):
        CODE.read(mask, image, is_upright=False)


def test_floats_are_refused(image: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "mask.tif", np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(DocumentError, match="type float32"):
        CODE.read(tmp_path / "mask.tif", image, is_upright=False)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_masks_cut_short_are_refused(image: Path, tmp_path: Path, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    for name, compression in (("mask.png", None), ("plain.tif", None), ("zlib.tif", "zlib")):
        mask = tmp_path / name
        if mask.suffix == ".png":
            save(mask, noise)
        else:
            tifffile.imwrite(mask, noise.astype(np.uint16), compression=compression)
        content = mask.read_bytes()
        mask.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DocumentError, match=f"{name} cannot be read.*it should be"):
            CODE.read(mask, image, is_upright=False)


def test_a_mask_that_is_gone_is_named(image: Path, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"There is no label file .*mask\.png"):
        CODE.read(tmp_path / "mask.png", image, is_upright=False)


def test_sizes_must_agree(image: Path, tmp_path: Path) -> None:
    mask = save(tmp_path / "mask.png", np.zeros((3, 2), dtype=np.uint8))
    with pytest.raises(DocumentError, match=r"image\.png has 3 x 2 px, but its ground truth in .* has 2 x 3 px"):
        CODE.read(mask, image, is_upright=False)


def test_an_image_that_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no file"):
        check_size(tmp_path / "image.jpg", (2, 3), Path("mask.png"), is_upright=False)
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ImageError, match=r"image\.jpg"):
        check_size(tmp_path / "image.jpg", (2, 3), Path("mask.png"), is_upright=False)


def test_sizes_of_tiff_images(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((4, 5), dtype=np.uint16))
    check_size(tmp_path / "image.tif", (4, 5), Path("mask.tif"), is_upright=True)
    with pytest.raises(DocumentError, match="5 x 4 px"):
        check_size(tmp_path / "image.tif", (5, 4), Path("mask.tif"), is_upright=True)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_as_they_are_stored_and_as_they_are_shown(tmp_path: Path, orientation: int) -> None:
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    path = tmp_path / "image.png"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    Image.fromarray(stored).save(path, exif=exif)
    assert np.array_equal(read_pixels(path, is_upright=False), stored)
    shown = read_pixels(path, is_upright=True)
    assert np.array_equal(shown, stored) == (orientation == 1)
    check_size(path, (2, 3), Path("mask.png"), is_upright=False)
    check_size(path, shown.shape[:2], Path("mask.png"), is_upright=True)
