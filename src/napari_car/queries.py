"""Text queries: what a user asks for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from .errors import QueryError
from .schema import check_template

Group = Literal["thing", "stuff"]

SEPARATOR = "|"
"""Between a query and its synonyms: ``leaf | foliage | leaves``."""

_STUFF_PREFIX = "stuff:"


@dataclass(frozen=True, slots=True)
class Query:
    """A text query.

    Parameters
    ----------
    text : str
        What is looked for; also the name of its mask.
    synonyms : tuple of str
        Other words for it; the query's embedding is the mean over all of them.
    group : {"thing", "stuff"}
        Used with mutual background only (appendix E).
    templates : tuple of str
        Phrases with one place ``{}`` each, into which text and synonyms are put before the templates of the method; the
        embedding is the mean over all. None: the words as they are.

    Raises
    ------
    ConfigError
        If a template has not one place for the word.
    """

    text: str
    synonyms: tuple[str, ...] = ()
    group: Group = "thing"
    templates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for template in self.templates:
            check_template(template, f'The query "{self.text}"')

    @property
    def phrases(self) -> tuple[str, ...]:
        """What is embedded: text and synonyms, each in each template of the query's own."""
        words = (self.text, *self.synonyms)
        return tuple(template.format(word) for template in self.templates for word in words) or words

    @property
    def key(self) -> str:
        """Text by which duplicates are found: case and runs of blanks do not count."""
        return " ".join(self.text.split()).casefold()


def parse_query(text: str) -> Query:
    """Read a query as it is typed: ``leaf``, with synonyms ``leaf | foliage | leaves``, or as stuff ``stuff: sky``.

    Stuff differs from things only where both are segmented apart (mutual background). Whether the query is empty is
    left to :func:`collect_queries`.
    """
    is_stuff = text.lstrip().casefold().startswith(_STUFF_PREFIX)
    words = text.lstrip()[len(_STUFF_PREFIX) :] if is_stuff else text
    first, *synonyms = (word.strip() for word in words.split(SEPARATOR))
    return Query(first, tuple(synonyms), "stuff" if is_stuff else "thing")


def collect_queries(items: Iterable[str | Query]) -> tuple[tuple[Query, ...], tuple[str, ...]]:
    """Check queries and merge duplicates.

    Parameters
    ----------
    items : iterable of str or Query
        In the order in which results are wanted.

    Returns
    -------
    queries : tuple of Query
        Without duplicates; blanks around a text are removed.
    notes : tuple of str
        One sentence for each query that was merged into an earlier one.

    Raises
    ------
    QueryError
        If there is none, or one is empty or holds a character that is not text.
    """
    if isinstance(items, str):
        raise QueryError("Queries must be a list of texts, not a single text.")
    first: dict[str, Query] = {}
    notes = []
    for item in items:
        query = _cleaned(item if isinstance(item, Query) else Query(str(item)))
        if query.key in first:
            notes.append(f'The query "{query.text}" was given twice and is answered once.')
            query = _merged(first[query.key], query)
        first[query.key] = query
    if not first:
        raise QueryError("There is no query; type what to look for, for example: leaf.")
    return tuple(first.values()), tuple(notes)


def clean_expression(text: str) -> str:
    """Return a referring expression as the paper's benchmarks use it: lower case, without ``"`` and ``/``."""
    return text.lower().replace('"', "").replace("/", "")


def clean_expressions(queries: Iterable[str | Query]) -> list[Query]:
    """Return queries with referring expressions cleaned, synonyms too."""
    items = [query if isinstance(query, Query) else Query(query) for query in queries]
    return [
        Query(clean_expression(item.text), tuple(map(clean_expression, item.synonyms)), item.group) for item in items
    ]


def _cleaned(query: Query) -> Query:
    """Strip blanks; refuse what is empty or not printable."""
    text = " ".join(query.text.split())
    synonyms = tuple(dict.fromkeys(" ".join(word.split()) for word in query.synonyms if word.split()))
    if not text:
        raise QueryError("A query is empty; type what to look for, for example: leaf.")
    for word in (text, *synonyms):
        if any(not (character.isprintable() or character in "\u200d\ufe0f") for character in word):
            raise QueryError(f"The query {word!r} holds a character that cannot be shown; type it anew.")
    return replace(query, text=text, synonyms=tuple(word for word in synonyms if word != text))


def _merged(first: Query, second: Query) -> Query:
    """Keep the first text and all synonyms."""
    return replace(
        first,
        synonyms=tuple(dict.fromkeys(first.synonyms + second.synonyms)),
        templates=tuple(dict.fromkeys(first.templates + second.templates)),
    )
