"""Undo and redo of values that are replaced as a whole."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_STEPS = 200


class History(Generic[T]):
    """A value, those before it, and those that were taken back.

    Parameters
    ----------
    value : T
        Immutable.
    """

    def __init__(self, value: T) -> None:
        self.value = value
        """As it is now."""
        self._before: deque[T] = deque(maxlen=MAX_STEPS)
        self._undone: list[T] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to repeat."""
        return bool(self._undone)

    def edit(self, value: T) -> None:
        """Set another value; what was undone cannot be repeated any more."""
        self._before.append(self.value)
        self._undone.clear()
        self.value = value

    def undo(self) -> None:
        """Take the last edit back, if there is one."""
        if self._before:
            self._undone.append(self.value)
            self.value = self._again(self._before.pop())

    def redo(self) -> None:
        """Repeat the edit that was taken back last, if there is one."""
        if self._undone:
            self._before.append(self.value)
            self.value = self._again(self._undone.pop())

    def _again(self, value: T) -> T:
        """Return an earlier value as it may be used again."""
        return value
