"""Lines of items."""

import json
from typing import Any

import pytest
from evaluation_cases import count_image, record_of

from napari_car.errors import DocumentError
from napari_car.evaluation.items import ItemRecord

RECORD = record_of("plot é\n1", count_image("plot é\n1", [0, 1, 2], [0, 1, 1]), notes=("a", "b"), mask="1.png")


def test_a_record_is_one_line_and_comes_back() -> None:
    line = RECORD.to_json()
    assert "\n" not in line
    assert ItemRecord.from_json(line) == RECORD


@pytest.mark.parametrize("line", ["", "{", "[]", "3", "null", '{"key": "a"}', RECORD.to_json()[:-20]])
def test_what_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(DocumentError):
        ItemRecord.from_json(line)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", 3),
        ("counts", []),
        ("seconds", {"all": "long"}),
        ("seconds", {"all": -1}),
        ("seconds", {"all": float("inf")}),
        ("memory_mb", "much"),
        ("memory_mb", True),
        ("n_steps", 1.5),
        ("n_steps", -1),
        ("n_frames", 0),
        ("mask", None),
        ("notes", [3]),
        ("more", 1),
    ],
)
def test_parts_of_the_wrong_kind_are_refused(name: str, value: Any) -> None:
    record = json.loads(RECORD.to_json()) | {name: value}
    with pytest.raises(DocumentError):
        ItemRecord.from_json(json.dumps(record))


def test_memory_may_be_unknown() -> None:
    record = record_of("a", {}, memory_mb=None)
    assert ItemRecord.from_json(record.to_json()).memory_mb is None
