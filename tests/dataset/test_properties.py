"""Properties of objects, against brute force."""

import csv
import math
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from dataset_cases import CELL, INSTANCES, LEAF, ONTOLOGY, STEM, contents, crowd, label_maps, labelled
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.dataset.export import export
from napari_car.dataset.format import Format
from napari_car.dataset.properties import COLUMNS, RegionProperties
from napari_car.errors import OutputError

NAMES = {CELL: "cell", LEAF: 'Leaf: a | b, "c"', STEM: "stem"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_ell_and_a_bar(tmp_path: Path) -> None:
    labels = np.zeros((6, 8), np.int32)
    labels[1:4, 1] = labels[3, 1:4] = FIRST_ID
    labels[0, 7] = labels[5, 7] = STEM
    images = {"a": labelled(tmp_path, "a", labels), "b": labelled(tmp_path, "b", np.zeros((1, 1)), split="val")}
    report = export(images, ONTOLOGY, RegionProperties(), tmp_path / "out")
    assert (report.files, report.n_objects) == ((tmp_path / "out/properties.csv",), 2)
    assert not isinstance(RegionProperties(), Format)
    assert not report.is_compared
    assert not report.is_lossless
    stem, ell = read(report.files[0])
    assert tuple(ell) == COLUMNS
    assert [ell[name] for name in COLUMNS[:12]] == [
        *("a", "train", "65536", "1", "cell"),
        *("5", "1", "1", "4", "4", "2.4", "1.6"),
    ]
    assert float(ell["equivalent_diameter_px"]) == pytest.approx(math.sqrt(4 * 5 / math.pi))
    assert float(ell["extent"]) == pytest.approx(5 / 9)
    assert float(ell["solidity"]) == pytest.approx(5 / 6)  # the hull has the middle pixel, too
    assert [stem[name] for name in ("label", "class", "area_px", "top", "bottom", "euler_number")] == [
        *("300", "stem", "2", "0", "6", "2")
    ]


@settings(max_examples=40, deadline=None)
@given(maps=st.lists(label_maps(), min_size=1, max_size=2))
def test_numbers(maps: list[np.ndarray]) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        images = {f"i{k}": labelled(base, f"i{k}", labels) for k, labels in enumerate(maps)}
        export(images, ONTOLOGY, RegionProperties(), base / "out")
        rows = read(base / "out/properties.csv")
        expected = [(key, id_) for key, image in images.items() for id_ in sorted(set(image.labels.ravel()) - {0})]
        assert [(row["image"], int(row["label"])) for row in rows] == expected
        for row in rows:
            check(row, np.argwhere(images[row["image"]].labels == int(row["label"])))


def check(row: dict[str, str], pixels: np.ndarray) -> None:
    """Compare a row with sums over the pixels of the object."""
    class_id = INSTANCES.query_of(int(row["label"]))
    assert (int(row["class_id"]), row["class"]) == (class_id, NAMES[class_id])
    assert int(row["area_px"]) == len(pixels)
    assert [int(row["top"]), int(row["left"])] == pixels.min(axis=0).tolist()
    assert [int(row["bottom"]), int(row["right"])] == (pixels.max(axis=0) + 1).tolist()
    centre = pixels.mean(axis=0)
    assert [float(row["centroid_row"]), float(row["centroid_column"])] == pytest.approx(centre.tolist())
    # The ellipse with the same second moments.
    small, large = np.maximum(np.linalg.eigvalsh((pixels - centre).T @ (pixels - centre) / len(pixels)), 0)
    assert float(row["major_axis_px"]) == pytest.approx(4 * math.sqrt(large), abs=1e-5)
    assert float(row["minor_axis_px"]) == pytest.approx(4 * math.sqrt(small), abs=1e-5)
    if large > 1e-9:
        assert float(row["eccentricity"]) == pytest.approx(math.sqrt(1 - small / large), abs=1e-5)
    size = np.ptp(pixels, axis=0) + 1
    assert float(row["extent"]) == pytest.approx(len(pixels) / size.prod())
    assert 0 < float(row["solidity"]) <= 1


def test_many_objects(tmp_path: Path) -> None:
    labels, table = crowd(5_000)
    start = time.perf_counter()
    images = {"a": labelled(tmp_path, "a", labels, instances=table)}
    export(images, ONTOLOGY, RegionProperties(), tmp_path / "out")
    assert len(read(tmp_path / "out/properties.csv")) == 5_000
    assert time.perf_counter() - start < 60


@pytest.mark.slow
def test_very_many_objects(tmp_path: Path) -> None:
    labels, table = crowd()
    images = {"a": labelled(tmp_path, "a", labels, instances=table)}
    export(images, ONTOLOGY, RegionProperties(), tmp_path / "out")
    assert len(read(tmp_path / "out/properties.csv")) == 70_000


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    images = {"a": labelled(tmp_path, "a", np.array([[CELL, FIRST_ID, LEAF]]))}
    for name in "12":
        export(images, ONTOLOGY, RegionProperties(), tmp_path / name)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_pixels_of_no_class(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="a has labels of class 2, which is none"):
        export({"a": labelled(tmp_path, "a", np.array([[2]]))}, ONTOLOGY, RegionProperties(), tmp_path / "out")
