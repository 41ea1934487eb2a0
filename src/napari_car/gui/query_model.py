"""The list of queries as Qt's views see it: every edit of a person is a new sheet and can be undone."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QMimeData, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QColor

from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.sheet_history import SheetHistory
from napari_car.errors import QueryError
from napari_car.results import Verdict

from .query_cells import Column, cell_text, cell_tip

ENTRY_ROLE = Qt.ItemDataRole.UserRole
"""The whole entry of a row."""


class QueryModel(QAbstractTableModel):
    """Holds a sheet with its history, and the verdicts of the last run.

    Parameters
    ----------
    parent : QObject, optional
    """

    edited = Signal(object)
    """The new :class:`QuerySheet`, once for each edit, undo and redo."""
    refused = Signal(str)
    """A sentence about an edit that was not possible."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = SheetHistory()
        self._verdicts: dict[int, Verdict] = {}
        # A type of its own keeps entries of one window's list from being dropped into another's, where ids differ.
        self._mime_type = f"application/x-napari-car-queries-{uuid.uuid4().hex}"

    @property
    def sheet(self) -> QuerySheet:
        """The list as it is now."""
        return self._history.value

    @property
    def verdicts(self) -> dict[int, Verdict]:
        """By id; those of entries that were reworded since are gone."""
        return dict(self._verdicts)

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to repeat."""
        return self._history.can_redo

    def set_sheet(self, sheet: QuerySheet) -> None:
        """Show another list, which has no history yet; no signal is sent."""
        if sheet != self.sheet:
            self._become(lambda: self._start(sheet))

    def set_verdicts(self, verdicts: Mapping[int, Verdict]) -> None:
        """Mark what was found in the last run."""
        self._verdicts = dict(verdicts)
        last = self.index(self.rowCount() - 1, Column.VERDICT)
        self.dataChanged.emit(self.index(0, Column.VERDICT), last)

    def apply(self, sheet: QuerySheet) -> None:
        """Make an edit that can be undone."""
        if sheet != self.sheet:
            self._become(lambda: self._history.edit(sheet))
            self.edited.emit(sheet)

    def undo(self) -> None:
        """Take the last edit back."""
        if self.can_undo:
            self._become(self._history.undo)
            self.edited.emit(self.sheet)

    def redo(self) -> None:
        """Repeat the edit that was taken back last."""
        if self.can_redo:
            self._become(self._history.redo)
            self.edited.emit(self.sheet)

    def change(self, ids: Iterable[int], **fields: Any) -> bool:
        """Change fields of some entries in one edit; return whether that was possible."""
        sheet = self.sheet
        try:
            for entry_id in ids:
                sheet = sheet.changed(entry_id, **fields)
        except QueryError as error:
            self.refused.emit(str(error))
            return False
        self.apply(sheet)
        return True

    def place(self, ids: Iterable[int], row: int) -> None:
        """Move entries in front of what stands in a row now."""
        chosen = set(ids)
        above = sum(entry.id not in chosen for entry in self.sheet.entries[:row])
        self.apply(self.sheet.moved(chosen, above))

    def row_of(self, entry_id: int) -> int:
        """Return the row of an entry; -1 if it is not in the list."""
        return next((row for row, entry in enumerate(self.sheet.entries) if entry.id == entry_id), -1)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of entries."""
        return 0 if parent.isValid() else len(self.sheet.entries)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Rows can be dragged, and dropped between others, not onto them."""
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
        if index.column() == Column.TEXT:
            return flags | Qt.ItemFlag.ItemIsEditable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() in (Column.ENABLED, Column.ROLE) else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        entry, column = self.sheet.entries[index.row()], Column(index.column())
        if role == ENTRY_ROLE:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return cell_text(entry, column, self._verdicts.get(entry.id))
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell_tip(entry, column, self._verdicts.get(entry.id))
        if role == Qt.ItemDataRole.CheckStateRole:
            checked = {Column.ENABLED: entry.enabled, Column.ROLE: entry.role == "background"}.get(column)
            return {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked, None: None}[checked]
        return QColor(*entry.colour) if role == Qt.ItemDataRole.DecorationRole and column == Column.COLOUR else None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Edit a cell; return whether that was possible."""
        entry_id, column = self.sheet.entries[index.row()].id, index.column()
        if role == Qt.ItemDataRole.CheckStateRole:
            is_checked = Qt.CheckState(value) == Qt.CheckState.Checked
            role_name = "background" if is_checked else "query"
            fields = {"enabled": is_checked} if column == Column.ENABLED else {"role": role_name}
            return self.change([entry_id], **fields)
        if column == Column.GROUP:
            return self.change([entry_id], group=value)
        try:
            self.apply(self.sheet.reworded(entry_id, value))
        except QueryError as error:
            self.refused.emit(str(error))
            return False
        return True

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802
        """Rows are moved, never copied."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: N802
        """Return the type of dragged rows, known to this list alone."""
        return [self._mime_type]

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:  # noqa: N802
        """Return the ids of dragged rows."""
        rows = sorted({index.row() for index in indexes})
        data = QMimeData()
        data.setData(self._mime_type, json.dumps([self.sheet.entries[row].id for row in rows]).encode())
        return data

    def dropMimeData(  # noqa: N802
        self,
        data: QMimeData | None,
        action: Qt.DropAction,
        row: int,
        column: int,  # noqa: ARG002
        parent: QModelIndex,  # noqa: ARG002
    ) -> bool:
        """Move rows to where they were dropped."""
        if data is None or not data.hasFormat(self._mime_type) or action != Qt.DropAction.MoveAction:
            return False
        self.place(json.loads(data.data(self._mime_type).data()), self.rowCount() if row < 0 else row)
        return True

    def moveRows(  # noqa: N802
        self, source: QModelIndex, row: int, count: int, target: QModelIndex, child: int
    ) -> bool:
        """Move rows in front of another one."""
        moved = self.sheet.entries[row : row + count]
        if source.isValid() or target.isValid() or not moved or row <= child <= row + count:
            return False
        self.place([entry.id for entry in moved], child)
        return True

    def _start(self, sheet: QuerySheet) -> None:
        """Begin a history."""
        self._history = SheetHistory(sheet)

    def _become(self, change: Callable[[], None]) -> None:
        """Change the sheet; what is selected, current or edited stays so by id, not by row."""
        self.layoutAboutToBeChanged.emit()
        before = self.sheet.entries
        persistent = self.persistentIndexList()
        change()
        rows = {entry.id: row for row, entry in enumerate(self.sheet.entries)}
        places = [(rows.get(before[index.row()].id, -1), index.column()) for index in persistent]
        self.changePersistentIndexList(persistent, [self.index(row, column) for row, column in places])
        known = {entry.id: (entry.words, entry.role) for entry in before}
        same = {entry.id for entry in self.sheet.entries if known.get(entry.id) == (entry.words, entry.role)}
        self._verdicts = {entry_id: verdict for entry_id, verdict in self._verdicts.items() if entry_id in same}
        self.layoutChanged.emit()
