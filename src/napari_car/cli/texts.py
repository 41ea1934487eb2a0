"""Queries as they are typed: on the command line and in files."""

from collections.abc import Iterable
from pathlib import Path

from napari_car.errors import QueryError
from napari_car.queries import Query

SEPARATOR = "|"
"""Between a query and its synonyms: ``leaf | foliage | leaves``."""


_STUFF_PREFIX = "stuff:"


def parse_query(text: str) -> Query:
    """Read a query: ``leaf``, with synonyms ``leaf | foliage | leaves``, or as stuff ``stuff: sky | clouds``.

    Stuff differs from things only where both are segmented apart (mutual background). Whether the query is empty is
    left to :func:`napari_car.queries.collect_queries`.
    """
    is_stuff = text.lstrip().casefold().startswith(_STUFF_PREFIX)
    words = text.lstrip()[len(_STUFF_PREFIX) :] if is_stuff else text
    first, *synonyms = (word.strip() for word in words.split(SEPARATOR))
    return Query(first, tuple(synonyms), "stuff" if is_stuff else "thing")


def read_queries(file: Path) -> list[Query]:
    """Read a file of queries in UTF-8.

    One query per line, as in :func:`parse_query`; blank lines, and lines that start with ``#``, do not count.

    Raises
    ------
    QueryError
        If the file cannot be read, is not text, or holds no query.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise QueryError(f"The queries file {file} is not text in UTF-8.") from error
    except OSError as error:
        raise QueryError(f"The queries file {file} cannot be read: {error.strerror}.") from error
    queries = [parse_query(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not queries:
        raise QueryError(f"The queries file {file} holds no query; write one per line.")
    return queries


def gather_queries(texts: Iterable[str], file: Path | None) -> list[Query]:
    """Return the queries of the command line, then those of the file."""
    return [*map(parse_query, texts), *([] if file is None else read_queries(file))]
