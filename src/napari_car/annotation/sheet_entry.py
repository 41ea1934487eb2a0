"""An entry of the list of queries."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from napari_car.errors import ConfigError, QueryError
from napari_car.io.colours import RGB
from napari_car.queries import Group, Query, collect_queries
from napari_car.schema import Checked, plain

from .query_text import Role, write_query

MAX_ID = 65_535
"""Largest id: label maps of 16 bits can hold it."""
_MAX_QUOTED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntry(Checked):
    """One query of a list, or one distractor.

    Raises
    ------
    QueryError
        If a field cannot be used: a text that is empty or holds a bar, for example.
    """

    id: int = field(metadata={"low": 1, "high": MAX_ID})
    """Its label in label maps; never changes."""
    text: str
    """What is looked for; also the name of its mask. Blanks around it are removed."""
    synonyms: tuple[str, ...] = ()
    """Other words for it, without duplicates."""
    role: Role = "query"
    """A "background" entry is a distractor: it competes with the queries, but gets no mask."""
    group: Group = "thing"
    """Used only where things and stuff are segmented apart."""
    enabled: bool = True
    """Whether the next run takes it into account."""
    colour: RGB
    """Of its mask."""
    name: str = ""
    """Name of the class in data sets; empty: the text."""
    templates: tuple[str, ...] = ()
    """Phrases with a place ``{}`` for each word, such as ``{} under a microscope``; none: the words as they are."""
    parent: int = field(default=0, metadata={"low": 0, "high": MAX_ID})
    """Id of the class that this one is a kind of; 0 for none."""
    notes: str = ""
    """For people: what belongs to it and what does not."""

    def __post_init__(self) -> None:
        try:
            Checked.__post_init__(self)
            query = self.query
        except ConfigError as error:
            raise QueryError(str(error)) from error
        if len(self.colour) != 3 or not all(0 <= value <= 255 for value in self.colour):
            raise QueryError(f"The colour {self.colour} must be three whole numbers between 0 and 255.")
        ((query,), _) = collect_queries([query])
        words = {Query(word).key: word for word in (*reversed(query.synonyms), query.text)}
        for word in words.values():
            if "|" in word:
                raise QueryError(
                    f"{quoted(word)} holds a bar, which stands between synonyms: write each as a word of its own."
                )
        del words[query.key]
        name = " ".join(self.name.split())
        if not name.isprintable():
            raise QueryError(f"The name {name!r} holds a character that cannot be shown; type it anew.")
        object.__setattr__(self, "name", "" if name == query.text else name)
        object.__setattr__(self, "text", query.text)
        object.__setattr__(self, "synonyms", tuple(reversed(words.values())))

    @property
    def query(self) -> Query:
        """The query as the segmenter takes it."""
        return Query(self.text, self.synonyms, self.group, self.templates)

    @property
    def class_name(self) -> str:
        """Name of the class in data sets."""
        return self.name or self.text

    @property
    def words(self) -> tuple[str, ...]:
        """Text and synonyms."""
        return self.text, *self.synonyms

    @property
    def line(self) -> str:
        """As it can be typed and pasted: ``not: leaf | foliage``."""
        return write_query(self.query, self.role)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        return {spec.name: plain(getattr(self, spec.name)) for spec in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build an entry from :meth:`to_dict`; anything unknown, missing or wrong raises QueryError."""
        if not isinstance(fields, Mapping):
            raise QueryError(f"A query must be a table of fields, not {fields!r}.")
        try:
            return cls(**fields)
        except TypeError as error:
            expected = ", ".join(spec.name for spec in dataclasses.fields(cls))
            raise QueryError(f"A query with the fields {', '.join(map(str, fields))} must have {expected}.") from error


def already_listed(word: str, owner: SheetEntry) -> str:
    """Return the sentence that a word stands in the list already, and where."""
    marks = [f"as a synonym of {quoted(owner.text)}"] if Query(word).key != owner.query.key else []
    marks += ["as a distractor"] if owner.role == "background" else []
    marks += ["switched off"] if not owner.enabled else []
    return ", ".join([f"{quoted(word)} is in the list already", *marks]) + "."


def quoted(word: str) -> str:
    """Return a word in quotes for a sentence, cut short if it is very long."""
    return f'"{word}"' if len(word) <= _MAX_QUOTED else f'"{word[: _MAX_QUOTED - 1]}…"'
