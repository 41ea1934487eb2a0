"""The list of queries of an annotator: what is looked for, with ids and colours that stay."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

from napari_car.errors import QueryError
from napari_car.io.colours import RGB, query_colours
from napari_car.queries import Query

from .query_text import Role, read_query, split_queries
from .sheet_entry import MAX_ID, SheetEntry, already_listed, quoted

__all__ = ["QuerySheet", "SheetEntry"]


@dataclass(frozen=True, slots=True)
class QuerySheet:
    """A list of queries that is changed by building a new one.

    An id belongs to one entry for ever: it stays when entries are renamed, moved, switched off or removed, and is
    never given again, so labels that were painted with it keep their meaning.

    Parameters
    ----------
    entries : tuple of SheetEntry
        In the order shown. No word, be it a text or a synonym, stands in two of them; case and blanks do not count.
    next_id : int
        Id of the entry that is added next; larger than all ids ever given.
    list_id : str
        Tells lists apart whose ids mean other things: all that come from one list by changes have the same.

    Raises
    ------
    QueryError
        If an id or a word stands in two entries, or an id is not below `next_id`.
    """

    entries: tuple[SheetEntry, ...] = ()
    next_id: int = 1
    list_id: str = ""

    def __post_init__(self) -> None:
        ids = {entry.id for entry in self.entries}
        if len(ids) < len(self.entries):
            raise QueryError("Two queries have the same id.")
        if not max(ids, default=0) < self.next_id <= MAX_ID + 1:
            raise QueryError(f"The next id is {self.next_id}, but must be above all others and at most {MAX_ID + 1}.")
        self._check_classes()
        owners: dict[str, SheetEntry] = {}
        for entry in self.entries:
            for word in entry.words:
                owner = owners.setdefault(Query(word).key, entry)
                if owner is not entry:
                    raise QueryError(already_listed(word, owner))

    @property
    def queries(self) -> tuple[Query, ...]:
        """What is looked for: the entries that are switched on and no distractors, in order."""
        return tuple(entry.query for entry in self._wanted)

    @property
    def query_ids(self) -> tuple[int, ...]:
        """Ids of :attr:`queries`, in the same order."""
        return tuple(entry.id for entry in self._wanted)

    @property
    def background_words(self) -> tuple[str, ...]:
        """Texts and synonyms of the distractors that are switched on."""
        chosen = (entry for entry in self.entries if entry.enabled and entry.role == "background")
        return tuple(word for entry in chosen for word in entry.words)

    @property
    def names(self) -> dict[int, str]:
        """Text of each entry by its id."""
        return {entry.id: entry.text for entry in self.entries}

    @property
    def colours(self) -> dict[int, RGB]:
        """Colour of each entry by its id."""
        return {entry.id: entry.colour for entry in self.entries}

    def entry(self, entry_id: int) -> SheetEntry:
        """Return the entry with an id; KeyError if there is none."""
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        raise KeyError(entry_id)

    def added(self, text: str) -> tuple["QuerySheet", tuple[str, ...]]:
        """Add what was typed or pasted.

        Parameters
        ----------
        text : str
            One query per line, or several on a line with commas, semicolons or tabs between them; synonyms behind
            bars: ``leaf | foliage``. ``not: stem`` is a distractor, ``stuff: sky`` is stuff. Quotes protect commas:
            ``"dog, brown"``. Lines that start with ``#`` do not count. Bullets and numbers of lists are left out.

        Returns
        -------
        sheet : QuerySheet
        notes : tuple of str
            One sentence for each query that was not added, or not as it was typed. New synonyms of a word that is
            in the list already are added to it.
        """
        return self.added_each(split_queries(text))

    def added_each(self, items: Iterable[str]) -> tuple["QuerySheet", tuple[str, ...]]:
        """Add texts of which each is one query, even if it holds commas; else as :meth:`added`."""
        queries = [read_query(item) for item in items]
        growth = _Growth(self, len(queries))
        notes = [note for query, role in queries for note in growth.add(query, role)]
        grown = dataclasses.replace(self, entries=tuple(growth.entries.values()), next_id=growth.next_id)
        return grown, tuple(notes)

    def as_another(self) -> "QuerySheet":
        """Return the list as one whose ids need not mean what those of the list in use mean."""
        return dataclasses.replace(self, list_id=uuid4().hex)

    def reworded(self, entry_id: int, text: str) -> "QuerySheet":
        """Change an entry to what was typed: ``leaf | foliage``; prefixes as for :meth:`added`, commas are kept.

        Raises
        ------
        QueryError
            If it is empty, or a word of it stands in another entry.
        """
        query, role = read_query(text)
        marks: dict[str, Any] = {"role": role} if role == "background" else {}
        marks |= {"group": "stuff"} if query.group == "stuff" else {}
        return self.changed(entry_id, text=query.text, synonyms=query.synonyms, **marks)

    def changed(self, entry_id: int, **fields: Any) -> "QuerySheet":
        """Change fields of an entry, all but its id.

        Raises
        ------
        QueryError
            If a value cannot be used, or a word stands in another entry.
        """
        changed = dataclasses.replace(self.entry(entry_id), **fields)
        if changed.id != entry_id:
            raise QueryError(f"The id of a query never changes: {entry_id} cannot become {changed.id}.")
        others = {Query(word).key: entry for entry in self.entries if entry.id != entry_id for word in entry.words}
        for word in changed.words:
            if Query(word).key in others:
                raise QueryError(already_listed(word, others[Query(word).key]))
        return self._with(changed if entry.id == entry_id else entry for entry in self.entries)

    def removed(self, ids: Iterable[int]) -> "QuerySheet":
        """Remove entries; their ids are not given again, and kinds of them become kinds of what they were kinds of."""
        gone = set(ids)
        parents = {entry.id: entry.parent for entry in self.entries}

        def adopted(entry: SheetEntry) -> SheetEntry:
            parent = entry.parent
            while parent in gone:
                parent = parents[parent]
            return entry if parent == entry.parent else dataclasses.replace(entry, parent=parent)

        return self._with(adopted(entry) for entry in self.entries if entry.id not in gone)

    def merged(self, ids: Iterable[int], into: int) -> "QuerySheet":
        """Merge entries into another one, which gets their words as synonyms; labels are to be merged by who has them.

        Raises
        ------
        KeyError
            If one of them is not there.
        """
        gone = [self.entry(id_) for id_ in ids if id_ != into]
        words = [word for entry in gone for word in entry.words]
        target = self.entry(into)
        rest = self.removed(entry.id for entry in gone)
        return rest.changed(into, synonyms=(*target.synonyms, *words))

    def moved(self, ids: int | Iterable[int], position: int) -> "QuerySheet":
        """Move one or several entries, together and in their order.

        Parameters
        ----------
        ids : int or iterable of int
        position : int
            How many of the other entries stand before them; what is beyond an end means this end.
        """
        chosen = {ids} if isinstance(ids, int) else set(ids)
        others = [entry for entry in self.entries if entry.id not in chosen]
        position = min(max(position, 0), len(others))
        moving = (entry for entry in self.entries if entry.id in chosen)
        return self._with((*others[:position], *moving, *others[position:]))

    def restored(self, earlier: "QuerySheet") -> "QuerySheet":
        """Go back to an earlier list; ids given since then are still never given again."""
        return dataclasses.replace(earlier, next_id=max(self.next_id, earlier.next_id))

    def to_dict(self) -> dict[str, Any]:
        """Return the list as JSON can hold it."""
        return {"next_id": self.next_id, "entries": [entry.to_dict() for entry in self.entries]}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build a list from :meth:`to_dict`; anything unknown, missing or wrong raises QueryError."""
        if not isinstance(fields, Mapping) or set(fields) != {"next_id", "entries"}:
            raise QueryError("A list of queries must have next_id and entries, and nothing else.")
        entries, next_id = fields["entries"], fields["next_id"]
        if not isinstance(entries, list | tuple) or not isinstance(next_id, int) or isinstance(next_id, bool):
            raise QueryError("In a list of queries, entries must be a list and next_id a whole number.")
        return cls(tuple(map(SheetEntry.from_dict, entries)), next_id)

    def _check_classes(self) -> None:
        """Raise QueryError if two classes have one name, or one is a kind of itself or of what is not there."""
        names: dict[str, SheetEntry] = {}
        parents = {entry.id: entry.parent for entry in self.entries}
        for entry in self.entries:
            other = names.setdefault(Query(entry.class_name).key, entry)
            if other is not entry:
                raise QueryError(f"Two classes are called {quoted(entry.class_name)}: give one of them another name.")
            above, parent = {entry.id}, entry.parent
            while parent:
                if parent not in parents:
                    raise QueryError(f"{quoted(entry.class_name)} is a kind of class {parent}, which is not there.")
                if parent in above:
                    raise QueryError(f"{quoted(entry.class_name)} cannot be a kind of itself.")
                above.add(parent)
                parent = parents[parent]

    @property
    def _wanted(self) -> Iterable[SheetEntry]:
        """Entries that are looked for."""
        return (entry for entry in self.entries if entry.enabled and entry.role == "query")

    def _with(self, entries: Iterable[SheetEntry]) -> "QuerySheet":
        """Return a list with other entries."""
        return dataclasses.replace(self, entries=tuple(entries))


