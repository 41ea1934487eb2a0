"""Tables in markdown."""

from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], align: str = "") -> str:
    """Write a table; `align` has a letter per column, ``r`` for right, left being the default."""
    marks = [("---:" if mark == "r" else "---") for mark in align.ljust(len(titles), "l")]
    lines = [titles, marks, *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(value: object) -> str:
    """Write a value so that it stays within its cell."""
    return " ".join(str(value).split()).replace("|", r"\|")


def code(text: str) -> str:
    """Set a text as code."""
    return f"`{text}`" if text else ""
