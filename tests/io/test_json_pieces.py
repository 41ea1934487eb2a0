"""JSON in pieces holds what the standard library reads in one go."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.io.json_pieces import read_pieces

TEXTS = st.text('ab"\\[]{},: é😀\n', max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(TEXTS, VALUES, max_size=4)


def put_together(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for piece in read_pieces(text):
        if piece.is_item:
            found.setdefault(piece.key, []).append(piece.value)
        else:
            found[piece.key] = piece.value
        assert 0 < piece.end <= len(text)
    return found


@given(RECORDS, st.sampled_from([None, 0, 2, "\t"]))
def test_all_that_is_json_is_read(record: dict[str, Any], indent: int | str | None) -> None:
    assert put_together(f" {json.dumps(record, indent=indent)}\r\n") == record


@given(RECORDS, st.data())
def test_what_is_cut_off_is_refused(record: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(record)
    with pytest.raises(ValueError):  # noqa: PT011  # the text is the standard library's
        put_together(text[: data.draw(st.integers(0, len(text) - 1))])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[1",
        '{"a" 1}',
        '{"a": 1 "b": 2}',
        '{"a": 1,}',
        '{"a": [1,]}',
        '{"a": [1 2]}',
        '{"a": [}',
        "{1: 2}",
        '{"a": 1} b',
        "{,}",
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        put_together(text)


@pytest.mark.parametrize("text", ["[]", "3", '"a"', "null"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(TypeError):
        put_together(text)
