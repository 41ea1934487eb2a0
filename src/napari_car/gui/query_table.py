"""The table of queries: selecting, clicking, dragging, and its own keys."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from qtpy.QtWidgets import QAbstractItemView, QApplication, QColorDialog, QHeaderView, QTableView, QWidget

from napari_car.annotation.sheet import SheetEntry

from .query_cells import Column
from .query_delegate import QueryDelegate
from .query_model import ENTRY_ROLE, QueryModel

_HINT = "Nothing to look for yet.\nType a query above, or paste a list: one per line, or with commas between them."
_MIN_ROWS = 3


class QueryTable(QTableView):
    """Shows a :class:`QueryModel` and makes edits of the rows that are selected.

    Parameters
    ----------
    model : QueryModel
    parent : QWidget, optional
    """

    current_changed = Signal(int)
    """Id of the entry that is current; 0 if there is none."""
    paste_requested = Signal()
    """The paste key was pressed."""

    def __init__(self, model: QueryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queries = model
        self._said = 0
        self._row = 0
        self.setModel(model)
        self.setItemDelegate(QueryDelegate(self))
        self.setAccessibleName("Queries")
        self._set_behaviour()
        self._fit_columns()
        self.set_groups_shown(False)
        self._show_verdicts()
        selection = self.selectionModel()
        assert selection is not None
        selection.currentRowChanged.connect(self._on_current)
        model.layoutChanged.connect(self._after_edit)
        model.dataChanged.connect(self._show_verdicts)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)
        self._keys: tuple[tuple[QKeySequence, Callable[[], None]], ...] = (
            (QKeySequence(QKeySequence.StandardKey.Undo), model.undo),
            (QKeySequence(QKeySequence.StandardKey.Redo), model.redo),
            (QKeySequence("Ctrl+Shift+Z"), model.redo),
            (QKeySequence(QKeySequence.StandardKey.Copy), self.copy),
            (QKeySequence(QKeySequence.StandardKey.Paste), self.paste_requested.emit),
            (QKeySequence(Qt.Key.Key_Delete), self.remove_selected),
            (QKeySequence(Qt.Key.Key_Backspace), self.remove_selected),
            (QKeySequence(Qt.Key.Key_F2), self.rename),
            (QKeySequence(Qt.Key.Key_Space), self.toggle_enabled),
            (QKeySequence("Alt+Up"), lambda: self.move_selected(-1)),
            (QKeySequence("Alt+Down"), lambda: self.move_selected(1)),
        )

    @property
    def current_id(self) -> int:
        """Id of the entry that is current; 0 if there is none."""
        entry = self._entry(self.currentIndex())
        return entry.id if entry else 0

    @property
    def selected_ids(self) -> list[int]:
        """Ids of the selected entries, in the order shown."""
        selection = self.selectionModel()
        rows = sorted(index.row() for index in selection.selectedRows()) if selection else []
        return [self.queries.sheet.entries[row].id for row in rows]

    def set_current(self, entry_id: int) -> None:
        """Select one entry and scroll to it; an id that is not in the list selects none."""
        row = self.queries.row_of(entry_id)
        if row < 0:
            self.clearSelection()
        self.setCurrentIndex(self.queries.index(row, Column.TEXT))

    def step(self, by: int) -> None:
        """Select a neighbour; after the last comes the first."""
        entries = self.queries.sheet.entries
        if entries:
            row = self.queries.row_of(self.current_id)
            start = row if row >= 0 else (-1 if by > 0 else 0)
            self.set_current(entries[(start + by) % len(entries)].id)

    def set_groups_shown(self, shown: bool) -> None:
        """Show whether entries are things or stuff."""
        self.setColumnHidden(Column.GROUP, not shown)

    def rename(self) -> None:
        """Edit the words of the current entry."""
        index = self.currentIndex().siblingAtColumn(Column.TEXT)
        if index.isValid():
            self.edit(index)

    def remove_selected(self) -> None:
        """Remove the selected entries."""
        self.queries.apply(self.queries.sheet.removed(self.selected_ids))

    def move_selected(self, by: int) -> None:
        """Move the selected entries together, up or down."""
        ids = self.selected_ids
        if ids:
            edge = self.queries.row_of(ids[0] if by < 0 else ids[-1])
            self.queries.place(ids, max(edge - 1, 0) if by < 0 else edge + 2)

    def toggle_enabled(self) -> None:
        """Switch the selected entries off, or on if none of them is."""
        enabled = any(self.queries.sheet.entry(entry_id).enabled for entry_id in self.selected_ids)
        self.queries.change(self.selected_ids, enabled=not enabled)

    def copy(self) -> None:
        """Copy the selected entries as lines that can be pasted here or anywhere."""
        clipboard = QApplication.clipboard()
        ids = self.selected_ids
        if ids and clipboard:
            clipboard.setText("\n".join(self.queries.sheet.entry(entry_id).line for entry_id in ids))

    def choose_colour(self) -> None:
        """Let the user choose the colour of the current entry."""
        entry = self._entry(self.currentIndex())
        if entry is None:
            return
        dialog = QColorDialog(QColor(*entry.colour), self)
        dialog.setWindowTitle(f"Colour of {entry.text}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda colour: self._set_colour(entry.id, colour))
        dialog.open()

    def event(self, event: QEvent | None) -> bool:
        """Claim this list's keys before shortcuts of the window do."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._edit_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Make the edit that a key stands for."""
        assert event is not None
        edit = self._edit_of(event)
        if edit:
            edit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Say what to do while the list is empty."""
        super().paintEvent(event)
        viewport = self.viewport()
        if viewport and not self.queries.rowCount():
            painter = QPainter(viewport)
            painter.setOpacity(0.6)
            painter.setPen(self.palette().text().color())
            margin = self.fontMetrics().height()
            area = viewport.rect().adjusted(margin, 0, -margin, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, _HINT)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Fit columns and rows to another font."""
        super().changeEvent(event)
        if event and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_columns()

    def _edit_of(self, event: QKeyEvent) -> Callable[[], None] | None:
        """Return what a key does in this list."""
        # As a number, because keys of other scripts have no name; some systems mark arrows as keys of the keypad.
        modifiers: Any = (event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier).value
        pressed = QKeySequence(modifiers | event.key())
        return next((edit for key, edit in self._keys if key == pressed), None)

    def _set_behaviour(self) -> None:
        """Rows are selected whole, edited by double click, and dragged to another place."""
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDragDropOverwriteMode(False)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizeAdjustPolicy(QAbstractItemView.SizeAdjustPolicy.AdjustIgnored)

    def _fit_columns(self) -> None:
        """Give marks a square each, groups their word, and the rest to the words."""
        columns, rows = self.horizontalHeader(), self.verticalHeader()
        assert columns is not None and rows is not None  # noqa: PT018
        columns.hide()
        rows.hide()
        height = self.fontMetrics().height()
        row_height = round(height * 1.7)
        rows.setMinimumSectionSize(1)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(row_height)
        columns.setMinimumSectionSize(1)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(Column.TEXT, QHeaderView.ResizeMode.Stretch)
        for column in (Column.ENABLED, Column.COLOUR, Column.ROLE, Column.VERDICT):
            self.setColumnWidth(column, round(height * 1.5))
        self.setColumnWidth(Column.GROUP, self.fontMetrics().horizontalAdvance(" thing "))
        self.setMinimumHeight(_MIN_ROWS * row_height)

    def _entry(self, index: QModelIndex) -> SheetEntry | None:
        """Return the entry of a cell."""
        entry: SheetEntry | None = index.data(ENTRY_ROLE)
        return entry

    def _set_colour(self, entry_id: int, colour: QColor) -> None:
        """Give an entry a colour, unless it was removed meanwhile."""
        if self.queries.row_of(entry_id) >= 0:
            self.queries.change([entry_id], colour=(colour.red(), colour.green(), colour.blue()))

    def _on_clicked(self, index: QModelIndex) -> None:
        """Toggle the mark that was clicked."""
        if index.column() in (Column.ENABLED, Column.ROLE):
            is_checked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            state = Qt.CheckState.Unchecked if is_checked else Qt.CheckState.Checked
            self.queries.setData(index, state, Qt.ItemDataRole.CheckStateRole)
        elif index.column() == Column.GROUP and index.data():
            self.queries.setData(index, "stuff" if index.data() == "thing" else "thing")

    def _on_double_clicked(self, index: QModelIndex) -> None:
        """Choose a colour where a swatch was double-clicked."""
        entry = self._entry(index)
        if index.column() == Column.COLOUR and entry and entry.role == "query":
            self.choose_colour()

    def _on_current(self) -> None:
        """Say which entry is current, once."""
        self._row = max(self.currentIndex().row(), 0)
        if self.current_id != self._said:
            self._said = self.current_id
            self.current_changed.emit(self._said)

    def _after_edit(self) -> None:
        """When the current entry was removed, take the one in its place."""
        if not self.currentIndex().isValid() and self._said and self.queries.rowCount():
            self.setCurrentIndex(self.queries.index(min(self._row, self.queries.rowCount() - 1), Column.TEXT))
        self._on_current()
        self._show_verdicts()

    def _show_verdicts(self) -> None:
        """Show the column of verdicts only if there are any."""
        self.setColumnHidden(Column.VERDICT, not self.queries.verdicts)
