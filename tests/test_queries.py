"""Queries: cleaned, checked, merged."""

import pytest

from napari_car.errors import QueryError
from napari_car.queries import Query, clean_expression, collect_queries, parse_query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("leaf", Query("leaf")),
        ("  red  circle ", Query("red  circle")),
        ("leaf | foliage|leaves", Query("leaf", ("foliage", "leaves"))),
        ("stuff: sky | clouds", Query("sky", ("clouds",), "stuff")),
        ("Stuff:sky", Query("sky", (), "stuff")),
        ("stuffed toy", Query("stuffed toy")),
    ],
)
def test_query_with_synonyms_and_group(text: str, query: Query) -> None:
    assert parse_query(text) == query


def test_order_and_blanks() -> None:
    queries, notes = collect_queries(["  red   jacket ", "leaf"])
    assert [query.text for query in queries] == ["red jacket", "leaf"]
    assert notes == ()


def test_duplicates_are_merged_and_said() -> None:
    queries, notes = collect_queries(["Leaf", Query("leaf", synonyms=("foliage",)), "cat", "LEAF "])
    assert queries == (Query("Leaf", synonyms=("foliage",)), Query("cat"))
    assert len(notes) == 2
    assert "was given twice" in notes[0]


@pytest.mark.parametrize("items", [[], [""], ["leaf", "  \t"], "leaf", ["le\x00af"], ["le\u202eaf"]])
def test_what_is_refused(items) -> None:
    with pytest.raises(QueryError):
        collect_queries(items)


@pytest.mark.parametrize("text", ["🍂", "👩\u200d🌾", "❤\ufe0f", "Blätter", "葉", "naïve café"])
def test_any_script_serves(text: str) -> None:
    assert collect_queries([text])[0][0].text == text


def test_synonyms_are_cleaned() -> None:
    (query,), _ = collect_queries([Query("leaf", synonyms=(" leaf", "foliage ", "", "foliage"))])
    assert query.synonyms == ("foliage",)


def test_a_thousand_queries() -> None:
    queries, _ = collect_queries(f"thing {i}" for i in range(1000))
    assert len(queries) == 1000


def test_expressions() -> None:
    assert clean_expression('Man on "left" w/ hat') == "man on left w hat"
