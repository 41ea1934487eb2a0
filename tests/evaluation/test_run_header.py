"""What the numbers of an evaluation depend on."""

import json
from dataclasses import replace
from typing import Any

import pytest
from evaluation_cases import CLASSES, HEADER, NETWORK, header_of

from napari_car.errors import DocumentError
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS
from napari_car.evaluation.run_header import RunHeader, flat_items
from napari_car.evaluation.scored_classes import ScoredClasses, without_files
from napari_car.results import CheckpointIdentity


@pytest.mark.parametrize("header", [HEADER, replace(HEADER, sam=NETWORK), header_of("gres", "val", scored=None)])
def test_headers_come_back(header: RunHeader) -> None:
    stored = json.loads(json.dumps(header.to_dict()))
    assert RunHeader.from_dict(stored) == header
    assert header.find_difference(RunHeader.from_dict(stored)) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"benchmark": "voc"}, "benchmark is 'voc' there, and 'folder' here"),
        ({"split": "val"}, "split is 'val' there"),
        ({"n_items": 3}, "n_items is 3 there, and 2 here"),
        ({"variant": "k=5"}, "variant is 'k=5' there"),
        ({"options": {}}, "options is {} there, and {'ignored': 'none'} here"),
        ({"config": HEADER.config.changed({"recurrence.max_steps": 1})}, "recurrence.max_steps is 1 there"),
        ({"f": replace(NETWORK, sha256="cd" * 32)}, "f is another network there"),
        ({"g": replace(NETWORK, precision="float16")}, "g is another network there, or of another precision"),
        ({"sam": NETWORK}, "sam is another network there"),
        ({"scored": replace(CLASSES, background_words=())}, "classes, queries or distractors"),
        ({"scored": None}, "classes, queries or distractors"),
    ],
)
def test_differences_are_said(changes: dict[str, Any], said: str) -> None:
    assert said in HEADER.find_difference(replace(HEADER, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "elsewhere"},
        {"versions": {"napari-car": "2.0"}},
        {"preset": "annotate"},
        {"f": replace(NETWORK, device="cuda", name="copy")},
        {"options": {"ignored": "none", "ontology": "/elsewhere/ontology.toml"}},
        {"config": HEADER.config.changed({"compute.max_features_cached": 1})},
    ],
)
def test_what_has_no_effect_is_no_difference(changes: dict[str, Any]) -> None:
    assert HEADER.find_difference(replace(HEADER, **changes)) == ""


def changed(path: str, value: Any) -> dict[str, Any]:
    record = json.loads(json.dumps(HEADER.to_dict()))
    table, *keys = path.split(".")
    if not keys:
        return record | {table: value}
    place = record[table]
    for key in keys[:-1]:
        place = place[int(key) if isinstance(place, list) else key]
    place[keys[-1]] = value
    return record


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        changed("format", "other"),
        changed("version", 2),
        changed("benchmark", 3),
        changed("n_items", "2"),
        changed("options", []),
        changed("options", {"ignored": 3}),
        changed("config", {"unknown": 1}),
        changed("f", {"name": "demo"}),
        changed("f.sha256", 3),
        changed("sam", "none"),
        changed("versions", None),
        changed("scored.has_background", 1),
        changed("scored.classes", [{"id": 0, "name": "a", "query": "a", "group": "thing"}]),
        changed("scored.classes", HEADER.to_dict()["scored"]["classes"][::-1]),
        changed("scored.classes.0.group", "other"),
        changed("scored.classes.0.templates", ["no place"]),
        changed("scored.classes.0.name", None),
        changed("scored.stuff_order", ["a"]),
        changed("scored.background_words", "soil"),
        {key: value for key, value in HEADER.to_dict().items() if key != "scored"},
    ],
)
def test_damaged_records_are_refused(record: Any) -> None:
    with pytest.raises(DocumentError):
        RunHeader.from_dict(record)


def test_nested_values_get_dotted_keys() -> None:
    assert dict(flat_items({"a": 1, "b": {"c": [2], "d": {"e": 3}}})) == {"a": 1, "b.c": [2], "b.d.e": 3}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmarks_without_files_are_of_the_same_kind(name: str) -> None:
    entry = BENCHMARKS[name]
    benchmark = without_files(name, "title", "val", CLASSES if entry.kind == "semantic" else None)
    assert (benchmark.kind, benchmark.name, benchmark.title, benchmark.split) == (entry.kind, name, "title", "val")
    assert not benchmark.samples
    assert ScoredClasses.of(benchmark) == (CLASSES if entry.kind == "semantic" else None)


def test_a_semantic_record_without_classes_is_refused() -> None:
    with pytest.raises(DocumentError, match="classes"):
        without_files("voc", "VOC", "val", None)


def test_hashes_tell_networks_apart_whatever_they_are_called() -> None:
    other = CheckpointIdentity("copy", "ViT", NETWORK.sha256, "float32", "cuda:0")
    assert HEADER.find_difference(replace(HEADER, g=other)) == ""
