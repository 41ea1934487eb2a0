"""Queries of the command line and of the files that it names."""

from collections.abc import Iterable
from pathlib import Path

from napari_car.annotation.query_text import read_lines, read_query
from napari_car.queries import Query


def read_queries(file: Path) -> tuple[list[Query], list[str]]:
    """Read a file of queries in UTF-8.

    One query per line, as :func:`napari_car.annotation.query_text.read_query` reads it, so that the same files serve
    the plugin; blank lines, and lines that start with ``#``, do not count.

    Returns
    -------
    queries : list of Query
    distractors : list of str
        Words of the lines that start with ``not:``.

    Raises
    ------
    QueryError
        If the file cannot be read, is not text, or holds no line that counts.
    """
    return _parted(read_lines(file))


def gather_queries(texts: Iterable[str], file: Path | None) -> tuple[list[Query], list[str]]:
    """Return queries and distractors of the command line, then those of the file."""
    return _parted([*texts, *([] if file is None else read_lines(file))])


def _parted(lines: Iterable[str]) -> tuple[list[Query], list[str]]:
    """Tell queries and distractors apart."""
    queries, distractors = [], []
    for query, role in map(read_query, lines):
        if role == "query":
            queries.append(query)
        else:
            distractors += [query.text, *query.synonyms]
    return queries, distractors
