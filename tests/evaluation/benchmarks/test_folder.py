"""Anybody's own data as a benchmark."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmark_miniatures import FOLDER_IDS, make_folder
from benchmark_pictures import PICTURES, write_jpeg
from dataset_cases import CELL, LEAF, ONTOLOGY, labelled
from PIL import Image

from napari_car.annotation.ontology_file import read_ontology, write_ontology
from napari_car.dataset.export import export
from napari_car.dataset.label_tiff import LabelTiff
from napari_car.errors import ConfigError, DocumentError
from napari_car.evaluation.benchmarks.folder import open_folder


@pytest.mark.parametrize("beside", [False, True])
def test_truth_is_what_was_drawn(tmp_path: Path, beside: bool) -> None:
    made = make_folder(tmp_path / "plots", beside=beside)
    benchmark = open_folder(made.root)
    assert (benchmark.name, benchmark.title, benchmark.split) == ("folder", "plots", "all")
    assert [sample.key for sample in benchmark.samples] == list(made.truths)
    for sample in benchmark.samples:
        assert np.array_equal(sample.read_truth(), made.truths[sample.key])
        assert sample.read_image().shape[:2] == made.truths[sample.key].shape


def test_the_ontology_says_what_is_asked_for(tmp_path: Path) -> None:
    make_folder(tmp_path)
    benchmark = open_folder(tmp_path)
    assert [(item.id, item.name) for item in benchmark.classes] == [
        (3, "red square"),
        (7, "grass"),
        (8, "purple square"),
        (300, "Blue, of any size"),
    ]
    assert benchmark.query_ids == (3, 8, 300, 7)
    assert benchmark.queries[2].synonyms == ("blue box",)
    assert benchmark.background_words == ("sky",)
    assert benchmark.has_background


def test_nothing_is_opened_before_it_is_asked_for(tmp_path: Path) -> None:
    made = make_folder(tmp_path)
    for path in (*made.images, *made.masks):
        path.write_bytes(b"")
    assert len(open_folder(tmp_path).samples) == len(PICTURES)


def test_the_value_that_is_not_scored_can_be_another(tmp_path: Path) -> None:
    made = make_folder(tmp_path)
    key, truth = next(iter(made.truths.items()))
    with pytest.raises(DocumentError, match=r"holds the value 255, .* ids of the ontology, or 0\.$"):
        open_folder(tmp_path, ignored=None).samples[0].read_truth()
    with pytest.raises(ConfigError, match='The class "red square" has the id 3'):
        open_folder(tmp_path, ignored=3)
    shutil.copy(made.masks[2], made.masks[0])  # water only: no 255
    benchmark = open_folder(tmp_path, ignored=0)
    assert not benchmark.has_background
    assert (benchmark.samples[0].read_truth() == -1).all()
    assert truth.shape == benchmark.samples[0].read_truth().shape
    assert key == benchmark.samples[0].key


def test_an_export_of_napari_car_can_be_evaluated(tmp_path: Path) -> None:
    labels = np.array([[CELL, 0, LEAF], [0, 0, CELL]], dtype=np.int32)
    folder = tmp_path / "out"
    export({"a": labelled(tmp_path, "a", labels)}, ONTOLOGY, LabelTiff(), folder)
    ontology = write_ontology(tmp_path / "mine.json", ONTOLOGY)
    (sample,) = open_folder(folder, ontology=ontology).samples
    assert sample.read_truth().tolist() == labels.tolist()


def test_photographs_are_turned_as_they_are_shown(tmp_path: Path) -> None:
    made = make_folder(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.rot90(PICTURES[0].draw())
    Image.fromarray(np.ascontiguousarray(stored)).save(made.images[0], exif=exif, quality=95)
    sample = open_folder(tmp_path).samples[0]
    assert np.array_equal(sample.read_truth(), made.truths[sample.key])
    difference = np.abs(sample.read_image().astype(int) - PICTURES[0].draw())
    assert difference.mean() < 10


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"There is no folder .*nowhere"):
        open_folder(tmp_path / "nowhere")
    with pytest.raises(DocumentError, match=r"holds neither ontology\.toml nor ontology\.json"):
        open_folder(tmp_path)
    made = make_folder(tmp_path)
    sheet = read_ontology(tmp_path / "ontology.toml")
    with pytest.raises(DocumentError, match=r"There is no folder .*nowhere"):
        open_folder(tmp_path / "nowhere", ontology=tmp_path / "ontology.toml")
    write_ontology(tmp_path / "ontology.json", sheet)
    with pytest.raises(DocumentError, match=r"holds both ontology\.toml and ontology\.json"):
        open_folder(tmp_path)
    (tmp_path / "ontology.json").unlink()
    made.masks[0].rename(made.masks[0].with_stem("stray"))
    with pytest.raises(DocumentError, match=r"There is no mask for .*plot 000001\.jpg: .*images/ and masks/"):
        open_folder(tmp_path)
    made.images[0].unlink()
    with pytest.raises(DocumentError, match=r"There is no image for .*stray\.tif"):
        open_folder(tmp_path)
    shutil.rmtree(tmp_path / "masks")
    with pytest.raises(DocumentError, match=r"There is no folder .*masks"):
        open_folder(tmp_path)
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(DocumentError, match="holds no images"):
        open_folder(tmp_path)


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    write_jpeg(tmp_path / "images" / "plot 000001.webp", PICTURES[0].draw())
    with pytest.raises(DocumentError, match=r"plot 000001\.jpg and plot 000001\.webp have the same name"):
        open_folder(tmp_path)


def test_an_ontology_that_asks_for_nothing_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    sheet = read_ontology(tmp_path / "ontology.toml")
    for entry in sheet.entries:
        sheet = sheet.changed(entry.id, enabled=False)
    write_ontology(tmp_path / "ontology.toml", sheet)
    with pytest.raises(DocumentError, match="asks for nothing"):
        open_folder(tmp_path)


def test_ids_that_are_not_in_the_ontology_are_refused(tmp_path: Path) -> None:
    made = make_folder(tmp_path)
    write_ontology(tmp_path / "ontology.toml", ONTOLOGY)
    assert FOLDER_IDS["red"] not in ONTOLOGY.query_ids
    with pytest.raises(DocumentError, match=r"holds the value \d+, which stands for nothing"):
        open_folder(tmp_path).samples[0].read_truth()
    assert made.masks[0].is_file()
