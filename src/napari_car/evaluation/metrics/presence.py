"""How well it is told which queries an image holds at all."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from napari_car.errors import ConfigError

from .tally import Item, Tally, count, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(Item):
    """The queries of an image: asked for, there, found."""

    KEY: ClassVar = ("item",)
    item: str
    """Name of the image."""
    n_asked: int = count()
    """Queries in all."""
    n_present: int = count()
    """Queries that the image holds."""
    n_found: int = count()
    """Queries that were found."""
    n_both: int = count()
    """Queries that were found and are there."""

    def __post_init__(self) -> None:
        Item.__post_init__(self)
        n_either = self.n_present + self.n_found - self.n_both
        if self.n_both > min(self.n_present, self.n_found) or n_either > self.n_asked:
            raise ConfigError(
                f"{self.item}: the numbers of queries asked for, present and found contradict each other."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceScores:
    """Scores over all queries of all images (micro averages); None where there is nothing to divide by."""

    n_images: int
    n_present: int
    n_absent: int
    precision: float | None
    """Share of what was found that is there; None if nothing was found."""
    recall: float | None
    """Share of what is there that was found; None if nothing is there."""
    f1: float | None
    """Harmonic mean of both, 2 TP / (2 TP + FP + FN); None if nothing is there and nothing was found."""
    false_alarm_rate: float | None
    """Share of the absent queries that were found; None if none was asked for."""


class PresenceTally(Tally[Presence]):
    """Which queries were found, and which are there, image by image."""

    KIND = "presence"
    ITEM = Presence

    def update(
        self, item: str, *, asked: Collection[str], present: Collection[str], found: Collection[str]
    ) -> Presence:
        """Count the queries of an image; each once, however often it is named.

        Parameters
        ----------
        item : str
            Name of the image, which no other has.
        asked : collection of str
            All queries: those that are there, and the distractors.
        present : collection of str
            Those that the image holds.
        found : collection of str
            Those that survived, or have pixels in the result.

        Returns
        -------
        Presence
            What was counted.

        Raises
        ------
        ConfigError
            If a query is present or found that was not asked for, or the image was counted already.
        """
        if strange := sorted({*present, *found} - set(asked)):
            raise ConfigError(f'{item}: "{strange[0]}" was not asked for, but is said to be present or found.')
        counted = Presence(
            item=item,
            n_asked=len(set(asked)),
            n_present=len(set(present)),
            n_found=len(set(found)),
            n_both=len(set(present) & set(found)),
        )
        self._add(counted)
        return counted

    def scores(self) -> PresenceScores:
        """Return the scores."""
        n_asked, n_present, n_found, n_both = (
            sum(getattr(item, name) for item in self.items) for name in ("n_asked", "n_present", "n_found", "n_both")
        )
        return PresenceScores(
            n_images=len(self),
            n_present=n_present,
            n_absent=n_asked - n_present,
            precision=share(n_both, n_found),
            recall=share(n_both, n_present),
            f1=share(2 * n_both, n_present + n_found),
            false_alarm_rate=share(n_found - n_both, n_asked - n_present),
        )
