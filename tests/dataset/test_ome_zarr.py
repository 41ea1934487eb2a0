"""OME-Zarr as it is written, read back, and read by the ome-zarr library and by plain zarr."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import zarr
from dataset_cases import CELL, LEAF, ONTOLOGY, STEM, contents, crowd, label_maps, labelled, same_objects
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.dataset.export import export
from napari_car.dataset.ome_zarr import OmeZarr
from napari_car.errors import DocumentError, MissingExtraError, OutputError

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)


def read_by_library(path: Path) -> dict[str, tuple[np.ndarray, dict]]:
    """Return pixels and metadata of the image and its labels, by name, as ome-zarr's reader finds them."""
    location = parse_url(str(path))
    assert location is not None
    nodes = list(Reader(location)())
    return {node.zarr.basename(): (np.asarray(node.data[0]), dict(node.metadata)) for node in nodes if node.data}


def test_files_and_metadata(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED), "b": labelled(tmp_path, "b", np.zeros((1, 1)), split="val")}
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, OmeZarr(), folder)
    assert report.is_lossless
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert (folder / "val/b.zarr").is_dir()
    found = read_by_library(folder / "train/a.zarr")
    assert set(found) == {"a.zarr", "classes", "objects"}
    with Image.open(images["a"].image) as picture:
        np.testing.assert_array_equal(found["a.zarr"][0], np.asarray(picture).transpose(2, 0, 1))
    classes, metadata = found["classes"]
    np.testing.assert_array_equal(classes, [[CELL, 0, CELL, CELL], [STEM, STEM, LEAF, CELL]])
    assert {id_: np.asarray(colour).tolist() for id_, colour in metadata["color"].items()} == {
        CELL: [1, 0, 0, 1],
        LEAF: [0, 1, 0, 1],
        STEM: [0, 0, 1, 1],
    }
    assert {id_: row["class"] for id_, row in metadata["properties"].items()} == {
        CELL: "cell",
        LEAF: 'Leaf: a | b, "c"',
        STEM: "stem",
    }
    objects, metadata = found["objects"]
    np.testing.assert_array_equal(objects, [[1, 0, 3, 3], [2, 2, 5, 4]])
    assert metadata["properties"][5] == {"class": 'Leaf: a | b, "c"', "class-id": LEAF, "label": FIRST_ID + 7}


@settings(max_examples=15, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_nothing_is_lost(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        assert export(images, ONTOLOGY, OmeZarr(), base / "out").is_lossless
        for key, image in images.items():
            found = read_by_library(base / f"out/train/{key}.zarr")
            np.testing.assert_array_equal(found["classes"][0], image.semantic)
            assert same_objects(found["objects"][0], image.labels)
            group = zarr.open_group(base / f"out/train/{key}.zarr/labels/classes", mode="r")
            path = group.attrs["ome"]["multiscales"][0]["datasets"][0]["path"]  # type: ignore[index, call-overload]
            np.testing.assert_array_equal(group[path][...], image.semantic)  # type: ignore[index]


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, table = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=table)}
    assert export(images, ONTOLOGY, OmeZarr(), tmp_path / "out").is_lossless


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED)}
    for name in "12":
        export(images, ONTOLOGY, OmeZarr(), tmp_path / name)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_the_ontology_comes_back(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED), "b": labelled(tmp_path, "b", MIXED)}
    export(images, ONTOLOGY, OmeZarr(), tmp_path / "out")
    found = OmeZarr().read_ontology(tmp_path / "out")
    assert {entry.class_name: (entry.id, entry.colour) for entry in found.entries} == {
        "cell": (CELL, (255, 0, 0)),
        'Leaf: a | b, "c"': (LEAF, (0, 255, 0)),
        "stem": (STEM, (0, 0, 255)),
    }
    (one,) = OmeZarr().read(tmp_path / "out/train/a.zarr", found)
    assert one.name == "a"


class TestWhatCannotBe:
    def test_an_image_of_another_size(self, tmp_path: Path) -> None:
        image = labelled(tmp_path, "a", MIXED)
        Image.new("RGB", (3, 3)).save(image.image)
        with pytest.raises(OutputError, match=r"a\.png has 3 x 3 px, but the labels of a have 2 x 4 px"):
            export({"a": image}, ONTOLOGY, OmeZarr(), tmp_path / "out")

    def test_no_library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "ome_zarr.writer", None)
        with pytest.raises(MissingExtraError, match=r'pip install "napari-car\[export\]"'):
            export({"a": labelled(tmp_path, "a", MIXED)}, ONTOLOGY, OmeZarr(), tmp_path / "out")

    def test_no_data_set(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match=r"There is no \.zarr folder"):
            OmeZarr().read_ontology(tmp_path)

    @pytest.mark.parametrize("removed", ["labels/classes", "labels/objects", "labels/classes/zarr.json"])
    def test_labels_that_are_gone(self, tmp_path: Path, removed: str) -> None:
        export({"a": labelled(tmp_path, "a", MIXED)}, ONTOLOGY, OmeZarr(), tmp_path / "out")
        path = tmp_path / "out/train/a.zarr" / removed
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        with pytest.raises(DocumentError, match=r"a\.zarr has no labels called"):
            list(OmeZarr().read(tmp_path / "out", ONTOLOGY))

    @pytest.mark.parametrize(
        ("properties", "says"),
        [
            ([{"label-value": 1, "class": "tree"}], 'the class "tree"'),
            ([], "of class 1, which"),
            ([1], "cannot be und"),
        ],
    )
    def test_foreign_metadata(self, tmp_path: Path, properties: list[object], says: str) -> None:
        export({"a": labelled(tmp_path, "a", MIXED)}, ONTOLOGY, OmeZarr(), tmp_path / "out")
        group = zarr.open_group(tmp_path / "out/train/a.zarr/labels/classes", mode="a")
        ome = dict(group.attrs["ome"])  # type: ignore[call-overload]
        ome["image-label"] = {"properties": properties}
        group.attrs["ome"] = ome
        with pytest.raises(DocumentError, match=says):
            list(OmeZarr().read(tmp_path / "out", ONTOLOGY))
