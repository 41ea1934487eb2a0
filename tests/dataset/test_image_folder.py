"""Hugging Face's image folder as it is written, read back, and read by the datasets library."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from dataset_cases import CELL, LEAF, ONTOLOGY, STEM, contents, crowd, label_maps, labelled, picture_file
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.dataset.export import export
from napari_car.dataset.image_folder import ImageFolder
from napari_car.errors import DocumentError, OutputError

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)


def load(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a data set by the datasets library, without a network."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    return datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(cache))


def test_files(tmp_path: Path) -> None:
    images = {
        "a": labelled(tmp_path, "a", MIXED),
        "test_b": labelled(tmp_path, "test_b", np.array([[LEAF, 0]]), split="val"),
    }
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, ImageFolder(), folder)
    assert report.is_lossless
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert set(contents(folder)) == {
        "classes.json",
        "train/images/a.png",
        "train/masks/a.png",
        "train/metadata.jsonl",
        "val/images/test_b.png",
        "val/masks/test_b.png",
        "val/metadata.jsonl",
    }
    assert (folder / "train/metadata.jsonl").read_text() == (
        '{"file_name": "images/a.png", "mask_file_name": "masks/a.png"}\n'
    )
    assert json.loads((folder / "classes.json").read_text())["id2label"] == {
        "0": "background",
        "1": "cell",
        "4": 'Leaf: a | b, "c"',
        "300": "stem",
    }
    with Image.open(folder / "val/masks/test_b.png") as picture:
        assert picture.mode == "L"
    assert ImageFolder().read_ontology(folder).colours == {1: (255, 0, 0), 4: (0, 255, 0), 300: (0, 0, 255)}


def test_the_datasets_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {
        "a": labelled(tmp_path, "a", MIXED),
        "train_b": labelled(tmp_path, "train_b", np.array([[LEAF, 0]]), split="val"),
        "c": labelled(tmp_path, "c", np.zeros((1, 1)), split="test"),
    }
    export(images, ONTOLOGY, ImageFolder(), tmp_path / "out")
    found = load(tmp_path / "out", tmp_path / "cache", monkeypatch)
    for split, name in {"train": "a", "validation": "train_b", "test": "c"}.items():
        (row,) = found[split]
        assert set(row) == {"image", "mask"}
        np.testing.assert_array_equal(np.asarray(row["mask"]), images[name].semantic)
        with Image.open(images[name].image) as picture:
            np.testing.assert_array_equal(np.asarray(row["image"]), np.asarray(picture))


@settings(max_examples=60, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_no_class_is_lost(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        assert export(images, ONTOLOGY, ImageFolder(), base / "out").is_lossless
        rows = [json.loads(line) for line in (base / "out/train/metadata.jsonl").read_text().splitlines()]
        for row, image in zip(rows, images.values(), strict=True):
            with Image.open(base / "out/train" / row["mask_file_name"]) as picture:
                assert picture.mode == ("I;16" if (image.semantic > 255).any() else "L")
                np.testing.assert_array_equal(np.asarray(picture), image.semantic)


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, table = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=table)}
    assert export(images, ONTOLOGY, ImageFolder(), tmp_path / "out").is_lossless


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", MIXED)}
    for name in "12":
        export(images, ONTOLOGY, ImageFolder(), tmp_path / name)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_images_that_are_left_out_by_the_library(tmp_path: Path) -> None:
    image = labelled(tmp_path, "a", MIXED)
    object.__setattr__(image, "image", picture_file(tmp_path, "a", (2, 4)).rename(tmp_path / "a.czi"))
    with pytest.raises(OutputError, match=r"does not read a\.czi: turn it into PNG or TIFF"):
        export({"a": image}, ONTOLOGY, ImageFolder(), tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("classes.json", '{"id2label": {"1": "tree"}}', 'the class "tree"'),
        ("classes.json", "{", "holds no JSON"),
        ("classes.json", "[1]", "must hold a JSON object, not list"),
        ("classes.json", '{"id2label": {"a": "cell"}}', "must name classes by id"),
        ("classes.json", '{"id2label": ["cell"]}', "must name classes by id"),
        ("classes.json", '{"id2label": {}, "colours": {"1": "red"}}', "write colours as #rrggbb"),
        ("train/metadata.jsonl", '{"file_name": "a.png"}', "must name an image and a mask"),
        ("train/metadata.jsonl", '{"file_name": "a.png", "mask_file_name": "../../m.png"}', "data set's own folder"),
        ("train/metadata.jsonl", '{"file_name": "a.png", "mask_file_name": "m.png"}', r"no label file .*m\.png"),
        ("train/metadata.jsonl", "a.png", "holds no JSON"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, file: str, text: str, says: str) -> None:
    export({"a": labelled(tmp_path, "a", MIXED)}, ONTOLOGY, ImageFolder(), tmp_path / "out")
    (tmp_path / "out" / file).write_text(text)
    with pytest.raises(DocumentError, match=says):
        list(ImageFolder().read(tmp_path / "out", ONTOLOGY))


def test_another_programs_folder(tmp_path: Path) -> None:
    picture = picture_file(tmp_path, "x", (1, 3))
    Image.fromarray(np.array([[0, 1, 2]], np.uint8)).save(tmp_path / "m.png")
    (tmp_path / "metadata.jsonl").write_text('{"image_file_name": "x.png", "mask_file_name": "m.png"}\r\n\n')
    (tmp_path / "classes.json").write_text('{"0": "nothing", "1": "STEM", "2": "cell"}')
    (found,) = ImageFolder().read(tmp_path, ONTOLOGY)
    assert found.classes.tolist() == [[0, STEM, CELL]]
    assert (found.name, found.image) == ("x", picture)


def test_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"There is no classes\.json"):
        ImageFolder().read_ontology(tmp_path)
