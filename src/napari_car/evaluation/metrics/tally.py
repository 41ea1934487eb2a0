"""Tallies: what was counted for each item of a benchmark, added one by one, merged and stored without loss.

Only whole numbers are kept, by item, and every score is computed from all of them in the order of the items' names. So
the order in which items were added changes nothing, and shards merge to the same numbers as one run, to the last bit.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

from napari_car.errors import ConfigError
from napari_car.schema import UNBOUNDED, Checked

I = TypeVar("I", bound="Item")  # noqa: E741


def count() -> Any:
    """Declare a required field of an item that counts something."""
    return dataclasses.field(metadata={"low": 0, "high": UNBOUNDED})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item(Checked):
    """What was counted once: fields that name it, then counts; checked whenever one is built."""

    KEY: ClassVar[tuple[str, ...]] = ()
    """The fields that name it."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What no two items of a tally have in common."""
        return tuple(getattr(self, name) for name in self.KEY)


class Tally(Generic[I]):
    """Items that were counted, each once.

    Parameters
    ----------
    items : iterable of Item
        What was counted before.

    Raises
    ------
    ConfigError
        If an item is there twice.
    """

    KIND: ClassVar[str]
    """Name of the metric in stored tallies."""
    ITEM: ClassVar[type[Item]]
    """What the items are."""

    def __init__(self, items: Iterable[I] = ()) -> None:
        self._items: dict[tuple[Any, ...], I] = {}
        for item in items:
            self._add(item)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._items == other._items

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def items(self) -> tuple[I, ...]:
        """All items in the order of their names, whatever the order in which they came."""
        return tuple(self._items[key] for key in sorted(self._items))

    def merge(self, other: Self) -> Self:
        """Return a tally of the items of both, which stay as they are.

        Raises
        ------
        ConfigError
            If an item is in both, or the other is of another metric.
        """
        if type(other) is not type(self):
            raise ConfigError(f"A tally of {self.KIND} cannot be merged with {type(other).__name__}.")
        return type(self)([*self.items, *other.items])

    def to_dict(self) -> dict[str, Any]:
        """Return the tally as JSON can hold it; equal tallies give equal tables."""
        return {"kind": self.KIND, "items": [dataclasses.asdict(item) for item in self.items]}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build a tally from :meth:`to_dict`.

        Raises
        ------
        ConfigError
            If anything is unknown, missing or wrong.
        """
        (records,) = stored_fields(fields, cls.KIND, ("items",))
        if not isinstance(records, list):
            raise ConfigError(f"The items of a stored tally of {cls.KIND} must be a list, not {records!r:.80}.")
        return cls(cls._item(record) for record in records)

    @classmethod
    def _item(cls, record: Any) -> Any:
        """Return an item from its stored fields."""
        names = {spec.name for spec in dataclasses.fields(cls.ITEM)}
        if not isinstance(record, Mapping) or set(record) != names:
            raise ConfigError(
                f"An item of a stored tally of {cls.KIND} must have the fields {', '.join(sorted(names))}, "
                f"but is {record!r:.80}."
            )
        return cls.ITEM(**record)

    def _add(self, item: I) -> None:
        """Keep an item that is new."""
        if item.key in self._items:
            raise ConfigError(f"{' / '.join(map(str, item.key))} was counted already in this tally of {self.KIND}.")
        self._items[item.key] = item


def stored_fields(fields: Any, kind: str, names: tuple[str, ...]) -> list[Any]:
    """Return the named fields of a stored tally.

    Raises
    ------
    ConfigError
        If it is not of this kind, or does not have just these fields.
    """
    if not isinstance(fields, Mapping) or fields.get("kind") != kind:
        raise ConfigError(f"A stored tally of {kind} must be a table of this kind, not {fields!r:.80}.")
    if set(fields) != {"kind", *names}:
        raise ConfigError(
            f"A stored tally of {kind} must have the fields kind, {', '.join(names)}, "
            f"but has {', '.join(sorted(map(str, fields)))}."
        )
    return [fields[name] for name in names]


def mean(values: Iterable[float]) -> float | None:
    """Return the arithmetic mean, correctly rounded before the division, so in any order the same; None of nothing."""
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else None


def share(part: int, whole: int) -> float | None:
    """Return a part of a whole; None where there is no whole."""
    return part / whole if whole else None
