"""The list of queries: typing, pasting, loading and editing what is looked for."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from qtpy.QtCore import QPoint, Qt, Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import CaRError, QueryError
from napari_car.results import Verdict

from .class_dialog import ClassDialog
from .list_files import READERS, WRITERS, ask_for_file
from .query_cells import Column
from .query_line import QueryLine
from .query_menu import fill_entry_menu, fill_list_menu
from .query_model import QueryModel
from .query_table import QueryTable

_MAX_NOTES = 3


class QueryListView(QWidget):
    """Edits a :class:`QuerySheet`.

    Parameters
    ----------
    parent : QWidget, optional
    """

    sheet_changed = Signal(object)
    """The new sheet, once for each edit of a person."""
    current_changed = Signal(int)
    """Id of the entry that is current; 0 if there is none."""
    import_wanted = Signal()
    """A person wants to go on with labels of a data set."""
    take_over_wanted = Signal()
    """A person wants to go on with the queries of labels that are open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QueryModel(self)
        self._last = self._model.sheet
        self._table = QueryTable(self._model)
        self._line = QueryLine()
        self._add = _button("Add", "Add what was typed to the list.", self.add_typed)
        self._notes = QLabel()
        self._notes.setWordWrap(True)
        self._notes.setMinimumWidth(1)  # a long word must not widen the window
        self._notes.setTextFormat(Qt.TextFormat.PlainText)
        self._notes.hide()
        self._remove = _button("Remove", "Remove what is selected (Delete).", self._table.remove_selected)
        self._up = _button("Up", "Move what is selected up (Alt+Up).", lambda: self._table.move_selected(-1))
        self._down = _button("Down", "Move what is selected down (Alt+Down).", lambda: self._table.move_selected(1))
        self._more = QPushButton("List")
        self._more.setToolTip("Paste or load a list, import classes and labels, undo, remove all.")
        self._menu = QMenu(self)
        self._more.setMenu(self._menu)
        self._lay_out()
        self.setFocusProxy(self._line)
        self._connect()
        self._enable_buttons()

    @property
    def sheet(self) -> QuerySheet:
        """The list as it is now."""
        return self._model.sheet

    @property
    def current(self) -> int:
        """Id of the entry that is current; 0 if there is none."""
        return self._table.current_id

    def set_sheet(self, sheet: QuerySheet) -> None:
        """Show another list; :attr:`sheet_changed` is not sent, and edits before it cannot be undone any more."""
        self._last = sheet
        self._model.set_sheet(sheet)
        self._say([])

    def apply(self, sheet: QuerySheet) -> None:
        """Change the list as if a person had: it can be undone, and :attr:`sheet_changed` is sent."""
        self._model.apply(sheet)

    def set_current(self, entry_id: int) -> None:
        """Select an entry; an id that is not in the list selects none."""
        self._table.set_current(entry_id)

    def next(self) -> None:
        """Select the entry below; after the last comes the first."""
        self._table.step(1)

    def previous(self) -> None:
        """Select the entry above; before the first comes the last."""
        self._table.step(-1)

    def set_groups_shown(self, shown: bool) -> None:
        """Show whether entries are things or stuff."""
        self._table.set_groups_shown(shown)

    def set_verdicts(self, verdicts: Mapping[int, Verdict]) -> None:
        """Mark what was found in the last run; an empty mapping takes the marks away."""
        self._model.set_verdicts(verdicts)

    def add(self, text: str) -> bool:
        """Add what :meth:`QuerySheet.added` understands; say what was left out; return whether the list changed."""
        return self._take(*self.sheet.added(text))

    def add_typed(self) -> bool:
        """Add what stands in the line; it stays there, and False is returned, if the list cannot take it."""
        if self.add(self._line.text()):
            self._line.clear()
            return True
        self._line.selectAll()
        return False

    def take_typed(self) -> bool:
        """Add what stands in the line, if anything; False if the list cannot take it."""
        return not self._line.text().strip() or self.add_typed()

    def use_file(self, title: str, file: Path) -> None:
        """Do with a file what an entry of the menu is called; see :mod:`.list_files`."""
        act, _ = (READERS | WRITERS)[title]
        try:
            sheet, notes = act(self.sheet, file)
        except CaRError as error:
            self._say([str(error)])
            return
        self.apply(sheet)
        if sheet.entries and title in READERS:
            self.set_current(sheet.entries[-1].id)
        self._say(notes)

    def edit_class(self, entry_id: int) -> None:
        """Open the dialog with what is rarely changed of an entry."""
        dialog = ClassDialog(self.sheet, entry_id, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._model.change([entry_id], **dialog.fields))
        dialog.open()

    def merge(self, ids: Iterable[int], into: int) -> None:
        """Merge entries into another; their words become its synonyms, and labels stay until they are given to it."""
        ids = [id_ for id_ in ids if id_ != into]
        names = self.sheet.names
        try:
            self.apply(self.sheet.merged(ids, into))
        except QueryError as error:
            self._say([str(error)])
            return
        gone = ", ".join(f'"{names[id_]}"' for id_ in ids)
        self._say([f'{gone} merged into "{names[into]}". Labels keep their numbers: Give to, in Correct, merges them.'])

    def _lay_out(self) -> None:
        """Put the line above the list, notes and buttons below it."""
        entry, buttons, layout = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        entry.addWidget(self._line, stretch=1)
        entry.addWidget(self._add)
        for button in (self._remove, self._up, self._down):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self._more)
        layout.addLayout(entry)
        layout.addWidget(self._table, stretch=1)
        layout.addWidget(self._notes)
        layout.addLayout(buttons)
        layout.setContentsMargins(0, 0, 0, 0)

    def _connect(self) -> None:
        """Join line, table, menus and model."""
        self._line.submitted.connect(self.add_typed)
        self._line.pasted.connect(self.add)
        self._line.textEdited.connect(lambda: self._say([]))
        self._model.edited.connect(self._on_edited)
        self._model.refused.connect(lambda sentence: self._say([sentence]))
        self._model.layoutChanged.connect(self._enable_buttons)
        self._table.current_changed.connect(self.current_changed)
        self._table.paste_requested.connect(self._paste)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._table.customContextMenuRequested.connect(self._open_menu)
        self._menu.aboutToShow.connect(self._fill_menu)
        selection = self._table.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(self._enable_buttons)

    def _take(self, sheet: QuerySheet, notes: tuple[str, ...]) -> bool:
        """Show a longer list and its newest entry; return whether it differs."""
        before = self.sheet
        self.apply(sheet)
        if sheet.next_id > before.next_id:
            self.set_current(sheet.entries[-1].id)
        is_changed = sheet != before
        self._say(notes if notes or is_changed else ["Type what to look for, for example: leaf."])
        return is_changed

    def _on_edited(self, sheet: QuerySheet) -> None:
        """Pass an edit on; say how to get back what was removed."""
        kept = {entry.id for entry in sheet.entries}
        gone = [entry.text for entry in self._last.entries if entry.id not in kept]
        self._last = sheet
        if gone and not self._model.can_redo:
            what = f'"{gone[0]}" was' if len(gone) == 1 else f"{len(gone)} entries were"
            self._say([f"{what} removed; undo (in the menu List) brings {'it' if len(gone) == 1 else 'them'} back."])
        else:
            self._say([])
        self.sheet_changed.emit(sheet)

    def _say(self, sentences: Iterable[str]) -> None:
        """Show notes below the list, at most a few; all of them in the tooltip."""
        sentences = list(sentences)
        more = [f"And {len(sentences) - _MAX_NOTES} more of this kind."] if len(sentences) > _MAX_NOTES + 1 else []
        shown = sentences[:_MAX_NOTES] + more if more else sentences
        self._notes.setText("\n".join(shown))
        self._notes.setToolTip("\n".join(sentences[:30]) if more else "")
        self._notes.setVisible(bool(shown))

    def _enable_buttons(self) -> None:
        """Offer only what does something."""
        has_selection = bool(self._table.selected_ids)
        for button in (self._remove, self._up, self._down):
            button.setEnabled(has_selection)

    def _paste(self) -> None:
        """Add what is in the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard:
            self.add(clipboard.text())

    def _choose_file(self, title: str) -> None:
        """Ask for a file and use it."""
        file = ask_for_file(title, self)
        if file is not None:
            self.use_file(title, file)

    def _fill_menu(self) -> None:
        """Offer what can be done with the list as it is now."""
        self._menu.clear()
        import_, take_over = self.import_wanted.emit, self.take_over_wanted.emit
        fill_list_menu(self._menu, self._table, self._paste, self._choose_file, import_, take_over)

    def _open_menu(self, place: QPoint) -> None:
        """Offer what can be done with the selected entries."""
        viewport = self._table.viewport()
        if viewport and self._table.selected_ids:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            with_groups = not self._table.isColumnHidden(Column.GROUP)
            fill_entry_menu(menu, self._table, self.edit_class, self.merge, with_groups=with_groups)
            menu.popup(viewport.mapToGlobal(place))


def _button(text: str, tip: str, act: Callable[[], object]) -> QPushButton:
    """Return a button."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda: act())
    return button
