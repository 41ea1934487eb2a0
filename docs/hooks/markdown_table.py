"""Tables in markdown."""

import re
from collections.abc import Iterable, Sequence

_BAR_OR_CODE = re.compile(r"(`[^`]*`)|\|")


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], align: str = "") -> str:
    """Write a table; `align` has a letter per column, ``r`` for right, left being the default."""
    marks = [("---:" if mark == "r" else "---") for mark in align.ljust(len(titles), "l")]
    lines = [titles, marks, *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(value: object) -> str:
    """Write a value so that it stays within its cell; in code a bar does no harm, and a backslash would be seen."""
    return _BAR_OR_CODE.sub(lambda match: match[1] or r"\|", " ".join(str(value).split()))


def code(text: str) -> str:
    """Set a text as code."""
    return f"`{text}`" if text else ""
