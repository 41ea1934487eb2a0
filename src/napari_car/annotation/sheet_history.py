"""Undo and redo of edits of the list of queries."""

from .history import History
from .sheet import QuerySheet


class SheetHistory(History[QuerySheet]):
    """A list of queries, those before it, and those that were taken back.

    Parameters
    ----------
    sheet : QuerySheet, optional
        By default an empty one.
    """

    def __init__(self, sheet: QuerySheet = QuerySheet()) -> None:  # noqa: B008
        super().__init__(sheet)

    def _again(self, value: QuerySheet) -> QuerySheet:
        """Never make an id free again: see :meth:`QuerySheet.restored`."""
        return self.value.restored(value)
