"""Binary masks as they are written and read back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from dataset_cases import CELL, CLASS_IDS, LEAF, ONTOLOGY, STEM, contents, crowd, label_maps, labelled
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.dataset.binary_png import BinaryPng
from napari_car.dataset.class_folders import Negatives
from napari_car.dataset.export import export
from napari_car.errors import DocumentError

FOLDERS = {CELL: "cell", LEAF: "leaf_a_vertical_line_b_c", STEM: "stem"}
MIXED = np.array([[CELL, 0, FIRST_ID], [CELL, LEAF, LEAF]], dtype=np.int32)


@pytest.mark.parametrize(
    ("negatives", "extra"),
    [
        ("verified", ["cell/c", "leaf_a_vertical_line_b_c/c", "stem/b", "stem/c"]),
        (
            "all",
            [
                "cell/b",
                "leaf_a_vertical_line_b_c/b",
                "stem/a",
                "stem/b",
                "cell/c",
                "leaf_a_vertical_line_b_c/c",
                "stem/c",
            ],
        ),
        ("none", []),
    ],
)
def test_files(tmp_path: Path, negatives: Negatives, extra: list[str]) -> None:
    images = {
        "a": labelled(tmp_path, "a", MIXED),
        "b": labelled(tmp_path, "b", np.zeros((1, 2)), absent=frozenset({STEM})),
        "c": labelled(tmp_path, "c", np.zeros((2, 1)), is_checked=True, split="val"),
    }
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, BinaryPng(negatives=negatives), folder)
    assert report.is_lossless
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    masks = {name.removeprefix("masks/") for name in contents(folder) if name.startswith("masks/")}
    assert masks == {f"{name}.png" for name in ("cell/a", "leaf_a_vertical_line_b_c/a", *extra)}
    with Image.open(folder / "masks/cell/a.png") as picture:
        assert picture.mode == "L"
        assert np.asarray(picture).tolist() == [[255, 0, 255], [255, 0, 0]]
    assert (folder / "classes.csv").read_text().splitlines() == [
        "id,name,colour,folder",
        "1,cell,#ff0000,cell",
        '4,"Leaf: a | b, ""c""",#00ff00,leaf_a_vertical_line_b_c',
        "300,stem,#0000ff,stem",
    ]


@settings(max_examples=60, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_no_class_is_lost(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        assert export(images, ONTOLOGY, BinaryPng(), base / "out").is_lossless
        for key, image in images.items():
            for id_ in CLASS_IDS:
                path = base / "out/masks" / FOLDERS[id_] / f"{key}.png"
                assert path.exists() == (image.semantic == id_).any()
                if path.exists():
                    with Image.open(path) as picture:
                        np.testing.assert_array_equal(np.asarray(picture), 255 * (image.semantic == id_))


def test_names_that_look_the_same_as_folders(tmp_path: Path) -> None:
    names = ("cell!", "cell?", "con", "Cell")
    entries = tuple(SheetEntry(id=id_, text=name, colour=(1, 2, 3)) for id_, name in enumerate(names, start=1))
    images = {"a": labelled(tmp_path, "a", np.array([[1, 2, 3, 4]]))}
    assert export(images, QuerySheet(entries, 5), BinaryPng(), tmp_path / "out").is_lossless
    folders = [path.name for path in (tmp_path / "out/masks").iterdir()]
    assert len({folder.casefold() for folder in folders}) == 4
    assert "con" not in folders


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, table = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=table)}
    assert export(images, ONTOLOGY, BinaryPng(), tmp_path / "out").is_lossless


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED)}
    for name in "12":
        export(images, ONTOLOGY, BinaryPng(), tmp_path / name)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


class TestOtherPrograms:
    """Folders of masks as others write them."""

    def put(self, path: Path, pixels: list[list[int]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.array(pixels, np.uint8)).save(path)

    def test_folders_are_the_classes_and_the_later_one_lies_on_top(self, tmp_path: Path) -> None:
        self.put(tmp_path / "masks/Stem/x.png", [[1, 1, 0]])
        self.put(tmp_path / "masks/cell/x.png", [[0, 7, 0]])
        self.put(tmp_path / "images/x.png", [[0, 0, 0]])
        (found,) = BinaryPng().read(tmp_path, ONTOLOGY)
        assert found.classes.tolist() == [[STEM, CELL, 0]]
        assert found.image == tmp_path / "images/x.png"
        assert found.objects is None
        assert [entry.text for entry in BinaryPng().read_ontology(tmp_path).entries] == ["Stem", "cell"]

    def test_masks_of_another_size(self, tmp_path: Path) -> None:
        self.put(tmp_path / "masks/stem/x.png", [[1, 1, 0]])
        self.put(tmp_path / "masks/cell/x.png", [[0], [7]])
        with pytest.raises(DocumentError, match="1 x 3 px, but x has 2 x 1 px: all masks of an image must"):
            list(BinaryPng().read(tmp_path, ONTOLOGY))

    def test_folders_outside(self, tmp_path: Path) -> None:
        (tmp_path / "classes.csv").write_text("id,name,folder\n1,cell,../../x\n")
        with pytest.raises(DocumentError, match="data set's own folder"):
            list(BinaryPng().read(tmp_path, ONTOLOGY))

    def test_no_data_set(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="has no folders of classes"):
            BinaryPng().read_ontology(tmp_path)
