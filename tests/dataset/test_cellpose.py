"""Cellpose's folders as they are written, read back, and read by Cellpose's rules."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile
from cellpose_rules import training_pairs
from dataset_cases import (
    CELL,
    LEAF,
    ONTOLOGY,
    STEM,
    contents,
    crowd,
    label_maps,
    labelled,
    parts_of,
    picture_file,
    same_objects,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.dataset.cellpose import Cellpose
from napari_car.dataset.export import export
from napari_car.errors import DocumentError, OutputError

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)
FOLDERS = {CELL: "cell", LEAF: "leaf_a_vertical_line_b_c", STEM: "stem"}


def test_files_and_numbers(tmp_path: Path) -> None:
    images = {
        "a": labelled(tmp_path, "a", MIXED),
        "a_img": labelled(tmp_path, "a_img", np.array([[FIRST_ID + 1, 0]])),
        "n": labelled(tmp_path, "n", np.zeros((2, 2)), split="val", absent=frozenset({CELL})),
        "o": labelled(tmp_path, "o", np.zeros((3, 1)), split="test"),
    }
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, Cellpose(), folder)
    assert report.is_lossless
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert {name for name in contents(folder) if "masks" in name} == {
        "train/cell/a_masks.tif",
        "train/cell/a_img_masks.tif",
        "train/leaf_a_vertical_line_b_c/a_masks.tif",
        "train/stem/a_masks.tif",
        "val/cell/n_masks.tif",
    }
    pairs = training_pairs(folder / "train/cell")
    assert list(pairs) == ["a_img", "a"] or list(pairs) == ["a", "a_img"]
    for name, (image, _) in pairs.items():
        assert image.read_bytes() == images[name].image.read_bytes()
    masks = tifffile.imread(pairs["a"][1])
    assert masks.dtype == np.uint16
    assert masks.tolist() == [[3, 0, 1, 1], [0, 0, 0, 2]]


@settings(max_examples=60, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_parts_of_what_was_not_told_apart_become_objects_and_nothing_is_lost(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        report = export(images, ONTOLOGY, Cellpose(), base / "out")
        assert report.is_lossless
        for key, image in images.items():
            for id_, folder in FOLDERS.items():
                path = base / "out/train" / folder / f"{key}_masks.tif"
                assert path.exists() == (image.semantic == id_).any()
                if path.exists():
                    _, masks = training_pairs(path.parent)[key]
                    numbers = tifffile.imread(masks)
                    assert set(np.unique(numbers)) | {0} == set(range(int(numbers.max()) + 1))
                    expected = np.where((image.semantic == id_) & (image.labels != id_), image.labels, 0)
                    for number, part in enumerate(parts_of(image.labels == id_), start=10**8):
                        expected[tuple(np.array(sorted(part)).T)] = number
                    assert same_objects(numbers, expected)


def test_very_many_objects(tmp_path: Path) -> None:
    labels, table = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=table)}
    assert export(images, ONTOLOGY, Cellpose(), tmp_path / "out").is_lossless
    masks = tifffile.imread(tmp_path / "out/train/cell/a_masks.tif")
    assert (masks.dtype, int(masks.max())) == (np.int32, 70_000)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED)}
    for name in "12":
        export(images, ONTOLOGY, Cellpose(), tmp_path / name)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_images_that_cellpose_does_not_look_for(tmp_path: Path) -> None:
    image = labelled(tmp_path, "a", MIXED)
    object.__setattr__(image, "image", picture_file(tmp_path, "a", (2, 4), ".bmp"))
    with pytest.raises(OutputError, match=r"Cellpose does not read a\.bmp: turn it into PNG or TIFF"):
        export({"a": image}, ONTOLOGY, Cellpose(), tmp_path / "out")


class TestOtherPrograms:
    """Folders of Cellpose's users."""

    def test_without_tables_and_filters(self, tmp_path: Path) -> None:
        here = tmp_path / "train/Cell"
        here.mkdir(parents=True)
        tifffile.imwrite(here / "x_masks.tif", np.array([[0, 5, 2]], np.uint16))
        image = picture_file(here, "x", (1, 3))
        (found,) = Cellpose().read(tmp_path, ONTOLOGY)
        assert found.classes.tolist() == [[0, CELL, CELL]]
        assert found.objects is not None
        assert same_objects(found.objects, np.array([[0, 5, 2]]))
        assert found.image == image
        assert [entry.text for entry in Cellpose().read_ontology(tmp_path).entries] == ["Cell"]

    def test_no_data_set(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="has no folders of classes"):
            Cellpose().read_ontology(tmp_path)
