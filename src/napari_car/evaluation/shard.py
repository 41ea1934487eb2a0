"""A share of a benchmark's items, so that several programs can evaluate it together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from napari_car.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """Every n-th item.

    Parameters
    ----------
    number, total : int
        Which share, from 1, of how many.
    """

    number: int = 1
    total: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total:
            raise ConfigError(f"There is no share {self.number} of {self.total}: they are counted from 1.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``i/n``; ConfigError if it is not that."""
        found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if not found:
            raise ConfigError(f"{text!r} is no share: write 2/8 for the second of eight.")
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Return its items; neighbours are in different shares, so that all take about as long."""
        return items[self.number - 1 :: self.total]

    @property
    def name(self) -> str:
        """Its name in files: ``2-of-8``."""
        return f"{self.number}-of-{self.total}"
