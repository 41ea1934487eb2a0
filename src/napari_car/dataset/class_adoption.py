"""Classes of a data set in a list of queries that is there already."""

from collections.abc import Collection
from dataclasses import dataclass

from napari_car.annotation.class_lists import ForeignClass, add_classes
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.annotation.sheet_entry import quoted
from napari_car.errors import QueryError
from napari_car.queries import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A list that has the classes of a data set.

    Parameters
    ----------
    sheet : QuerySheet
        The list; what was in it before is as it was.
    ids : dict of int to int
        Id in the list by id in the data set.
    added : tuple of SheetEntry
        What the list did not have.
    """

    sheet: QuerySheet
    ids: dict[int, int]
    added: tuple[SheetEntry, ...]


def adopt_classes(
    sheet: QuerySheet, own: QuerySheet, present: Collection[int], *, only_present: bool = False
) -> Adoption:
    """Find classes of a data set in a list, by their names, and add those that it lacks.

    A class is found by the name that an entry has in data sets, by its text, or by one of its synonyms; case and blanks
    do not count. Entries of the list stay as they are, and keep their ids. New ones keep theirs if these are above all
    that were given in the list, and their colours unless another entry has the same.

    Parameters
    ----------
    sheet : QuerySheet
    own : QuerySheet
        Classes of the data set.
    present : collection of int
        Ids, in the data set, of those classes of which there are labels.
    only_present : bool
        Leave out all others.

    Raises
    ------
    QueryError
        If there are labels of a class that is a distractor of the list, or the list cannot take a class.
    """
    entries = [entry for entry in own.entries if entry.id in present or not only_present]
    missing = [entry for entry in entries if _find(sheet, entry) is None]
    colours = set(sheet.colours.values())
    grown, notes = add_classes(
        sheet,
        [
            ForeignClass(
                name=entry.text,
                id=entry.id,
                colour=None if entry.colour in colours else entry.colour,
                parent=own.entry(entry.parent).class_name if entry.parent else "",
            )
            for entry in missing
        ],
    )
    ids = {}
    for entry in entries:
        found = _find(grown, entry)
        if found is None:
            raise QueryError(f"The list cannot take the class {quoted(entry.class_name)}: {' '.join(notes)}")
        if found.role == "query":
            ids[entry.id] = found.id
        elif entry.id in present:
            raise QueryError(
                f"{quoted(entry.class_name)} is a distractor in the list, which gets no labels: make it a query first."
            )
    known = set(sheet.names)
    for entry in missing:
        if entry.name and entry.id in ids:
            grown = grown.changed(ids[entry.id], name=entry.name)
    return Adoption(sheet=grown, ids=ids, added=tuple(entry for entry in grown.entries if entry.id not in known))


def _find(sheet: QuerySheet, entry: SheetEntry) -> SheetEntry | None:
    """Return the entry of a list that is a class of a data set."""
    keys = {Query(entry.class_name).key, entry.query.key}
    named = (other for other in sheet.entries if Query(other.class_name).key in keys)
    called = (other for other in sheet.entries if not keys.isdisjoint(Query(word).key for word in other.words))
    return next(named, None) or next(called, None)
