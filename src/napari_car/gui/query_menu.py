"""Menus of the list of queries."""

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QMenu

from .list_files import READERS, WRITERS
from .query_table import QueryTable
from .shortcuts import IMPORT_KEYS


def fill_entry_menu(
    menu: QMenu,
    table: QueryTable,
    edit_class: Callable[[int], None],
    merge: Callable[[Sequence[int], int], None],
    *,
    with_groups: bool,
) -> None:
    """Offer what can be done with the selected entries."""
    entries = [table.queries.sheet.entry(entry_id) for entry_id in table.selected_ids]
    ids = [entry.id for entry in entries]
    is_enabled = any(entry.enabled for entry in entries)
    is_distractor = all(entry.role == "background" for entry in entries)
    is_stuff = all(entry.group == "stuff" for entry in entries)
    role, group = "query" if is_distractor else "background", "thing" if is_stuff else "stuff"
    _offer(menu, "Edit words", table.rename, "F2")
    _offer(menu, "Colour…", table.choose_colour, enabled=not is_distractor)
    _offer(menu, "Name, kind, phrases, notes…", lambda: edit_class(ids[0]), enabled=len(ids) == 1)
    others = [entry for entry in table.queries.sheet.entries if entry.id not in ids]
    into = menu.addMenu("Merge into")
    assert into is not None
    into.setEnabled(bool(others))
    for other in others:
        _offer(into, other.text, partial(merge, ids, other.id))
    menu.addSeparator()
    _offer(menu, "Switch off" if is_enabled else "Switch on", table.toggle_enabled, "Space")
    _offer(
        menu, "Distractor: competes, gets no mask", lambda: table.queries.change(ids, role=role), ticked=is_distractor
    )
    if with_groups:
        _offer(menu, "Stuff: cannot be counted", lambda: table.queries.change(ids, group=group), ticked=is_stuff)
    menu.addSeparator()
    _offer(menu, "Move up", lambda: table.move_selected(-1), "Alt+Up")
    _offer(menu, "Move down", lambda: table.move_selected(1), "Alt+Down")
    _offer(menu, "Copy", table.copy, QKeySequence.StandardKey.Copy)
    _offer(menu, "Remove", table.remove_selected, "Del")


def fill_list_menu(
    menu: QMenu,
    table: QueryTable,
    paste: Callable[[], None],
    use_file: Callable[[str], None],
    import_labels: Callable[[], None],
    take_over: Callable[[], None],
) -> None:
    """Offer what can be done with the whole list."""
    model = table.queries
    entries = model.sheet.entries
    ids = [entry.id for entry in entries]
    _offer(menu, "Paste list", paste, QKeySequence.StandardKey.Paste)
    for title in READERS:
        _offer(menu, title, partial(use_file, title))
    _offer(menu, "Import labels…", import_labels, IMPORT_KEYS)
    for title in WRITERS:
        _offer(menu, title, partial(use_file, title), enabled=bool(entries))
    _offer(menu, "Take over the queries of the labels", take_over)
    menu.addSeparator()
    _offer(menu, "Undo", model.undo, QKeySequence.StandardKey.Undo, enabled=model.can_undo)
    _offer(menu, "Redo", model.redo, QKeySequence.StandardKey.Redo, enabled=model.can_redo)
    menu.addSeparator()
    is_off = any(not entry.enabled for entry in entries)
    is_on = any(entry.enabled for entry in entries)
    _offer(menu, "Switch all on", lambda: model.change(ids, enabled=True), enabled=is_off)
    _offer(menu, "Switch all off", lambda: model.change(ids, enabled=False), enabled=is_on)
    _offer(menu, "Remove all", lambda: model.apply(model.sheet.removed(ids)), enabled=bool(ids))


def _offer(
    menu: QMenu,
    text: str,
    act: Callable[[], object],
    key: str | QKeySequence.StandardKey = "",
    *,
    enabled: bool = True,
    ticked: bool | None = None,
) -> None:
    """Add an action; its key is only shown, since the list reads its keys itself."""
    shown = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    action = menu.addAction(f"{text}\t{shown}" if shown else text)
    assert action is not None
    action.setEnabled(enabled)
    if ticked is not None:
        action.setCheckable(True)
        action.setChecked(ticked)
    action.triggered.connect(lambda: act())
