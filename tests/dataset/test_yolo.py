"""YOLO segmentation as it is written, read back, and read by the rules of Ultralytics."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml
from dataset_cases import (
    CELL,
    CLASS_IDS,
    INSTANCES,
    LEAF,
    ONTOLOGY,
    STEM,
    STICK,
    contents,
    crowd,
    label_maps,
    labelled,
    parts_of,
    same_objects,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from yolo_rules import Seen, read_data

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.dataset.export import export
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.dataset.yolo import Parts, YoloSegmentation
from napari_car.errors import DocumentError, OutputError

MIXED = np.array([[CELL, 0, FIRST_ID, FIRST_ID], [STEM, STEM, FIRST_ID + 7, FIRST_ID + 1]], dtype=np.int32)
FRAME = np.array([[1, 1, 1, 0, 4], [1, 0, 1, 0, 4], [1, 1, 1, 0, 0]], dtype=np.int32)
IDS = np.array([0, *CLASS_IDS])


def lost_by_hand(labels: NDArray[np.int32], classes: NDArray[np.int32], objects: NDArray[np.int32]) -> dict[int, int]:
    """Count, pixel by pixel, what is of another class, or no more of an instance of its own, than before."""
    pixels = list(zip(labels.ravel().tolist(), objects.ravel().tolist(), strict=True))
    before = [INSTANCES.query_of(label) for label, _ in pixels]
    label_of: dict[int, tuple[int, int]] = {}
    object_of: dict[int, tuple[int, int]] = {}
    for pair, _ in sorted(Counter(pixels).items(), key=lambda item: (-item[1], item[0])):
        label_of.setdefault(pair[0], pair)
        object_of.setdefault(pair[1], pair)
    lost = Counter(
        old
        for old, new, pair in zip(before, classes.ravel().tolist(), pixels, strict=True)
        if old != new or (pair[0] >= FIRST_ID and not label_of[pair[0]] == pair == object_of[pair[1]])
    )
    return dict(sorted(lost.items()))


def seen_in(folder: Path, split: str = "train", n_resampled: int = 0) -> Mapping[str, Seen]:
    """Return the images of a part as Ultralytics sees them."""
    names, splits = read_data(folder, n_resampled=n_resampled)
    assert [names[index] for index in range(3)] == ["cell", 'Leaf: a | b, "c"', "stem"]
    return splits[split]


def write_foreign(folder: Path, lines: str, **changes: object) -> None:
    """Write a data set of another program, with an image of 4 x 5 px."""
    for kind in ("images", "labels"):
        (folder / kind / "train").mkdir(parents=True)
    labelled(folder / "images/train", "a", np.zeros((4, 5)))
    (folder / "labels/train/a.txt").write_text(lines)
    table = {"train": "images/train", "val": "images/train", "names": ["stem", "CELL"], **changes}
    (folder / "data.yaml").write_text(yaml.safe_dump(table))


def test_what_is_written(tmp_path: Path) -> None:
    images = {
        "b": labelled(tmp_path, "b", MIXED),
        "a": labelled(tmp_path, "a", FRAME, split="test"),
        "c.d": labelled(tmp_path, "c.d", np.zeros((1, 1))),
    }
    folder = tmp_path / "out"
    report = export(images, ONTOLOGY, YoloSegmentation(), folder)
    assert report.is_lossless
    assert {path.relative_to(folder).as_posix() for path in report.files} == set(contents(folder))
    assert set(contents(folder)) == {
        "data.yaml",
        *(f"images/{name}.png" for name in ("train/b", "test/a", "train/c.d")),
        *(f"labels/{name}.txt" for name in ("train/b", "test/a", "train/c.d")),
    }
    assert (folder / "images/val").is_dir()
    assert (folder / "images/train/b.png").read_bytes() == images["b"].image.read_bytes()
    assert yaml.safe_load((folder / "data.yaml").read_text()) == {
        "train": "images/train",
        "val": "images/val",
        "test": "images/test",
        "names": {0: "cell", 1: 'Leaf: a | b, "c"', 2: "stem"},
    }
    assert (folder / "labels/train/c.d.txt").read_bytes() == b""
    lines = (folder / "labels/train/b.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "2", "0", "0", "1"]
    x, y = np.array(lines[1].split()[1:], dtype=float).reshape(-1, 2).T
    assert (x.min(), x.max(), y.min(), y.max()) == (1 / 64, 31 / 64, 17 / 32, 31 / 32)  # stems: 2 of 4 columns


@given(label_maps(), st.sampled_from(["bridged", "apart"]))
@settings(max_examples=50, deadline=None)
def test_what_ultralytics_sees_is_what_is_reported(labels: NDArray[np.int32], parts: Parts) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        image = labelled(folder, "a", labels)
        report = export({"a": image}, ONTOLOGY, YoloSegmentation(parts), folder / "out")
        seen = seen_in(folder / "out")["a"]
        (found,) = YoloSegmentation().read(folder / "out", ONTOLOGY)
        np.testing.assert_array_equal(found.classes, IDS[seen.classes])
        assert found.objects is not None
        assert same_objects(found.objects, seen.objects)
        assert report.lost_px() == lost_by_hand(labels, found.classes, found.objects)
        n_parts = {label: len(parts_of(labels == label)) for label in np.unique(labels[labels > 0])}
        if all(n == 1 for n in n_parts.values()):
            assert report.is_lossless
        if parts == "apart":
            np.testing.assert_array_equal(found.classes, image.semantic)
            assert len(np.unique(seen.objects[seen.objects > 0])) == sum(n_parts.values())
        assert ((seen.boxes[:, 3:] * labels.shape[::-1]) > 0.1).all(), "no box may be empty: training drops them"
        export({"a": image}, ONTOLOGY, YoloSegmentation(parts), folder / "again")
        assert contents(folder / "out") == contents(folder / "again")


@given(hnp.arrays(bool, (6, 7)), st.sampled_from(["bridged", "apart"]))
@settings(max_examples=30, deadline=None)
def test_points_in_between_change_nothing_but_where_corners_meet(mask: NDArray[np.bool_], parts: Parts) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        export({"a": labelled(folder, "a", mask * CELL)}, ONTOLOGY, YoloSegmentation(parts), folder / "out")
        seen, trained = (seen_in(folder / "out", n_resampled=n)["a"] for n in (0, 300))
        if parts == "apart":
            meets = (
                (mask[1:, 1:] == mask[:-1, :-1]) & (mask[1:, :-1] == mask[:-1, 1:]) & (mask[1:, 1:] != mask[1:, :-1])
            )
            near = np.zeros(mask.shape, dtype=bool)
            for row, column in np.argwhere(meets):
                near[row : row + 2, column : column + 2] = True
            np.testing.assert_array_equal((trained.objects > 0)[~near], (seen.objects > 0)[~near])
        assert ((trained.objects > 0) >= mask).all()


def test_a_bridge_costs_its_pixels(tmp_path: Path) -> None:
    labels = np.zeros((5, 9))
    labels[2, 0:2] = labels[2, 6:9] = FIRST_ID
    labels[1:4, 4] = LEAF
    images = {"a": labelled(tmp_path, "a", labels)}
    report = export(images, ONTOLOGY, YoloSegmentation(), tmp_path / "out")
    # Four pixels of bridge; the leaf, which is smaller, stays on top of it.
    assert report.lost_px() == {0: 3}
    report = export(images, ONTOLOGY, YoloSegmentation("apart"), tmp_path / "apart")
    assert report.lost_px() == {CELL: 2}


def test_objects_with_equal_boxes_are_no_duplicates(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", interlocked(FIRST_ID, FIRST_ID + 1))}
    assert export(images, ONTOLOGY, YoloSegmentation(), tmp_path / "out").is_lossless
    seen = seen_in(tmp_path / "out")["a"]
    assert len(seen.boxes) == 2
    np.testing.assert_allclose(seen.boxes[0], seen.boxes[1], atol=0.01)


def interlocked(first: int, second: int) -> NDArray[np.int64]:
    """Return two objects that touch all four sides of one box."""
    return np.array(
        [
            [first, second, second],
            [first, first, second],
            [second, first, second],
            [second, first, first],
        ]
    )


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, instances = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=instances)}
    report = export(images, ONTOLOGY, YoloSegmentation(), tmp_path / "out")
    assert report.is_lossless
    assert report.n_objects == 70_000


def test_large_images_keep_their_pixels(tmp_path: Path) -> None:
    labels = np.zeros((3, 30_000), dtype=np.int32)
    labels[1, 29_990:] = FIRST_ID
    labels[:, 12_345:12_347] = LEAF
    images = {"a": labelled(tmp_path, "a", labels)}
    assert export(images, ONTOLOGY, YoloSegmentation(), tmp_path / "out").is_lossless


@pytest.mark.parametrize("label", [STICK, 77])
def test_labels_of_no_class_are_refused(tmp_path: Path, label: int) -> None:
    images = {"a": labelled(tmp_path, "a", np.full((2, 2), label))}
    with pytest.raises(OutputError, match=f"a has labels of class {label}, which is none of the ontology"):
        export(images, ONTOLOGY, YoloSegmentation(), tmp_path / "out")


def test_images_that_ultralytics_does_not_know_are_refused(tmp_path: Path) -> None:
    image = LabelledImage(name="a", image=tmp_path / "a.gif", labels=MIXED, instances=INSTANCES)
    with pytest.raises(OutputError, match="no image that Ultralytics reads"):
        export({"a": image}, ONTOLOGY, YoloSegmentation(), tmp_path / "out")


def test_what_others_write_is_read(tmp_path: Path) -> None:
    triangle = "1 0 0 0.5 0 0 0.5"
    lines = f"0 0.5 0.5 0.7 0.5 1 1.0 0.5 1\n\n{triangle}\n{triangle}\n1 0 0 0.5 0 0.5 0.1 0 0.5\n"
    write_foreign(tmp_path, lines, path="gone/on/another/computer")
    ontology = YoloSegmentation().read_ontology(tmp_path)
    assert {entry.id: entry.text for entry in ontology.entries} == {1: "stem", 2: "CELL"}
    (found,) = YoloSegmentation().read(tmp_path, ONTOLOGY)
    seen = read_data_without_path(tmp_path)
    np.testing.assert_array_equal(found.classes, np.array([0, STEM, CELL])[seen.classes])
    assert found.objects is not None
    assert same_objects(found.objects, seen.objects)
    assert len(np.unique(found.objects)) == 3  # of three with one class and box, one counts
    assert (found.name, found.image) == ("a", tmp_path / "images/train/a.png")


def read_data_without_path(folder: Path) -> Seen:
    """Return the image as it is seen where the path is right."""
    table = yaml.safe_load((folder / "data.yaml").read_text())
    (folder / "data.yaml").write_text(yaml.safe_dump({**table, "path": str(folder)}))
    return read_data(folder)[1]["train"]["a"]


def test_lists_and_missing_label_files(tmp_path: Path) -> None:
    write_foreign(tmp_path, "", train=["list.txt"], val=None)
    (tmp_path / "list.txt").write_text("./images/train/a.png\n")
    (tmp_path / "labels/train/a.txt").unlink()
    (found,) = YoloSegmentation().read(tmp_path, ONTOLOGY)
    assert found.classes.shape == (4, 5)
    assert not found.classes.any()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 0.1 0.1 0.5 0.5", "line 1, there is a box"),
        ("1 0.1 0.1 0.5", "three or more pairs"),
        ("1 0.1 0.1 0.5 0.5 0.2 0.3 0.4", "three or more pairs"),
        ("1 0.1 0.1 0.5 0.5 0.2 1.3", "not between 0 and 1"),
        ("1 0.1 0.1 0.5 0.5 0.2 nan", "not between 0 and 1"),
        ("1 0.1 0.1 0.5 0.5 0.2 x", "other than numbers"),
        ("2 0.1 0.1 0.5 0.5 0.2 0.2", "those from 0 to 1"),
        ("-1 0.1 0.1 0.5 0.5 0.2 0.2", "those from 0 to 1"),
        ("0.5 0.1 0.1 0.5 0.5 0.2 0.2", "those from 0 to 1"),
        ("nan 0.1 0.1 0.5 0.5 0.2 0.2", "those from 0 to 1"),
    ],
)
def test_lines_that_cannot_be_read_are_explained(tmp_path: Path, line: str, reason: str) -> None:
    write_foreign(tmp_path, line)
    with pytest.raises(DocumentError, match=reason) as caught:
        list(YoloSegmentation().read(tmp_path, ONTOLOGY))
    assert "a.txt" in str(caught.value)


def test_other_files_that_cannot_be_read(tmp_path: Path) -> None:
    fmt = YoloSegmentation()
    with pytest.raises(DocumentError, match="holds no YOLO data set"):
        fmt.read_ontology(tmp_path)
    write_foreign(tmp_path, "1 0 0 1 0 1 1")
    (tmp_path / "labels/train/a.txt").write_bytes(b"\xff")
    with pytest.raises(DocumentError, match="cannot be read"):
        list(fmt.read(tmp_path, ONTOLOGY))
    (tmp_path / "images/train/a.png").write_bytes(b"x")
    with pytest.raises(DocumentError, match="cannot be read as an image"):
        list(fmt.read(tmp_path, ONTOLOGY))
    for table, reason in (
        ("train: [3]\nnames: [a]", "has 3 for train"),
        ("train: 3\nnames: [a]", "has 3 for train"),
        ("train: gone\nnames: [a]", "which is not there"),
        ("train: images/train", '"names"'),
        ("train: images/train\nnames: {1: a, 2: b}", "from 0 without gaps"),
        ("train: !!python/object/apply:os.getcwd []\nnames: [a]", "not YAML"),
    ):
        (tmp_path / "data.yaml").write_text(table)
        with pytest.raises(DocumentError, match=reason):
            list(fmt.read(tmp_path, ONTOLOGY))


def test_a_class_that_is_not_in_the_ontology(tmp_path: Path) -> None:
    write_foreign(tmp_path, "1 0 0 1 0 1 1", names={0: "stem", 1: "elephant"})
    with pytest.raises(DocumentError, match='"elephant", which is not in the ontology'):
        list(YoloSegmentation().read(tmp_path, ONTOLOGY))
