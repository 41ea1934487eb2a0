"""Queries of the command line and of files."""

from pathlib import Path

import pytest

from napari_car.cli.texts import gather_queries, read_queries
from napari_car.errors import QueryError
from napari_car.queries import Query


def test_file_of_queries(tmp_path: Path) -> None:
    file = tmp_path / "queries.txt"
    file.write_bytes("\ufeff# animals\ncat\n\n  dog | puppy\r\n   # no more\nstuff: grass\n".encode())
    expected = [Query("cat"), Query("dog", ("puppy",)), Query("grass", (), "stuff")]
    assert read_queries(file) == (expected, [])
    assert gather_queries(["sofa"], file) == ([Query("sofa"), *expected], [])
    assert gather_queries(["sofa", "not: stem | stalk"], None) == ([Query("sofa")], ["stem", "stalk"])


@pytest.mark.parametrize(
    ("content", "said"), [(b"# nothing\n\n", "holds no query"), (b"caf\xe9\n", "not text in UTF-8")]
)
def test_wrong_file_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "queries.txt"
    file.write_bytes(content)
    with pytest.raises(QueryError, match=said):
        read_queries(file)


def test_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="cannot be read: No such file"):
        read_queries(tmp_path / "none.txt")
