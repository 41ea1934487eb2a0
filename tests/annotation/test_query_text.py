"""Queries as they are typed and pasted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.query_text import read_lines, read_query, split_queries, write_query
from napari_car.errors import QueryError
from napari_car.queries import Query


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("leaf", ["leaf"]),
        ("leaf\nstem\r\nred flower", ["leaf", "stem", "red flower"]),
        ("leaf, stem; flower\tsoil", ["leaf", "stem", "flower", "soil"]),
        ("leaf | foliage, stem", ["leaf | foliage", "stem"]),
        ("# plants\nleaf\n  # no more", ["leaf"]),
        ('"dog, brown", cat', ['"dog, brown"', "cat"]),
        ("“dog, brown” | puppy; cat", ["“dog, brown” | puppy", "cat"]),
        ('5" disk, 3" disk', ['5" disk', '3" disk']),
        ("dog's ear, cat's ear", ["dog's ear", "cat's ear"]),
        ("花、葉，茎", ["花", "葉", "茎"]),
        ("ورقة، زهرة", ["ورقة", "زهرة"]),
        ("🍎, 🍐", ["🍎", "🍐"]),
        ("\n , ;; \t\n---\n1.\n*\n", []),
    ],
)
def test_splitting(text: str, items: list[str]) -> None:
    assert split_queries(text) == items


@pytest.mark.parametrize(
    ("item", "query", "role"),
    [
        ("leaf", Query("leaf"), "query"),
        ("leaf|foliage | leaves ", Query("leaf", ("foliage", "leaves")), "query"),
        ("stuff: sky | clouds", Query("sky", ("clouds",), "stuff"), "query"),
        ("not: stem | stalk", Query("stem", ("stalk",)), "background"),
        ("Not : stuff: soil", Query("soil", (), "stuff"), "background"),
        ("stuff: not:soil", Query("soil", (), "stuff"), "background"),
        ("nothing", Query("nothing"), "query"),
        ("1. leaf", Query("leaf"), "query"),
        ("(12) leaf", Query("leaf"), "query"),
        ("• leaf", Query("leaf"), "query"),
        ("- [x] not: stem", Query("stem"), "background"),
        ("2.5 mm ring", Query("2.5 mm ring"), "query"),
        ("3D print", Query("3D print"), "query"),
        ("well-watered plant", Query("well-watered plant"), "query"),
        ("'leaf'", Query("leaf"), "query"),
        ("„Blatt“ | «feuille»", Query("Blatt", ("feuille",)), "query"),
        ("the 'big' leaf", Query("the 'big' leaf"), "query"),
        ("soft\u00adhyphen\u200b\ufeff", Query("softhyphen"), "query"),
        ("bell\x07", Query("bell\x07"), "query"),  # refused later, by name
        ("👩\u200d🌾", Query("👩\u200d🌾"), "query"),
        (" | foliage | ", Query("foliage"), "query"),
        ("stuff:", Query("", (), "stuff"), "query"),
    ],
)
def test_reading(item: str, query: Query, role: str) -> None:
    assert read_query(item) == (query, role)


WORDS = st.text("aeé葉 ,;#-.1)", min_size=1).map(lambda text: " ".join(text.split())).filter(str.isprintable)


@given(
    words=st.lists(WORDS.filter(lambda word: any(map(str.isalnum, word))), min_size=1, max_size=3),
    group=st.sampled_from(["thing", "stuff"]),
    role=st.sampled_from(["query", "background"]),
)
def test_a_written_query_is_read_again(words: list[str], group: str, role: str) -> None:
    query = Query(words[0], tuple(words[1:]), group)
    (item,) = split_queries(write_query(query, role))
    assert read_query(item) == (query, role)


def test_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "queries.txt"
    file.write_bytes("\ufeff# animals\ndog, brown\n\n   # no more\r\nnot: grass\n".encode())
    assert read_lines(file) == ["dog, brown", "not: grass"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"# nothing\n\n", "holds no query"), (b"caf\xe9\n", "not text in UTF-8"), (None, "No such")]
)
def test_unusable_file_is_one_sentence(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "queries.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(QueryError, match=said):
        read_lines(file)
