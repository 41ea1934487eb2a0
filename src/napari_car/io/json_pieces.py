"""Read large JSON piece by piece: other threads go on meanwhile, and what is not needed is not kept."""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

_BLANKS = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Piece:
    """A member of an object, or an item of a member that is a list.

    Parameters
    ----------
    key : str
        Of the member.
    value : Any
        Of the member or the item; of an empty list, that list.
    is_item : bool
        Whether it is an item of a list.
    end : int
        Place behind it in the text.
    """

    key: str
    value: Any
    is_item: bool
    end: int


def read_pieces(text: str) -> Iterator[Piece]:
    """Yield the members of a JSON object in order, those that are lists item by item.

    The standard library reads a text in one go, in which no other thread of the program, and so no window, can do
    anything.

    Raises
    ------
    ValueError
        If it is not JSON.
    TypeError
        If it is no object.
    RecursionError
        If it is nested too deeply.
    """
    at = _skip(text, 0)
    if not text.startswith("{", at):
        json.loads(text)  # raises, if it is not JSON at all
        raise TypeError("It holds no object.")
    at = _skip(text, at + 1)
    while not text.startswith("}", at):
        if not text.startswith('"', at):
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        key, at = _decoder.raw_decode(text, at)
        at = _skip(text, _expect(text, _skip(text, at), ":"))
        if text.startswith("[", at):
            at = yield from _read_items(text, key, at)
        else:
            value, at = _decoder.raw_decode(text, at)
            yield Piece(key, value, False, at)
        at = _next(text, at, "}")
    if (end := _skip(text, at + 1)) < len(text):
        raise json.JSONDecodeError("Extra data", text, end)


def _read_items(text: str, key: str, at: int) -> Generator[Piece, None, int]:
    """Yield the items of a list that begins at a place; return the place behind it."""
    at = _skip(text, at + 1)
    if text.startswith("]", at):
        yield Piece(key, [], False, at + 1)
    while not text.startswith("]", at):
        value, at = _decoder.raw_decode(text, at)
        yield Piece(key, value, True, at)
        at = _next(text, at, "]")
    return at + 1


def _next(text: str, at: int, end: str) -> int:
    """Return where the next part begins, or where the end stands."""
    at = _skip(text, at)
    if text.startswith(end, at):
        return at
    at = _skip(text, _expect(text, at, ","))
    if text.startswith(end, at):
        raise json.JSONDecodeError("Illegal trailing comma", text, at)
    return at


def _expect(text: str, at: int, sign: str) -> int:
    """Return the place behind a sign that must stand here."""
    if not text.startswith(sign, at):
        raise json.JSONDecodeError(f"Expecting {sign!r} delimiter", text, at)
    return at + 1


def _skip(text: str, at: int) -> int:
    """Return the place behind blanks."""
    found = _BLANKS.match(text, at)
    assert found is not None
    return found.end()