class _Growth:
    """A list to which entries are being added."""

    def __init__(self, sheet: QuerySheet, n_more: int) -> None:
        self.entries = {entry.id: entry for entry in sheet.entries}
        self.next_id = sheet.next_id
        self._colours = query_colours(min(sheet.next_id - 1 + n_more, MAX_ID))
        self._owners = {Query(word).key: entry.id for entry in sheet.entries for word in entry.words}
        self._named = {Query(entry.class_name).key: entry for entry in sheet.entries}

    def add(self, query: Query, role: Role) -> list[str]:
        """Add a query, or its synonyms to the entry that has its text; return what is to be said."""
        owner = self._owner(query.text)
        synonyms = tuple(word for word in query.synonyms if self._owner(word) is None)
        try:
            if owner is None:
                return self._add_entry(query, synonyms, role)
            return self._add_synonyms(query, synonyms, owner, role)
        except QueryError as error:
            return [str(error)]

    def _owner(self, word: str) -> SheetEntry | None:
        """Return the entry that has a word."""
        owner = self._owners.get(Query(word).key)
        return None if owner is None else self.entries[owner]

    def _add_entry(self, query: Query, synonyms: tuple[str, ...], role: Role) -> list[str]:
        """Add an entry with those synonyms that no other has."""
        if self.next_id > MAX_ID:
            raise QueryError(
                f"{quoted(query.text)} was not added: the list has used all ids up to {MAX_ID}; start a new one."
            )
        named = self._named.get(query.key)
        if named is not None:
            raise QueryError(f"{quoted(query.text)} was not added: the class of {quoted(named.text)} is called so.")
        colour = self._colours[self.next_id - 1]
        entry = SheetEntry(
            id=self.next_id, text=query.text, synonyms=synonyms, role=role, group=query.group, colour=colour
        )
        taken = [(word, self._owner(word)) for word in query.synonyms]
        self._put(entry)
        self.next_id += 1
        return [
            f"{already_listed(word, owner)[:-1]}: it was left out of the synonyms of {quoted(entry.text)}."
            for word, owner in taken
            if owner is not None
        ]

    def _add_synonyms(self, query: Query, synonyms: tuple[str, ...], owner: SheetEntry, role: Role) -> list[str]:
        """Add synonyms to the entry that has the text."""
        if not synonyms or owner.role != role:
            return [already_listed(query.text, owner)]
        self._put(dataclasses.replace(owner, synonyms=owner.synonyms + synonyms))
        return [
            f"{already_listed(query.text, owner)[:-1]}; its synonyms now include {', '.join(map(quoted, synonyms))}."
        ]

    def _put(self, entry: SheetEntry) -> None:
        """Set an entry and remember its words."""
        self.entries[entry.id] = entry
        self._owners |= {Query(word).key: entry.id for word in entry.words}
