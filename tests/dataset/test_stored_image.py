"""Parts of files have the very pixels, with as many bits as they are stored with."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from zarr_images import write_zarr

from napari_car.annotation.frames import Box
from napari_car.annotation.image_planes import ImagePlanes
from napari_car.dataset.stored_image import ImagePart, StoredImage, whole_part
from napari_car.errors import ImageError, OutputError
from napari_car.io.images import read_image

BOX = Box(2, 3, 7, 11)
SIZE = (9, 13)


def noise(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """The same pixels each time, over the whole range of a type."""
    values = np.random.default_rng(1).random(shape)
    if dtype == "bool":
        return values > 0.5
    return (values * (1 if dtype.startswith("float") else np.iinfo(dtype).max)).astype(dtype)


def written(path: Path, box: Box = BOX) -> Path:
    """Write a part of an image."""
    return whole_part(path, SIZE).moved_to(box).write(path.parent / "new", "part")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_of_each_kind(tmp_path: Path, mode: str) -> None:
    dtype = "uint16" if mode == "I;16" else "uint8"
    image = Image.fromarray(noise((*SIZE, 3) if mode in ("RGB", "P") else SIZE, dtype))
    image = image if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.png")
    path = written(tmp_path / "a.png")
    assert path == tmp_path / "new/part.png"
    crop = image.crop((BOX.left, BOX.top, BOX.right, BOX.bottom))
    with Image.open(path) as part:
        assert part.mode == ("RGB" if mode == "P" else mode)
        assert (np.asarray(part) == np.asarray(crop.convert("RGB") if mode == "P" else crop)).all()


def test_png_with_16_bits_of_each_colour(tmp_path: Path) -> None:
    pixels = noise((*SIZE, 3), "uint16")
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    part = imagecodecs.png_decode(written(tmp_path / "a.png").read_bytes())
    assert part.dtype == np.uint16
    assert (part == pixels[BOX.slices]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_cut_upright_and_not_compressed_again(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    stored = SIZE if orientation < 5 else SIZE[::-1]
    Image.fromarray(noise((*stored, 3), "uint8")).save(tmp_path / "a.jpg", exif=exif)
    path = written(tmp_path / "a.jpg")
    assert path.suffix == ".png"
    with Image.open(path) as part:
        assert (np.asarray(part) == read_image(tmp_path / "a.jpg").rgb[BOX.slices]).all()
        assert 274 not in part.getexif()


TIFFS = [
    ("bool", SIZE, {"photometric": "minisblack"}, "YX"),
    ("uint8", SIZE, {"photometric": "miniswhite"}, "YX"),
    ("uint16", SIZE, {"photometric": "minisblack", "compression": "lzw"}, "YX"),
    ("float32", SIZE, {"photometric": "minisblack"}, "YX"),
    ("uint8", (*SIZE, 3), {"photometric": "rgb"}, "YXS"),
    ("uint16", (3, *SIZE), {"photometric": "rgb", "planarconfig": "separate"}, "YXS"),
    ("uint8", (*SIZE, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, "YXS"),
    ("uint16", (*SIZE, 2), {"photometric": "minisblack", "planarconfig": "contig"}, "YXS"),
    ("uint8", (*SIZE, 4), {"photometric": "separated"}, "YXS"),
    ("uint16", (3, *SIZE), {"photometric": "minisblack", "metadata": {"axes": "CYX"}}, "CYX"),
    ("uint16", (1, *SIZE), {"photometric": "minisblack", "metadata": {"axes": "ZYX"}}, "YX"),
]


@pytest.mark.parametrize(("dtype", "shape", "options", "axes"), TIFFS)
def test_tiff_of_each_kind(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], options: dict[str, Any], axes: str
) -> None:
    pixels = noise(shape, dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    expected = pixels.reshape(SIZE) if axes == "YX" else pixels
    if options.get("planarconfig") == "separate":
        expected = np.moveaxis(pixels, 0, -1)
    rows, columns = BOX.slices
    expected = expected[:, rows, columns] if axes == "CYX" else expected[rows, columns]
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(written(tmp_path / "a.tif")) as after:
        series = after.series[0]
        assert (series.axes, series.dtype) == (axes, before.series[0].dtype)
        assert (series.asarray() == expected).all()
        page, old_page = after.pages[0].aspage(), before.pages[0].aspage()
        assert page.photometric == old_page.photometric
        assert page.extrasamples == old_page.extrasamples


def test_tiff_with_a_palette(tmp_path: Path) -> None:
    colours = np.arange(768, dtype=np.uint16).reshape(3, 256) * 85
    pixels = noise(SIZE, "uint8")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="palette", colormap=colours)
    part = read_image(written(tmp_path / "a.tif")).rgb
    assert (part == read_image(tmp_path / "a.tif").rgb[BOX.slices]).all()


def test_tiff_that_holds_a_jpeg(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise((*SIZE, 3), "uint8"), photometric="rgb", compression="jpeg")
    part = tifffile.imread(written(tmp_path / "a.tif"))
    assert (part == tifffile.imread(tmp_path / "a.tif")[BOX.slices]).all()


def test_tiff_that_is_stored_turned(tmp_path: Path) -> None:
    pixels = noise(SIZE[::-1], "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=[(274, 3, 1, 6, True)])
    part = tifffile.imread(written(tmp_path / "a.tif"))
    assert (part == np.rot90(pixels, -1)[BOX.slices]).all()


def test_a_part_of_a_part(tmp_path: Path) -> None:
    Image.fromarray(noise(SIZE, "uint8")).save(tmp_path / "a.png")
    part = whole_part(tmp_path / "a.png", SIZE).moved_to(BOX).moved_to(Box(1, 2, 4, 6))
    assert part.box == Box(3, 5, 6, 9)
    rgb = part.read_rgb()
    assert (rgb == read_image(tmp_path / "a.png").rgb[3:6, 5:9]).all()


STACKS = [
    ((4, *SIZE), "ZYX", (4, *SIZE), (2,)),
    ((2, 4, *SIZE), "TZYX", (2, 4, *SIZE), (1, 2)),
    ((2, 4, *SIZE), None, (2, 4, *SIZE), (1, 2)),
    ((4, 3, *SIZE), "ZCYX", (4, *SIZE), (2,)),
    ((4, 3, *SIZE), "ZCYX", (4, 3, *SIZE), (2, 1)),  # each channel has labels of its own
]


@pytest.mark.parametrize(("shape", "axes", "labels", "plane"), STACKS)
def test_planes_of_stacks(
    tmp_path: Path, shape: tuple[int, ...], axes: str | None, labels: tuple[int, ...], plane: tuple[int, ...]
) -> None:
    pixels = noise(shape, "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", metadata={"axes": axes} if axes else {})
    part = ImagePart(StoredImage(tmp_path / "a.tif"), labels, plane, BOX)
    path = part.write(tmp_path / "new", "part")
    rows, columns = BOX.slices
    expected = pixels[plane]
    assert (tifffile.imread(path) == expected[..., rows, columns]).all()
    if expected.ndim == 3:
        stack = ImagePlanes.open(tmp_path / "a.tif")
        assert stack is not None
        assert (part.read_rgb() == stack.render_whole(plane)[BOX.slices]).all()
        return
    page = int(np.ravel_multi_index(plane, labels[:-2]))
    assert (part.read_rgb() == read_image(tmp_path / "a.tif", page=page).rgb[BOX.slices]).all()


def test_a_channel_with_labels_of_its_own_is_not_shown_with_others(tmp_path: Path) -> None:
    pixels = noise((4, 2, *SIZE, 3), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", metadata={"axes": "ZCYXS"})
    part = ImagePart(StoredImage(tmp_path / "a.tif"), (4, *SIZE), (2,), BOX)
    with pytest.raises(OutputError, match="stack of channels, and each has labels of its own"):
        part.read_rgb()


def test_planes_of_an_ome_zarr_image(tmp_path: Path) -> None:
    pixels = noise((2, 4, *SIZE), "uint16")
    path = write_zarr(tmp_path / "a.zarr", pixels, "czyx")
    part = ImagePart(StoredImage(path), (4, *SIZE), (3,), BOX)
    rows, columns = BOX.slices
    with tifffile.TiffFile(part.write(tmp_path / "new", "part")) as written_part:
        assert written_part.series[0].axes == "CYX"
        assert (written_part.asarray() == pixels[:, 3, rows, columns]).all()
    assert (part.read_rgb() == read_image(path, page=3).rgb[BOX.slices]).all()
    with pytest.raises(ImageError, match=r"a\.zarr: the image has 4 x 2 x 9 x 13 px, but its labels 5 x 9"):
        ImagePart(StoredImage(path), (5, *SIZE), (3,), BOX).write(tmp_path / "new", "other")


def test_an_ome_zarr_image_of_one_plane(tmp_path: Path) -> None:
    pixels = noise(SIZE, "uint16")
    path = write_zarr(tmp_path / "a.zarr", pixels, "yx", "0.4")
    assert written(path).name == "part.png"
    part = imagecodecs.png_decode((tmp_path / "new" / "part.png").read_bytes())
    assert (part == pixels[BOX.slices]).all()
    assert (whole_part(path, SIZE).read_rgb() == read_image(path).rgb).all()


def test_planes_in_colour(tmp_path: Path) -> None:
    pixels = noise((4, *SIZE, 3), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    part = ImagePart(StoredImage(tmp_path / "a.tif"), (4, *SIZE), (3,), BOX)
    assert (tifffile.imread(part.write(tmp_path / "new", "part")) == pixels[3][BOX.slices]).all()
    assert (part.read_rgb() == pixels[3][BOX.slices]).all()


@pytest.mark.parametrize("labels", [(5, *SIZE), SIZE, (4, 9, 12)])
def test_labels_of_another_shape(tmp_path: Path, labels: tuple[int, ...]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise((4, *SIZE), "uint8"), photometric="minisblack")
    part = ImagePart(StoredImage(tmp_path / "a.tif"), labels, (0,) * (len(labels) - 2), BOX)
    with pytest.raises(ImageError, match=r"a\.tif: the image has 4 x 9 x 13 px, but its labels .* px: label it anew"):
        part.write(tmp_path / "new", "part")


def test_what_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match=r"a\.png cannot be read as an image: No such file"):
        written(tmp_path / "a.png")
    for name, content in (("a.png", b"no image"), ("a.tif", b"II*\x00")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=name):
            written(tmp_path / name)
    tifffile.imwrite(tmp_path / "a.tif", noise((4, *SIZE), "uint8"), photometric="minisblack")
    monkeypatch.setattr("napari_car.dataset.stored_image.MAX_PIXELS", 4 * 9 * 13 - 1)
    with pytest.raises(ImageError, match=r"a\.tif: the image has 13 x 36 pixels"):
        written(tmp_path / "a.tif")
