"""Undo and redo of edits of the list of queries."""

from collections import deque

from .sheet import QuerySheet

_MAX_STEPS = 200


class SheetHistory:
    """A sheet, those before it, and those that were taken back.

    Going back never makes an id free again: see :meth:`QuerySheet.restored`.

    Parameters
    ----------
    sheet : QuerySheet, optional
        By default an empty one.
    """

    def __init__(self, sheet: QuerySheet = QuerySheet()) -> None:  # noqa: B008
        self.sheet = sheet
        """The list as it is now."""
        self._before: deque[QuerySheet] = deque(maxlen=_MAX_STEPS)
        self._undone: list[QuerySheet] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to repeat."""
        return bool(self._undone)

    def edit(self, sheet: QuerySheet) -> None:
        """Set a changed list; what was undone cannot be repeated any more."""
        self._before.append(self.sheet)
        self._undone.clear()
        self.sheet = sheet

    def undo(self) -> None:
        """Take the last edit back, if there is one."""
        if self._before:
            self._undone.append(self.sheet)
            self.sheet = self.sheet.restored(self._before.pop())

    def redo(self) -> None:
        """Repeat the edit that was taken back last, if there is one."""
        if self._undone:
            self._before.append(self.sheet)
            self.sheet = self.sheet.restored(self._undone.pop())
