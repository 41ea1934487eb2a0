"""Queries of the command line and of the files that it names."""

from collections.abc import Iterable
from pathlib import Path

from napari_car.annotation.query_text import read_lines
from napari_car.queries import Query, parse_query


def read_queries(file: Path) -> list[Query]:
    """Read a file of queries in UTF-8.

    One query per line, as :func:`napari_car.queries.parse_query` reads it; blank lines, and lines that start with
    ``#``, do not count.

    Raises
    ------
    QueryError
        If the file cannot be read, is not text, or holds no query.
    """
    return [parse_query(line) for line in read_lines(file)]


def gather_queries(texts: Iterable[str], file: Path | None) -> list[Query]:
    """Return the queries of the command line, then those of the file."""
    return [*map(parse_query, texts), *([] if file is None else read_queries(file))]
