"""Classes of the benchmarks against the facts that were gathered for them."""

import json
from pathlib import Path
from typing import get_args

import pytest

from napari_car.evaluation.benchmarks.class_data import ClassSet, load_class_data, load_record
from napari_car.queries import collect_queries

CLASS_SETS = get_args(ClassSet)


@pytest.mark.parametrize("class_set", CLASS_SETS)
def test_classes_are_those_that_were_gathered(class_set: ClassSet, reference_folder: Path) -> None:
    expected = json.loads((reference_folder / "class_names.json").read_text(encoding="utf-8"))[class_set]
    data = load_class_data(class_set)
    assert [(item.id, item.name, item.query.text, item.query.group) for item in data.classes] == [
        (item["id"], item["name"], item["query"], item["group"]) for item in expected["classes"]
    ]
    assert [id_ - 1 for id_ in data.stuff_order] == expected.get("stuff_index", [])
    things = [item.id - 1 for item in data.classes if item.query.group == "thing"]
    assert things == expected.get("thing_index", list(range(len(data.classes))))
    assert data.n_images == expected["n_images"]
    assert [item.id - data.added for item in data.classes] == [
        item.get("file_id", item["id"]) for item in expected["classes"]
    ]
    assert load_record()["benchmarks"][class_set]["background_scored"] == expected["background_scored"]


@pytest.mark.parametrize("class_set", CLASS_SETS)
def test_values_that_are_not_scored(class_set: ClassSet, reference_folder: Path) -> None:
    expected = json.loads((reference_folder / "class_names.json").read_text(encoding="utf-8"))[class_set]
    data = load_class_data(class_set)
    void = expected.get("decoding", {}).get("file_void", expected["ignore_id"])
    assert data.void_values == (() if void is None else (void,))
    assert data.above_is_void == ("then" in expected.get("decoding", {}))


@pytest.mark.parametrize("class_set", CLASS_SETS)
def test_no_two_classes_are_asked_for_in_the_same_words(class_set: ClassSet) -> None:
    queries = [item.query for item in load_class_data(class_set).classes]
    collected, notes = collect_queries(queries)
    assert list(collected) == queries
    assert not notes


def test_ids_count_from_one_and_stuff_is_listed_once() -> None:
    sizes = {"voc": 20, "coco_object": 80, "context_59": 59, "context_459": 459, "ade_150": 150, "ade_847": 847}
    for class_set in CLASS_SETS:
        data = load_class_data(class_set)
        assert [item.id for item in data.classes] == list(range(1, sizes[class_set] + 1))
        stuff = {item.id for item in data.classes if item.query.group == "stuff"}
        assert sorted(data.stuff_order) == sorted(stuff)


def test_sources_and_oddities_are_named() -> None:
    for record in load_record()["benchmarks"].values():
        assert any("google-research" in source for source in record["source"])
    assert any("847" in text for text in load_record()["benchmarks"]["ade_847"]["oddities"])
