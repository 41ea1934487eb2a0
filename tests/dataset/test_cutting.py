"""Parts of images: together they are the image, each has its size, and names tell where it was."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_cases import CELL, INSTANCES, LABELS, LEAF, ONTOLOGY, STEM, label_maps, labelled
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_car.annotation.frames import Box
from napari_car.dataset.cutting import CutImages, Cutting, cut_image, find_classes
from napari_car.dataset.export import export
from napari_car.dataset.format import Format
from napari_car.dataset.formats import FORMATS
from napari_car.errors import ConfigError, ImageError, OutputError

SIZES = st.integers(1, 40)


@given(SIZES, SIZES, SIZES, st.integers(0, 39))
def test_tiles_cover_the_image_and_have_full_size(height: int, width: int, tile: int, overlap: int) -> None:
    overlap %= tile
    boxes = Cutting(tile_px=tile, overlap_px=overlap).find_boxes(np.zeros((height, width), np.int32))
    seen = np.zeros((height, width), int)
    for box in boxes:
        assert box.size_px == (min(tile, height), min(tile, width))
        assert seen[box.slices].shape == box.size_px
        seen[box.slices] += 1
    assert seen.min() >= 1
    assert len(set(boxes)) == len(boxes)
    tops, lefts = sorted({box.top for box in boxes}), sorted({box.left for box in boxes})
    assert len(boxes) == len(tops) * len(lefts)
    for starts in (tops, lefts):
        assert starts[0] == 0
        assert all(b - a <= tile - overlap for a, b in itertools.pairwise(starts))
        assert all(b - a == tile - overlap for a, b in itertools.pairwise(starts[:-1]))


@given(label_maps(), st.integers(0, 3))
def test_a_crop_is_the_box_of_all_labels_and_the_margin(labels: NDArray[np.int32], margin: int) -> None:
    (box,) = Cutting(margin_px=margin).find_boxes(labels)
    rows, columns = np.nonzero(labels)
    if not len(rows):
        assert box == Box(0, 0, *labels.shape)
        return
    height, width = labels.shape
    assert (box.top, box.left) == (max(rows.min() - margin, 0), max(columns.min() - margin, 0))
    assert (box.bottom, box.right) == (min(rows.max() + 1 + margin, height), min(columns.max() + 1 + margin, width))


@given(label_maps(), st.integers(0, 2), st.integers(1, 4))
def test_tiles_of_a_crop_lie_in_it_and_are_named_by_their_place(
    tmp_path_factory: pytest.TempPathFactory, labels: NDArray[np.int32], margin: int, tile: int
) -> None:
    image = labelled(tmp_path_factory.mktemp("images"), "a", labels)
    (crop,) = Cutting(margin_px=margin).find_boxes(labels)
    parts = CutImages({"a": image}, Cutting(margin_px=margin, tile_px=tile))
    again = np.full(labels.shape, -1)
    for name in parts:
        top, left = (int(field[1:]) for field in name.split("_")[1:])
        part = parts[name]
        assert (part.labels == labels[top : top + tile, left : left + tile][: part.size_px[0], : part.size_px[1]]).all()
        again[top : top + part.size_px[0], left : left + part.size_px[1]] = part.labels
    assert (again[crop.slices] == labels[crop.slices]).all()
    again[crop.slices] = 0
    assert ((again == -1) | (again == 0)).all()


def field_and_bare(folder: Path) -> dict[str, object]:
    """An image with labels in two corners, and one without."""
    labels = np.zeros((30, 50), np.int32)
    labels[4:11, 3:30] = LABELS[4]
    labels[7:13, 20:24] = LABELS[5]
    labels[20:26, 39:44] = LEAF
    labels[14:16, 3:40] = STEM
    return {
        "field": labelled(folder, "field", labels, split="val"),
        "bare": labelled(folder, "bare", np.zeros((20, 17))),
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("cutting", [Cutting(margin_px=2), Cutting(tile_px=16, overlap_px=5)], ids=["crop", "tile"])
def test_parts_are_written_and_read_back_in_each_format(tmp_path: Path, name: str, cutting: Cutting) -> None:
    images = field_and_bare(tmp_path)
    parts = CutImages(images, cutting)  # type: ignore[arg-type]
    fmt = FORMATS[name]
    report = export(parts, ONTOLOGY, fmt, tmp_path / "out")
    assert {part.size_px for part in parts.values()} == (
        {(26, 45), (20, 17)} if cutting.tile_px is None else {(16, 16)}
    )
    assert report.n_images == len(parts) == (2 if cutting.tile_px is None else 3 * 5 + 2 * 2)
    if not isinstance(fmt, Format):
        return
    assert report.is_lossless, report.losses
    for found in fmt.read(tmp_path / "out", ONTOLOGY):
        part = parts[found.name]
        assert (found.classes == part.semantic).all()
        if found.image is None or name == "ome-zarr":
            continue
        with Image.open(found.image) as written, Image.open(part.image) as whole:
            box = Box(0, 0, *part.size_px) if part.part is None else part.part.box
            assert (np.asarray(written) == np.asarray(whole)[box.slices]).all()


def test_tiles_of_an_image_are_for_the_same_part_of_the_data_set(tmp_path: Path) -> None:
    parts = CutImages(field_and_bare(tmp_path), Cutting(tile_px=16))  # type: ignore[arg-type]
    assert {part.split for name, part in parts.items() if name.startswith("field")} == {"val"}
    assert {part.split for name, part in parts.items() if name.startswith("bare")} == {"train"}


def test_tiles_without_labels_are_left_out_if_wanted(tmp_path: Path) -> None:
    images = field_and_bare(tmp_path)
    every = CutImages(images, Cutting(tile_px=10))  # type: ignore[arg-type]
    some = CutImages(images, Cutting(tile_px=10), with_empty=False)  # type: ignore[arg-type]
    assert list(some) == [name for name in every if every[name].labels.any()]
    assert some.n_empty == len(every) - len(some) > 0
    assert every.has_tiles
    assert not CutImages(images, Cutting(margin_px=1)).has_tiles  # type: ignore[arg-type]


def test_an_image_that_is_not_cut_is_copied_byte_by_byte(tmp_path: Path) -> None:
    image = labelled(tmp_path, "a", np.ones((4, 5)))
    assert CutImages({"a": image}, Cutting(margin_px=1))["a"].part is None
    part = CutImages({"a": image}, Cutting(tile_px=5))["a_y0000_x0000"]
    assert part.part is None
    report = export({part.name: part}, ONTOLOGY, FORMATS["voc"], tmp_path / "out")
    copies = [path for path in report.files if path.parent.name == "JPEGImages"]
    assert [path.read_bytes() for path in copies] == [image.image.read_bytes()]


@pytest.mark.parametrize("name", ["cellpose", "yolo", "imagefolder"])
def test_tiles_of_images_that_a_trainer_does_not_read_are_read(tmp_path: Path, name: str) -> None:
    image = labelled(tmp_path, "a", np.full((4, 5), LABELS[4]))
    pixels = Image.open(image.image).convert("L")
    pixels.save(tmp_path / "a.pgm")
    image = replace(image, image=(tmp_path / "a.pgm").rename(tmp_path / "a.unknown"))
    with pytest.raises(OutputError, match=r"a\.unknown"):
        export({"a": image}, ONTOLOGY, FORMATS[name], tmp_path / "whole")
    report = export(CutImages({"a": image}, Cutting(tile_px=4)), ONTOLOGY, FORMATS[name], tmp_path / "tiles")
    assert report.is_lossless
    tiles = [path for path in report.files if path.suffix == ".png" and path.parent.name != "masks"]
    assert len(tiles) == 2
    with Image.open(tiles[0]) as tile:
        assert (np.asarray(tile) == np.asarray(pixels)[:, :4]).all()


def test_objects_are_what_is_seen_of_them(tmp_path: Path) -> None:
    labels = np.zeros((4, 8), np.int32)
    labels[1:3, 2:7] = LABELS[4]
    parts = CutImages({"a": labelled(tmp_path, "a", labels)}, Cutting(tile_px=4))
    assert {name: part.n_objects for name, part in parts.items()} == {"a_y0000_x0000": 1, "a_y0000_x0004": 1}
    assert [one.area_px for part in parts.values() for one in part.objects()] == [4, 6]


def test_what_is_verified_to_be_absent_in_a_part(tmp_path: Path) -> None:
    labels = np.array([[CELL, CELL, 0, LEAF, LEAF, LABELS[4]]], np.int32)
    image = labelled(tmp_path, "a", labels, is_checked=True, absent=frozenset({STEM}))
    assert cut_image(image, Box(0, 0, 1, 2), "b", find_classes(image)).absent == {LEAF, STEM}
    assert cut_image(image, Box(0, 2, 1, 3), "b", find_classes(image)).absent == {CELL, LEAF, STEM}
    assert cut_image(image, Box(0, 4, 1, 6), "b", find_classes(image)).absent == {STEM}
    image = labelled(tmp_path, "a", labels, absent=frozenset({STEM}))
    assert cut_image(image, Box(0, 0, 1, 2), "b", find_classes(image)).absent == {STEM}


@pytest.mark.parametrize(
    "lengths", [{"margin_px": -1}, {"tile_px": 0}, {"tile_px": 8, "overlap_px": 8}, {"tile_px": 8, "overlap_px": -1}]
)
def test_lengths_that_cannot_be(lengths: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Cutting(**lengths)


@pytest.mark.parametrize("name", ["coco", "ome-zarr"])
def test_an_image_of_another_size_than_its_labels_is_not_cut(tmp_path: Path, name: str) -> None:
    image = labelled(tmp_path, "a", np.ones((6, 8)))
    Image.new("RGB", (8, 9)).save(image.image)
    with pytest.raises(ImageError, match=r"a\.png.* 9 x 8 px, but its labels (have )?6 x 8 px"):
        export(CutImages({"a": image}, Cutting(tile_px=3)), ONTOLOGY, FORMATS[name], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_instances_are_those_of_the_image(tmp_path: Path) -> None:
    image = labelled(tmp_path, "a", np.full((2, 2), LABELS[4]))
    assert cut_image(image, Box(0, 0, 1, 1), "b", find_classes(image)).instances is INSTANCES
