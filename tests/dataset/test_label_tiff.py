"""Label maps as TIFF as they are written and read back."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile
from dataset_cases import CELL, LEAF, ONTOLOGY, STEM, contents, crowd, label_maps, labelled, same_objects
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.annotation.sheet_entry import MAX_ID
from napari_car.dataset.export import export
from napari_car.dataset.label_tiff import LabelTiff
from napari_car.errors import DocumentError, OutputError

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)


def test_files(tmp_path: Path) -> None:
    images = {
        "a": labelled(tmp_path, "a", MIXED),
        "b": labelled(tmp_path, "b", np.array([[CELL, STEM, 0]]), split="test"),
    }
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, LabelTiff(), folder)
    assert report.is_lossless
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert set(contents(folder)) == {
        "images/a.png",
        "images/b.png",
        "labels/a.tif",
        "labels/b.tif",
        "objects/a.tif",
        "classes.csv",
        "images.csv",
    }
    assert (folder / "classes.csv").read_text() == (
        'id,name,colour\n1,cell,#ff0000\n4,"Leaf: a | b, ""c""",#00ff00\n300,stem,#0000ff\n'
    )
    assert (folder / "images.csv").read_text() == (
        "name,file,split,height_px,width_px\na,images/a.png,train,2,4\nb,images/b.png,test,1,3\n"
    )
    found = tifffile.imread(folder / "labels/a.tif")
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, [[CELL, 0, CELL, CELL], [STEM, STEM, LEAF, CELL]])
    np.testing.assert_array_equal(tifffile.imread(folder / "objects/a.tif"), [[1, 0, 3, 3], [2, 2, 5, 4]])
    assert LabelTiff().read_ontology(folder).colours == {1: (255, 0, 0), 4: (0, 255, 0), 300: (0, 0, 255)}


@settings(max_examples=60, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_nothing_is_lost(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        assert export(images, ONTOLOGY, LabelTiff(), base / "out").is_lossless
        for key, image in images.items():
            with Image.open(base / f"out/labels/{key}.tif") as picture:
                np.testing.assert_array_equal(np.asarray(picture), image.semantic)
            if (image.labels >= FIRST_ID).any():
                with Image.open(base / f"out/objects/{key}.tif") as picture:
                    assert same_objects(np.asarray(picture), image.labels)


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, table = crowd()
    start = time.perf_counter()
    report = export({"a": labelled(tmp_path, "a", labels, instances=table)}, ONTOLOGY, LabelTiff(), tmp_path / "out")
    assert report.is_lossless
    assert report.n_objects == 70_000
    assert time.perf_counter() - start < 30
    stored = tifffile.imread(tmp_path / "out/objects/a.tif")
    assert stored.dtype == np.int32
    with Image.open(tmp_path / "out/objects/a.tif") as picture:
        np.testing.assert_array_equal(np.asarray(picture), stored)
    assert int(stored.max()) == 70_000


def test_the_highest_id(tmp_path: Path) -> None:
    ontology = QuerySheet((SheetEntry(id=MAX_ID, text="cell", colour=(1, 2, 3)),), MAX_ID + 1)
    assert export(
        {"a": labelled(tmp_path, "a", np.array([[MAX_ID]]))}, ontology, LabelTiff(), tmp_path / "out"
    ).is_lossless
    assert tifffile.imread(tmp_path / "out/labels/a.tif").dtype == np.uint16
    found = LabelTiff().read_ontology(tmp_path / "out")
    assert (found.entries[0].id, found.next_id) == (MAX_ID, MAX_ID + 1)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED)}
    for name in "12":
        export(images, ONTOLOGY, LabelTiff(), tmp_path / name)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_pixels_of_no_class(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="a has labels of class 2, which is none"):
        export({"a": labelled(tmp_path, "a", np.array([[2]]))}, ONTOLOGY, LabelTiff(), tmp_path / "out")


class TestOtherPrograms:
    """Data sets as others write them."""

    def make(self, folder: Path) -> None:
        (folder / "labels").mkdir()
        Image.fromarray(np.array([[0, 7, 70_000]], np.int32)).save(folder / "labels/x.tif")
        (folder / "classes.csv").write_text("id,name\n7, Cell\n70000,STEM\n")

    def test_numbers_are_matched_by_name(self, tmp_path: Path) -> None:
        self.make(tmp_path)
        (found,) = LabelTiff().read(tmp_path, ONTOLOGY)
        assert found.classes.tolist() == [[0, CELL, STEM]]

    def test_ids_that_cannot_be_ids(self, tmp_path: Path) -> None:
        self.make(tmp_path)
        (tmp_path / "classes.csv").write_text("id,name\n70000,c\n7,a\n7,b\n0,d\n65535,e\n")
        found = LabelTiff().read_ontology(tmp_path)
        assert {entry.class_name: entry.id for entry in found.entries} == {"a": 7, "e": 65535, "c": 1, "b": 2, "d": 3}

    @pytest.mark.parametrize(
        ("file", "text", "says"),
        [
            ("classes.csv", "id,name\n7,cell\n", r"x\.tif holds pixels of class 70000"),
            ("classes.csv", "id,name\n7,tree\n", 'the class "tree", which is not in the ontology'),
            ("classes.csv", "id,name\nx,cell\n", "'x' in the column id, which must hold whole numbers"),
            ("classes.csv", "id,name\n99999999999,cell\n", "in the column id, which must hold whole numbers"),
            ("classes.csv", "id\n7\n", "a row without a name"),
            ("classes.csv", "id,name,colour\n7,cell,red\n", "the colour 'red': write colours as #rrggbb"),
            ("classes.csv", 'id,name\n7,"cell', "cannot be read as a table"),
            ("images.csv", "name,file,split,height_px,width_px\nx,../x.png,train,1,1\n", "data set's own folder"),
            ("images.csv", "name,file,split,height_px,width_px\n../x,x.png,train,1,1\n", "data set's own folder"),
            ("images.csv", "name,file,split,height_px,width_px\ny,y.png,train,1,1\n", r"no label file .*y\.tif"),
            ("labels/x.tif", "no picture", r"x\.tif cannot be read as labels"),
        ],
    )
    def test_what_cannot_be_read(self, tmp_path: Path, file: str, text: str, says: str) -> None:
        self.make(tmp_path)
        (tmp_path / file).write_text(text)
        with pytest.raises(DocumentError, match=says):
            list(LabelTiff().read(tmp_path, ONTOLOGY))

    @pytest.mark.parametrize(
        ("pixels", "says"),
        [
            (np.array([[0.5]], np.float32), "one whole number per pixel"),
            (np.array([[-1]], np.int32), "holds labels from -1 to -1"),
            (np.zeros((2, 3, 3), np.uint8), "one whole number per pixel"),
        ],
    )
    def test_pixels_that_are_no_labels(self, tmp_path: Path, pixels: np.ndarray, says: str) -> None:
        self.make(tmp_path)
        tifffile.imwrite(tmp_path / "labels/x.tif", pixels)
        with pytest.raises(DocumentError, match=says):
            list(LabelTiff().read(tmp_path, ONTOLOGY))

    def test_no_data_set(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match=r"There is no classes\.csv"):
            LabelTiff().read_ontology(tmp_path)
