"""Queries as people type and paste them: several at once, out of lists, notes and tables."""

import re
import unicodedata
from pathlib import Path
from typing import Literal

from napari_car.errors import QueryError
from napari_car.queries import Query, parse_query

Role = Literal["query", "background"]

BACKGROUND_PREFIX = "not:"
"""In front of a distractor: ``not: stem``."""

_SEPARATORS = ",;\t，、；،؛"
_QUOTES = ('""', "''", "``", "“”", "‘’", "„“", "«»", "「」")
# A quote that ends where an item or a word ends protects the separators inside: "dog, brown" is one query.
_ITEM = re.compile(rf'(?:(?:"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»|「[^」]*」)\s*(?=[{_SEPARATORS}|]|$)|[^{_SEPARATORS}])+')
_LIST_MARK = re.compile(r"\s*(?:[-–—*•◦‣⁃∙·●○■□▪▫➤►▶✓✔]+\s*(?:\[[ xX]?\]\s+)?|\(?\d{1,3}[.)](?!\d)\s*)")
_BACKGROUND = re.compile(r"(stuff\s*:)?\s*not\s*:", re.IGNORECASE)
_JOINERS = "\u200d\ufe0f"


def split_queries(text: str) -> list[str]:
    """Split what was typed or pasted into single queries.

    One query per line, or several on a line with commas, semicolons or tabs between them; a query that holds a comma
    stands in double quotes. Lines that start with ``#`` do not count.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        Each as :func:`read_query` takes it; items without a letter, number or symbol are left out.
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    items = (item.strip() for line in lines for item in _ITEM.findall(line))
    return [item for item in items if any(unicodedata.category(char)[0] in "LNS" for char in _without_mark(item))]


def read_query(item: str) -> tuple[Query, Role]:
    """Read one query: ``leaf | foliage``, as stuff ``stuff: sky``, as a distractor ``not: stem``.

    Bullets and numbers of lists ("- leaf", "1. leaf"), quotes, and invisible marks of web pages (soft hyphens,
    zero-width blanks) are left out.

    Parameters
    ----------
    item : str

    Returns
    -------
    query : Query
        Its text is empty if the item holds no word.
    role : {"query", "background"}
        "background" for a distractor.
    """
    item = _unquoted(_without_mark(_without_invisible(item)))
    background = _BACKGROUND.match(item)
    if background:
        item = (background[1] or "") + item[background.end() :]
    query = parse_query(item)
    words = [word for word in map(_unquoted, (query.text, *query.synonyms)) if word]
    return Query("".join(words[:1]), tuple(words[1:]), query.group), "background" if background else "query"


def write_query(query: Query, role: Role) -> str:
    """Return the line that :func:`split_queries` and :func:`read_query` turn into this query again."""
    prefix = (f"{BACKGROUND_PREFIX} " if role == "background" else "") + ("stuff: " if query.group == "stuff" else "")
    return prefix + " | ".join(map(_quoted, (query.text, *query.synonyms)))


def read_lines(file: Path) -> list[str]:
    """Return the queries of a text file in UTF-8, one per line.

    Blank lines, and lines that start with ``#``, do not count.

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
    queries = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not queries:
        raise QueryError(f"The queries file {file} holds no query; write one per line.")
    return queries


def _without_invisible(text: str) -> str:
    """Leave out format characters, which nobody sees; control characters stay, to be refused."""
    return "".join(char for char in text if unicodedata.category(char) != "Cf" or char in _JOINERS)


def _without_mark(text: str) -> str:
    """Strip a bullet or a number of a list."""
    mark = _LIST_MARK.match(text)
    return text[mark.end() :] if mark else text


def _unquoted(text: str) -> str:
    """Strip one pair of quotes around a text."""
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] + text[-1] in _QUOTES and text[0] not in text[1:-1]
    return text[1:-1].strip() if is_quoted else text


def _quoted(word: str) -> str:
    """Put a word in quotes if it would be split or shortened otherwise."""
    is_plain = not re.search(f"[{_SEPARATORS}#]", word) and word == _unquoted(_without_mark(word))
    return word if is_plain else f'"{word}"'
