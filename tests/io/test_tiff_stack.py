"""TIFF stacks are read page by page, whatever program wrote them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_car.errors import ImageError
from napari_car.io.contrast import choose_limits, spread
from napari_car.io.stack import ImageStack
from napari_car.io.tiff_stack import open_tiff_stack

NOISE = np.random.default_rng(0)
PIXELS = NOISE.integers(0, 4000, (4, 3, 20, 30)).astype(np.uint16)


def opened(path: Path, pixels: np.ndarray, **options: Any) -> ImageStack | None:
    tifffile.imwrite(path / "a.tif", pixels, **options)
    return open_tiff_stack(path / "a.tif")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"bigtiff": True, "byteorder": ">"}])
@pytest.mark.parametrize("axes", ["ZCYX", "CZYX", "TZYX", "QQYX"])
def test_channels_are_apart_and_all_else_are_planes(tmp_path: Path, axes: str, options: dict[str, Any]) -> None:
    stack = opened(tmp_path, PIXELS, photometric="minisblack", metadata={"axes": axes}, **options)
    assert stack is not None
    expected = np.moveaxis(PIXELS, axes.index("C"), 0) if "C" in axes else PIXELS[np.newaxis]
    assert stack.shape() == expected.shape[1:]
    for channel, pixels in zip(stack.channels, expected, strict=True):
        np.testing.assert_array_equal(channel.levels[0][()], pixels)
        index = (*[1] * (pixels.ndim - 2), slice(3, 9), slice(None, None, 2))
        np.testing.assert_array_equal(channel.levels[0][index], pixels[index])
    assert {"QQYX": ("plane", "plane 2", "y", "x")}.get(axes, stack.axis_names) == stack.axis_names


def test_imagej_and_stacks_in_one_piece(tmp_path: Path) -> None:
    stack = opened(tmp_path, PIXELS, imagej=True, metadata={"axes": "ZCYX"})
    assert stack is not None
    np.testing.assert_array_equal(stack.channels[2].levels[0][()], PIXELS[:, 2])
    path = tmp_path / "a.tif"
    one_page = opened(tmp_path, PIXELS, photometric="minisblack", truncate=True)
    assert one_page is not None
    np.testing.assert_array_equal(one_page.channels[0].levels[0][()], PIXELS)
    content = path.read_bytes()
    path.write_bytes(content[:-700])
    with pytest.raises(ImageError, match=r"a\.tif: the file has \d+ bytes, but its stack needs \d+: it is cut off"):
        open_tiff_stack(path)


def test_white_is_what_the_file_says(tmp_path: Path) -> None:
    stack = opened(tmp_path, PIXELS[:, 0], photometric="miniswhite")
    assert stack is not None
    np.testing.assert_array_equal(stack.channels[0].levels[0][()], 65535 - PIXELS[:, 0])


@pytest.mark.parametrize("layout", ["contig", "separate"])
def test_stacks_in_colour(tmp_path: Path, layout: str) -> None:
    rgb = NOISE.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    stored = rgb if layout == "contig" else np.moveaxis(rgb, -1, 1)
    stack = opened(tmp_path, stored, photometric="rgb", planarconfig=layout)
    assert stack is not None
    assert stack.is_rgb
    assert stack.shape() == (2, 20, 30)
    np.testing.assert_array_equal(stack.read_plane((1,))[0], rgb[1])


def test_two_channels_are_no_stack_of_planes_and_more_than_sixteen_are(tmp_path: Path) -> None:
    two = opened(tmp_path, PIXELS[0, :2], photometric="minisblack", metadata={"axes": "CYX"})
    assert two is not None
    assert two.is_plane
    assert [channel.colour_name for channel in two.channels] == ["magenta", "green"]
    spectrum = np.repeat(PIXELS[0, :1], 17, axis=0)
    many = opened(tmp_path, spectrum, photometric="minisblack", metadata={"axes": "CYX"})
    assert many is not None
    assert many.shape() == (17, 20, 30)


def test_pictures_are_none(tmp_path: Path) -> None:
    assert opened(tmp_path, PIXELS[0, 0]) is None
    assert opened(tmp_path, PIXELS[0], photometric="minisblack", metadata={"axes": "CYX"}) is None  # red, green, blue
    assert opened(tmp_path, NOISE.integers(0, 256, (9, 9, 3), dtype=np.uint8)) is None
    (tmp_path / "b.tif").write_bytes(b"II*\0damaged")
    assert open_tiff_stack(tmp_path / "b.tif") is None
    assert open_tiff_stack(tmp_path / "none.tif") is None


def test_stacks_that_would_look_wrong_are_refused(tmp_path: Path) -> None:
    palette = np.arange(768, dtype=np.uint16).reshape(3, 256)
    with pytest.raises(ImageError, match="colours are coded as PALETTE"):
        opened(tmp_path, PIXELS[:, 0].astype(np.uint8), photometric="palette", colormap=palette)
    with pytest.raises(ImageError, match="stored turned"):
        opened(tmp_path, PIXELS[:, 0], photometric="minisblack", extratags=[(274, 3, 1, 6, True)])
    with pytest.raises(ImageError, match="pixels with 2 values"):
        opened(tmp_path, np.moveaxis(PIXELS[:, :2], 1, -1), photometric="minisblack", planarconfig="contig")


def test_a_page_that_is_damaged_is_said_when_it_is_read(tmp_path: Path) -> None:
    stack = opened(tmp_path, PIXELS[:, 0], photometric="minisblack", compression="zlib", metadata=None)
    assert stack is not None
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        place = tiff.pages[2].dataoffsets[0]
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(place)
        file.write(b"damaged")
    stack.read_plane((1,))
    with pytest.raises(ImageError, match=r"The pixels of .*a\.tif cannot be read"):
        stack.read_plane((2,))


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.array([[True, False]]), (0, 1)),
        (np.array([[3, 9]], np.uint8), (0, 255)),
        (np.array([[0.25, 0.5]]), (0, 1)),
        (np.array([[-0.25, np.nan, 0.5, np.inf]]), (-0.25, 0.5)),
        (np.array([[np.nan]]), (0, 1)),
        (np.array([[7, 7]], np.uint16), (7, 8)),
        (np.array([[1e20, 1e20]]), (1e20, np.nextafter(1e20, np.inf))),
        (np.append(np.arange(10_000), 60_000).reshape(73, 137).astype(np.uint16), (10, 9991)),
        (np.append(np.full(10_000, 5), 9).reshape(73, 137).astype(np.uint16), (5, 9)),
    ],
)
def test_limits(values: np.ndarray, limits: tuple[float, float]) -> None:
    assert choose_limits([values], 0) == limits


def test_limits_are_those_of_planes_all_over_the_stack() -> None:
    stack = np.zeros((100, 4, 4), np.uint16)
    stack[90] = 900
    assert choose_limits([stack], 1) == (0, 900)
    assert spread(100, 5) == [10, 30, 50, 70, 90]
    assert spread(2, 5) == [0, 1]
