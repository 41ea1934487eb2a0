"""Published semantic benchmarks, read from miniatures in their layouts."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmark_miniatures import MINIATURES, SemanticMiniature
from PIL import Image

from napari_car.errors import DocumentError, ImageError
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS
from napari_car.evaluation.benchmarks.class_data import load_class_data
from napari_car.evaluation.benchmarks.semantic import SemanticBenchmark
from napari_car.evaluation.benchmarks.voc import open_voc

PUBLISHED = tuple(name for name, entry in BENCHMARKS.items() if entry.kind == "semantic" and name != "folder")


def opened(name: str, root: Path) -> SemanticBenchmark:
    benchmark = BENCHMARKS[name].open(root)
    assert isinstance(benchmark, SemanticBenchmark)
    return benchmark


def miniature(name: str, root: Path) -> SemanticMiniature:
    made = MINIATURES[name](root)
    assert isinstance(made, SemanticMiniature)
    return made


@pytest.mark.parametrize("name", PUBLISHED)
def test_truth_is_what_was_drawn(name: str, tmp_path: Path) -> None:
    made = miniature(name, tmp_path)
    benchmark = opened(name, tmp_path)
    assert benchmark.name == name
    assert benchmark.kind == "semantic"
    assert [sample.key for sample in benchmark.samples] == list(made.truths)
    for sample in benchmark.samples:
        truth = sample.read_truth()
        assert truth.dtype == np.int32
        assert np.array_equal(truth, made.truths[sample.key])
        assert sample.read_image().shape == (*truth.shape, 3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_is_opened_before_it_is_asked_for(name: str, tmp_path: Path) -> None:
    made = miniature(name, tmp_path)
    for path in (*made.images, *made.masks):
        path.write_bytes(b"neither image nor mask")
    benchmark = opened(name, tmp_path)
    assert len(benchmark.samples) == len(made.truths)
    with pytest.raises(ImageError):
        benchmark.samples[0].read_image()
    with pytest.raises(DocumentError, match=r"cannot be read as labels.*; it should be "):
        benchmark.samples[0].read_truth()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_missing_image_or_mask_is_named(name: str, tmp_path: Path) -> None:
    made = miniature(name, tmp_path)
    made.masks[1].unlink()
    title = opened_title(name)
    with pytest.raises(
        DocumentError, match=rf"1 of \d files are missing in .*{made.masks[1].name}.* {title}"
    ) as refused:
        opened(name, tmp_path)
    assert "published at" in str(refused.value)
    shutil.rmtree(made.masks[0].parent)
    with pytest.raises(DocumentError, match=rf"There is no folder {made.masks[0].parent}: .*published at"):
        opened(name, tmp_path)
    shutil.rmtree(made.images[0].parent)
    with pytest.raises(DocumentError, match=rf"There is no folder {made.images[0].parent}: .*published at"):
        opened(name, tmp_path)


def opened_title(name: str) -> str:
    """Return a word of the data set's title."""
    return {"voc": "Pascal VOC", "con": "Pascal Context", "coc": "COCO Object", "ade": "ADE20K", "dav": "DAVIS 2016"}[
        name[:3]
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_empty_folder_says_what_belongs_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError, match=r"There is no (file|folder) .*: the folder of .* holds .*; .* published at "
    ):
        opened(name, tmp_path)


@pytest.mark.parametrize("name", PUBLISHED)
def test_queries_are_things_then_stuff_in_their_order(name: str, tmp_path: Path) -> None:
    miniature(name, tmp_path)
    benchmark = opened(name, tmp_path)
    by_id = {item.id: item for item in benchmark.classes}
    assert sorted(benchmark.query_ids) == sorted(by_id)
    assert [by_id[id_].query for id_ in benchmark.query_ids] == list(benchmark.queries)
    groups = [query.group for query in benchmark.queries]
    assert groups == ["thing"] * len(benchmark.things) + ["stuff"] * len(benchmark.stuff)
    assert [item.id for item in benchmark.stuff] == list(benchmark.stuff_order)


def test_background_is_scored_in_one_of_two(tmp_path: Path) -> None:
    miniature("voc", tmp_path)
    with_background, without = opened("voc", tmp_path), opened("voc-20", tmp_path)
    assert (with_background.has_background, without.has_background) == (True, False)
    for scored, unscored in zip(with_background.samples, without.samples, strict=True):
        first, second = scored.read_truth(), unscored.read_truth()
        assert (first == 0).any()
        assert np.array_equal(second, np.where(first == 0, -1, first))


def test_stuff_of_context_is_not_asked_for_by_id(tmp_path: Path) -> None:
    miniature("context-60", tmp_path)
    names = [item.name for item in opened("context-60", tmp_path).stuff]
    assert names[-3:] == ["door", "fence", "rock"]


def test_other_splits_of_voc(tmp_path: Path) -> None:
    miniature("voc", tmp_path)
    assert [sample.key for sample in open_voc(tmp_path, split="train").samples] == ["2007_000004"]
    with pytest.raises(DocumentError, match=r"There is no file .*trainval\.txt"):
        open_voc(tmp_path, split="trainval")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "names nothing"),
        (b"\n \n", "names nothing"),
        (b"2007_000001\n2007_000001\n", "names 2007_000001 twice"),
        (b"\xff\xfe2\x00", "is not a text in UTF-8"),
        (b"../../../etc/passwd\n", "1 of 1 files are missing"),
        (b"2007_000001\n2007_0000", "1 of 2 files are missing .* 2007_0000.jpg"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path: Path, content: bytes, reason: str) -> None:
    miniature("voc", tmp_path)
    (tmp_path / "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt").write_bytes(content)
    with pytest.raises(DocumentError, match=reason):
        opened("voc", tmp_path)


def test_masks_of_other_preparations_are_refused(tmp_path: Path) -> None:
    made = miniature("coco-object", tmp_path)
    values = np.asarray(Image.open(made.masks[0]))
    Image.fromarray(np.where(values == 0, 255, values - 1).astype(np.uint8)).save(made.masks[0])
    with pytest.raises(DocumentError, match=r"holds the value 255, .*convert_coco_object\.py"):
        opened("coco-object", tmp_path).samples[0].read_truth()


def test_palettes_turned_into_colours_are_refused(tmp_path: Path) -> None:
    made = miniature("voc", tmp_path)
    Image.open(made.masks[0]).convert("RGB").save(made.masks[0])
    with pytest.raises(DocumentError, match="indices 0 to 20 and 255 as published, not converted to RGB"):
        opened("voc", tmp_path).samples[0].read_truth()


def test_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    made = miniature("ade-150", tmp_path)
    Image.open(made.images[0]).resize((64, 48)).save(made.images[0])
    with pytest.raises(DocumentError, match="has 64 x 48 px, but its ground truth"):
        opened("ade-150", tmp_path).samples[0].read_truth()


def test_photographs_in_voc_are_as_the_authors_have_them(photo_folder: Path) -> None:
    code = load_class_data("voc").truth_code("a palette PNG", has_background=True)
    masks = sorted((photo_folder / "voc2011" / "SegmentationClass").glob("*.png"))
    found = set()
    for mask in masks:
        image = photo_folder / "voc2011" / "JPEGImages" / f"{mask.stem}.jpg"
        truth = code.read(mask, image, is_upright=False)
        stored = np.asarray(Image.open(mask)).astype(np.int32)
        assert np.array_equal(truth, np.where(stored == 255, -1, stored))
        found |= set(np.unique(truth).tolist())
    assert {-1, 0} < found <= set(range(-1, 21))
