"""A correction as it comes about: mark after mark, and the choice between candidates."""

from dataclasses import dataclass, field, replace

from .pointing import Pointing


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """What was pointed at, and what it goes on from; changed by building a new one, so that each can be had back.

    Parameters
    ----------
    pointing : Pointing
        All that was pointed at.
    before : Attempt or None
        The attempt with fewer marks whose chosen candidate this one goes on from; None: from the mask as it is.
    candidate : int
        Which of the predicted masks is chosen, the best first.
    """

    pointing: Pointing = field(default_factory=Pointing)
    before: "Attempt | None" = None
    candidate: int = 0

    def __bool__(self) -> bool:
        """Tell whether anything was pointed at."""
        return bool(self.pointing)

    def with_pointing(self, pointing: Pointing) -> "Attempt":
        """Return an attempt with other marks; it goes on from this one if they are these and more."""
        goes_on = bool(self) and pointing.extends(self.pointing)
        return Attempt(pointing, self if goes_on else None)

    def with_candidate(self, candidate: int) -> "Attempt":
        """Return an attempt in which another candidate is chosen."""
        return replace(self, candidate=candidate)
