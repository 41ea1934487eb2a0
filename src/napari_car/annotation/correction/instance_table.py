"""Which query each instance is of, with ids that are never those of queries and never mean anything else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from jaxtyping import Int32, Integer

from napari_car.annotation import sheet_entry
from napari_car.errors import QueryError
from napari_car.schema import is_whole

FIRST_ID = sheet_entry.MAX_ID + 1
"""Lowest id of an instance: above all ids that a list of queries can ever give."""

LAST_ID = 2**24 - 1
"""Highest id of an instance: whole numbers up to it are exact in single precision, in which labels are drawn."""


@dataclass(frozen=True, slots=True)
class InstanceTable:
    """The instances of a label layer; changed by building a new table.

    A label of the layer is either the id of a query, and then all of this query that was not told apart, or that of an
    instance. A row is never changed or removed, and an id never given again, so that labels keep their meaning in what
    can be undone and redone, and in what the ledger remembers. An instance that becomes one of another query gets
    another id.

    Parameters
    ----------
    query_ids : mapping of int to int
        Id of the query by id of the instance.
    next_id : int
        Id that is given next; larger than all that were given.

    Raises
    ------
    QueryError
        If an id is not one of an instance, or of a query, or the next id is not above the others.
    """

    query_ids: Mapping[int, int] = field(default_factory=dict)
    next_id: int = FIRST_ID

    def __post_init__(self) -> None:
        object.__setattr__(self, "query_ids", dict(self.query_ids))
        for id_, query_id in self.query_ids.items():
            if not (is_whole(id_) and FIRST_ID <= id_ <= LAST_ID):
                raise QueryError(f"{id_!r} is no id of an instance: these are from {FIRST_ID} to {LAST_ID}.")
            if not (is_whole(query_id) and 0 < query_id < FIRST_ID):
                raise QueryError(f"{query_id!r} is no id of a query: these are from 1 to {FIRST_ID - 1}.")
        lowest = max(self.query_ids, default=FIRST_ID - 1) + 1
        if not (is_whole(self.next_id) and lowest <= self.next_id <= LAST_ID + 1):
            raise QueryError(f"The next id of an instance is {self.next_id!r}, but must be from {lowest}.")

    def __len__(self) -> int:
        return len(self.query_ids)

    def query_of(self, label: int) -> int:
        """Return the id of the query that a label is of: its own, unless it is a known instance."""
        return self.query_ids.get(label, label)

    def instances_of(self, query_id: int) -> tuple[int, ...]:
        """Return the ids of all instances of a query, those that are gone from the labels, too."""
        return tuple(id_ for id_, query in self.query_ids.items() if query == query_id)

    def added(self, query_ids: Iterable[int]) -> tuple["InstanceTable", tuple[int, ...]]:
        """Add an instance of each of some queries.

        Parameters
        ----------
        query_ids : iterable of int
            One per instance.

        Returns
        -------
        table : InstanceTable
        ids : tuple of int
            Of the instances, in the order of the queries.

        Raises
        ------
        QueryError
            If there are no ids left, or an id of a query is none.
        """
        new = dict(enumerate(map(int, query_ids), start=self.next_id))
        if self.next_id + len(new) > LAST_ID + 1:
            raise QueryError(f"There are no ids for {len(new):,} more instances: the last is {LAST_ID:,}.")
        return InstanceTable({**self.query_ids, **new}, self.next_id + len(new)), tuple(new)

    def adopted(
        self, labels: Int32[np.ndarray, "*axes"], own: "InstanceTable"
    ) -> tuple["InstanceTable", Int32[np.ndarray, "*axes"]]:
        """Add all instances of another table, and give new ids to those among labels.

        Parameters
        ----------
        labels : ndarray, int32
            Of any shape; not changed.
        own : InstanceTable
            What their instances are.

        Returns
        -------
        table : InstanceTable
        labels : ndarray, int32
            With the ids that instances have in the table.

        Raises
        ------
        QueryError
            If there are no ids left.
        """
        table, ids = self.added(own.query_ids.values())
        moved = labels.copy()
        if ids:
            old, new = np.array(list(own.query_ids), dtype=np.int32), np.array(ids, dtype=np.int32)
            order = np.argsort(old)
            is_instance = np.isin(labels, old)
            moved[is_instance] = new[order][np.searchsorted(old[order], labels[is_instance])]
        return table, moved

    def recorded(self, id_: int, query_id: int) -> "InstanceTable":
        """Add an instance that was painted with an id that is not known yet; nothing changes if it is the same.

        Raises
        ------
        QueryError
            If it is known as one of another query, or the id is not one of an instance.
        """
        id_, query_id = int(id_), int(query_id)
        known = self.query_ids.get(id_, query_id)
        if known != query_id:
            raise QueryError(f"Instance {id_} is one of query {known}, and cannot become one of query {query_id}.")
        return InstanceTable({**self.query_ids, id_: query_id}, max(self.next_id, id_ + 1))

    def beyond(self, labels: Integer[np.ndarray, "..."]) -> "InstanceTable":
        """Return a table that gives no id that is among labels: someone may have painted with one that was not given.

        Parameters
        ----------
        labels : ndarray of int
            All of the layer, of any shape.
        """
        highest = int(labels.max(initial=0))
        if highest > LAST_ID:
            highest = int(labels.max(initial=0, where=labels <= LAST_ID))
        return self if highest < self.next_id else InstanceTable(self.query_ids, highest + 1)

    def semantic(self, labels: Integer[np.ndarray, "..."]) -> Int32[np.ndarray, "..."]:
        """Return labels with the id of its query in the place of each known instance; of any shape."""
        result = np.array(labels, dtype=np.int32)
        if self.query_ids:
            first = min(self.query_ids)
            is_instance = (result >= first) & (result < self.next_id)
            if is_instance.any():
                query_of = np.arange(first, self.next_id, dtype=np.int32)
                query_of[np.array(list(self.query_ids)) - first] = list(self.query_ids.values())
                result[is_instance] = query_of[result[is_instance] - first]
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON can hold it."""
        return {"next_id": self.next_id, "instances": [list(row) for row in self.query_ids.items()]}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build a table from :meth:`to_dict`; anything unknown, missing or wrong raises QueryError."""
        if not isinstance(fields, Mapping) or set(fields) != {"next_id", "instances"}:
            raise QueryError("A table of instances must have next_id and instances, and nothing else.")
        rows = fields["instances"]
        if not isinstance(rows, list | tuple) or not all(
            isinstance(row, list | tuple) and len(row) == 2 for row in rows
        ):
            raise QueryError("In a table of instances, instances must be a list of pairs: instance and query.")
        if not all(is_whole(id_) for row in rows for id_ in row) or len({id_ for id_, _ in rows}) < len(rows):
            raise QueryError("In a table of instances, ids must be whole numbers, and no instance stand twice.")
        return cls(dict(rows), fields["next_id"])


def as_queries(labels: Integer[np.ndarray, "..."], instances: InstanceTable | None) -> Integer[np.ndarray, "..."]:
    """Return labels, with the ids of their queries if there are instances."""
    return labels if instances is None else instances.semantic(labels)
