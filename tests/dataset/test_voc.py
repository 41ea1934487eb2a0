"""Pascal VOC as it is written and read back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from dataset_cases import (
    CELL,
    INSTANCES,
    LABELS,
    LEAF,
    ONTOLOGY,
    STEM,
    contents,
    crowd,
    label_maps,
    labelled,
    same_objects,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.dataset.export import export
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.dataset.voc import MAX_INDEX, PascalVoc, voc_palette
from napari_car.errors import DocumentError, OutputError

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)


@pytest.fixture
def images(tmp_path: Path) -> dict[str, LabelledImage]:
    names = {"a": MIXED, "b c.d": np.zeros((1, 1), np.int32), "e": MIXED[:, :1]}
    splits = ("train", "val", "train")
    return {
        name: labelled(tmp_path, name, labels, split=split)
        for (name, labels), split in zip(names.items(), splits, strict=True)
    }


def test_files_and_indices(images: dict[str, LabelledImage], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, PascalVoc(), folder)
    assert report.is_lossless
    assert (report.n_images, report.n_objects) == (3, 7)
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert set(contents(folder)) == {
        *(f"JPEGImages/{name}.png" for name in images),
        *(f"SegmentationClass/{name}.png" for name in images),
        *(f"SegmentationObject/{name}.png" for name in images),
        *(f"ImageSets/Segmentation/{split}.txt" for split in ("train", "val", "test")),
        "labelmap.txt",
        "classes.txt",
    }
    assert (folder / "JPEGImages/a.png").read_bytes() == images["a"].image.read_bytes()
    assert (folder / "ImageSets/Segmentation/train.txt").read_text() == "a\ne\n"
    assert (folder / "ImageSets/Segmentation/val.txt").read_text() == "b c.d\n"
    assert (folder / "ImageSets/Segmentation/test.txt").read_text() == ""
    assert (folder / "classes.txt").read_text() == 'background\ncell\nLeaf: a | b, "c"\nstem\n'
    assert (folder / "labelmap.txt").read_text() == (
        '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:255,0,0::\nLeaf: a | b, "c":0,255,0::\n'
        "stem:0,0,255::\n"
    )
    with Image.open(folder / "SegmentationClass/a.png") as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), [[1, 0, 1, 1], [3, 3, 2, 1]])
        shown = np.asarray(picture.convert("RGB"))
        assert shown[0].tolist() == [[255, 0, 0], [0, 0, 0], [255, 0, 0], [255, 0, 0]]
        assert shown[1, ::2].tolist() == [[0, 0, 255], [0, 255, 0]]
    data = (folder / "SegmentationClass/a.png").read_bytes()
    assert (data[24], data[25]) == (8, 3)  # bits, palette
    with Image.open(folder / "SegmentationObject/a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), [[1, 0, 3, 3], [2, 2, 5, 4]])


def test_the_palette_of_voc(images: dict[str, LabelledImage], tmp_path: Path) -> None:
    known = {
        1: (128, 0, 0),
        2: (0, 128, 0),
        3: (128, 128, 0),
        15: (192, 128, 128),
        20: (0, 64, 128),
        255: (224, 224, 192),
    }
    assert {index: voc_palette()[index - 1] for index in known} == known
    assert len(set(voc_palette())) == 255
    assert export(images, ONTOLOGY, PascalVoc(palette="voc"), tmp_path / "out").is_lossless
    with Image.open(tmp_path / "out/SegmentationClass/a.png") as picture:
        assert np.asarray(picture.convert("RGB"))[1, 0].tolist() == [128, 128, 0]
    found = PascalVoc().read_ontology(tmp_path / "out")
    assert found.colours == {1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0)}


@settings(max_examples=60, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_nothing_is_lost(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        assert export(images, ONTOLOGY, PascalVoc(), base / "out").is_lossless
        for key, image in images.items():
            with Image.open(base / f"out/SegmentationClass/{key}.png") as picture:
                classes = np.array([0, CELL, LEAF, STEM])[np.asarray(picture)]
            with Image.open(base / f"out/SegmentationObject/{key}.png") as picture:
                assert same_objects(np.asarray(picture), image.labels)
            of_label = {label: INSTANCES.query_of(label) for label in LABELS}
            np.testing.assert_array_equal(classes, np.vectorize(of_label.get)(image.labels))


def test_the_same_input_gives_the_same_bytes(images: dict[str, LabelledImage], tmp_path: Path) -> None:
    export(images, ONTOLOGY, PascalVoc(), tmp_path / "1")
    export(images, ONTOLOGY, PascalVoc(), tmp_path / "2")
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_the_ontology_comes_back(images: dict[str, LabelledImage], tmp_path: Path) -> None:
    export(images, ONTOLOGY, PascalVoc(), tmp_path / "out")
    found = PascalVoc().read_ontology(tmp_path / "out")
    assert [(entry.id, entry.class_name, entry.colour) for entry in found.entries] == [
        (1, "cell", (255, 0, 0)),
        (2, 'Leaf: a | b, "c"', (0, 255, 0)),
        (3, "stem", (0, 0, 255)),
    ]
    (tmp_path / "out/labelmap.txt").unlink()
    assert [entry.class_name for entry in PascalVoc().read_ontology(tmp_path / "out").entries] == [
        "cell",
        'Leaf: a | b, "c"',
        "stem",
    ]


class TestLimits:
    def test_most_objects(self, tmp_path: Path) -> None:
        for n in (MAX_INDEX, MAX_INDEX + 1):
            table, ids = InstanceTable().added([CELL] * n)
            images = {"a": labelled(tmp_path, "a", np.array([ids]), instances=table)}
            if n == MAX_INDEX:
                assert export(images, ONTOLOGY, PascalVoc(), tmp_path / str(n)).is_lossless
            else:
                with pytest.raises(OutputError, match="at most 254 objects in an image, but a has 255"):
                    export(images, ONTOLOGY, PascalVoc(), tmp_path / str(n))
                assert not (tmp_path / str(n)).exists()

    def test_very_many_objects(self, tmp_path: Path) -> None:
        labels, table = crowd()
        with pytest.raises(OutputError, match="a has 70000"):
            export({"a": labelled(tmp_path, "a", labels, instances=table)}, ONTOLOGY, PascalVoc(), tmp_path / "out")

    def test_most_classes(self, tmp_path: Path) -> None:
        entries = [SheetEntry(id=id_, text=f"class {id_}", colour=(id_ % 256, 1, 2)) for id_ in range(1, MAX_INDEX + 2)]
        images = {"a": labelled(tmp_path, "a", np.array([[MAX_INDEX]]))}
        most = QuerySheet(tuple(entries[:-1]), MAX_INDEX + 1)
        assert export(images, most, PascalVoc(), tmp_path / "most").is_lossless
        with pytest.raises(OutputError, match="at most 254 classes, but there are 255"):
            export(images, QuerySheet(tuple(entries), MAX_INDEX + 2), PascalVoc(), tmp_path / "out")

    @pytest.mark.parametrize("id_", [2, 99], ids=["a distractor", "unknown"])
    def test_pixels_of_no_class(self, tmp_path: Path, id_: int) -> None:
        with pytest.raises(OutputError, match=f"a has labels of class {id_}, which is none"):
            export({"a": labelled(tmp_path, "a", np.array([[id_]]))}, ONTOLOGY, PascalVoc(), tmp_path / "out")

    def test_the_image_is_gone(self, tmp_path: Path) -> None:
        images = {"a": labelled(tmp_path, "a", MIXED)}
        images["a"].image.unlink()
        with pytest.raises(OutputError, match=r"a\.png cannot be copied"):
            export(images, ONTOLOGY, PascalVoc(), tmp_path / "out")


class TestOtherPrograms:
    """Data sets as others write them."""

    def make(self, folder: Path) -> None:
        (folder / "SegmentationClass").mkdir()
        Image.fromarray(np.array([[0, 1, 255, 2]], np.uint8)).save(folder / "SegmentationClass/x.png")
        (folder / "classes.txt").write_text("STEM\r\ncell\r\n")

    def test_without_lists_and_objects(self, tmp_path: Path) -> None:
        self.make(tmp_path)
        (found,) = PascalVoc().read(tmp_path, ONTOLOGY)
        assert found.classes.tolist() == [[0, STEM, 0, CELL]]
        assert (found.name, found.objects, found.image) == ("x", None, None)

    def test_void_objects(self, tmp_path: Path) -> None:
        self.make(tmp_path)
        (tmp_path / "SegmentationObject").mkdir()
        Image.fromarray(np.array([[0, 3, 255, 2]], np.uint8)).save(tmp_path / "SegmentationObject/x.png")
        (found,) = PascalVoc().read(tmp_path, ONTOLOGY)
        assert found.objects is not None
        assert found.objects.tolist() == [[0, 3, 0, 2]]

    @pytest.mark.parametrize(
        ("file", "text", "says"),
        [
            ("classes.txt", "stem\ntree\n", 'the class "tree", which is not in the ontology'),
            ("classes.txt", "stem\n", r"x\.png holds pixels of class 2"),
            ("classes.txt", "stem\nStem\n", "Two classes are called"),
            ("labelmap.txt", "stem:1,2::\n", "name:red,green,blue"),
            ("labelmap.txt", "stem:1,2,256::\n", "name:red,green,blue"),
            ("ImageSets/Segmentation/train.txt", "../x\n", "only files in the data set's own folder"),
            ("ImageSets/Segmentation/train.txt", "/x\n", "only files in the data set's own folder"),
            ("ImageSets/Segmentation/train.txt", "y\n", r"There is no label file .*y\.png"),
            ("SegmentationClass/x.png", "no picture", r"x\.png cannot be read as labels"),
        ],
    )
    def test_what_cannot_be_read(self, tmp_path: Path, file: str, text: str, says: str) -> None:
        self.make(tmp_path)
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
        with pytest.raises(DocumentError, match=says):
            list(PascalVoc().read(tmp_path, PascalVoc().read_ontology(tmp_path) if "Two" in says else ONTOLOGY))

    def test_colours_are_no_indices(self, tmp_path: Path) -> None:
        self.make(tmp_path)
        Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "SegmentationClass/x.png")
        with pytest.raises(DocumentError, match="one whole number per pixel"):
            list(PascalVoc().read(tmp_path, ONTOLOGY))

    def test_no_data_set(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match=r"There is no classes\.txt"):
            PascalVoc().read_ontology(tmp_path)
