"""The folder of an evaluation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_cases import HEADER, count_image, record_of

from napari_car.errors import DocumentError, OutputError
from napari_car.evaluation.shard import Shard
from napari_car.evaluation.store import EvaluationStore, merge_stores, read_header

A, B = (record_of(key, count_image(key, [0, 1, 2], [0, 1, 1])) for key in "ab")


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore.open(tmp_path / "out", HEADER)


def test_shards_are_read_together(store: EvaluationStore) -> None:
    assert store.read() == {}
    for number, record in ((2, B), (1, A)):
        with store.writer(Shard(number, 2)) as writer:
            writer.add(record)
    assert store.read() == {"a": A, "b": B}
    assert read_header(store.folder) == HEADER


def test_a_folder_goes_on_with_the_same_evaluation_only(store: EvaluationStore) -> None:
    assert EvaluationStore.open(store.folder, replace(HEADER, versions={})).read() == {}
    assert read_header(store.folder) == HEADER
    with pytest.raises(OutputError, match=r"holds another evaluation \(split is 'all' there, and 'val' here\)"):
        EvaluationStore.open(store.folder, replace(HEADER, split="val"))


def test_items_that_are_there_twice_count_once(store: EvaluationStore) -> None:
    for shard in (Shard(), Shard(1, 2)):
        with store.writer(shard) as writer:
            writer.add(A)
    assert store.read() == {"a": A}


def test_a_line_without_end_does_not_count(store: EvaluationStore) -> None:
    with store.writer(Shard()) as writer:
        writer.add(A)
    path = store.folder / "items-1-of-1.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + B.to_json().encode())
    assert store.read() == {"a": A}
    with store.writer(Shard()) as writer:
        assert path.read_bytes() == whole
        writer.add(B)
    assert store.read() == {"a": A, "b": B}


@pytest.mark.parametrize("line", [b"{}", b"\xff\xfe", b""])
def test_a_line_that_is_none_is_refused(store: EvaluationStore, line: bytes) -> None:
    path = store.folder / "items-1-of-1.jsonl"
    path.write_bytes(A.to_json().encode() + b"\n" + line + b"\n")
    with pytest.raises(DocumentError, match=r"items-1-of-1\.jsonl, line 2, cannot be read"):
        store.read()


def test_a_shard_has_one_writer(store: EvaluationStore) -> None:
    with store.writer(Shard()):
        with pytest.raises(OutputError, match="Another program evaluates share 1 of 1"), store.writer(Shard()):
            pass
        with store.writer(Shard(2, 2)) as writer:
            writer.add(A)
    with store.writer(Shard()) as writer:
        writer.add(B)
    assert set(store.read()) == {"a", "b"}


@pytest.mark.parametrize("labels", [[[0, 255]], [[0, 65535], [7, 256]], [[[0, 1]], [[2, 300]]], [[[0, 1]]]])
def test_predictions_come_back(store: EvaluationStore, labels: list[list[int]]) -> None:
    prediction = np.array(labels, np.uint16)
    with store.writer(Shard()) as writer:
        name = writer.write_mask("plot 1", prediction)
    found = store.read_mask(replace(A, mask=name))
    assert found is not None
    assert found.dtype == np.uint16
    assert np.array_equal(found.reshape(prediction.shape), prediction)
    assert found.ndim == prediction.ndim


def test_predictions_that_are_gone_or_damaged_are_none(store: EvaluationStore) -> None:
    with store.writer(Shard()) as writer:
        name = writer.write_mask("a", np.zeros((2, 2), np.uint16))
    assert store.read_mask(A) is None
    assert store.read_mask(replace(A, mask="b.png")) is None
    (store.folder / "masks" / name).write_bytes(b"\x89PNG")
    assert store.read_mask(replace(A, mask=name)) is None


def test_names_that_are_paths_lead_nowhere(store: EvaluationStore) -> None:
    with store.writer(Shard()) as writer:
        for key in ("../a", "a/b", "..", "", "/a"):
            with pytest.raises(DocumentError, match="is a path"):
                writer.write_mask(key, np.zeros((2, 2), np.uint16))
        writer.write_mask("a", np.zeros((2, 2), np.uint16))
    (store.folder / "masks" / "a.png").rename(store.folder / "a.png")
    assert store.read_mask(replace(A, mask="../a.png")) is None


def make(folder: Path, *records: object, header: object = HEADER) -> Path:
    with EvaluationStore.open(folder, header).writer(Shard(1, 2)) as writer:
        for record in records:
            mask = writer.write_mask(record.key, np.ones((2, 2), np.uint16))
            writer.add(replace(record, mask=mask))
    return folder


def test_folders_are_merged_with_their_predictions(tmp_path: Path) -> None:
    first, second = make(tmp_path / "1", A), make(tmp_path / "2", A, B)
    merged = merge_stores([first, second], tmp_path / "all")
    assert list(merged.read()) == ["a", "b"]
    assert all(merged.read_mask(record) is not None for record in merged.read().values())
    assert merge_stores([second, first], tmp_path / "all").read() == merged.read()
    assert merge_stores([first, second], first).read() == merged.read()


def test_folders_that_do_not_belong_together_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    first = make(tmp_path / "1", A)
    second = make(tmp_path / "2", B, header=replace(HEADER, split="val"))
    with pytest.raises(OutputError, match="2 cannot be put to the others: split is 'val' there"):
        merge_stores([first, second], tmp_path / "all")
    assert not (tmp_path / "all").exists()
    third = make(tmp_path / "3", replace(A, counts=count_image("a", [0, 1, 2], [0, 1, 2])))
    with pytest.raises(DocumentError, match="3 has other counts of a"):
        merge_stores([first, third], tmp_path / "all")
    with pytest.raises(DocumentError, match="holds no evaluation"):
        merge_stores([first, tmp_path / "nowhere"], tmp_path / "all")
