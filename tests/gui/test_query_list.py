"""The list of queries in a window: typing, pasting, clicking, dragging, undo."""

import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QApplication, QColorDialog, QLabel, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.sheet import QuerySheet
from napari_car.gui.query_cells import Column
from napari_car.gui.query_line import QueryLine
from napari_car.gui.query_list import QueryListView
from napari_car.gui.query_table import QueryTable

pytestmark = pytest.mark.gui

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
PLAIN = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


class Window:
    """A list in a window, with what it said."""

    def __init__(self, qtbot: QtBot) -> None:
        self.view = QueryListView()
        self.qtbot = qtbot
        self.sheets: list[QuerySheet] = []
        self.currents: list[int] = []
        self.view.sheet_changed.connect(self.sheets.append)
        self.view.current_changed.connect(self.currents.append)
        qtbot.addWidget(self.view)
        self.view.resize(360, 300)
        self.view.show()
        qtbot.waitExposed(self.view)
        self.line, self.table = self.view.findChild(QueryLine), self.view.findChild(QueryTable)

    @property
    def names(self) -> list[str]:
        return [entry.text for entry in self.view.sheet.entries]

    @property
    def notes(self) -> str:
        return self.view.findChild(QLabel).text()

    def place(self, entry_id: int, column: Column) -> QPoint:
        row = self.table.queries.row_of(entry_id)
        return self.table.visualRect(self.table.queries.index(row, column)).center()

    def click(self, entry_id: int, column: Column, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        self.qtbot.mouseClick(self.table.viewport(), LEFT, modifier, pos=self.place(entry_id, column))

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        self.qtbot.keyClick(self.table, key, modifier)

    def edit(self) -> QLineEdit:
        self.key(Qt.Key.Key_F2)
        return self.editors[0]

    @property
    def editors(self) -> list[QLineEdit]:
        return [editor for editor in self.table.viewport().findChildren(QLineEdit) if editor.isVisible()]

    def button(self, text: str) -> QPushButton:
        return next(button for button in self.view.findChildren(QPushButton) if button.text() == text)

    def menu(self) -> dict[str, object]:
        menu = self.button("List").menu()
        menu.aboutToShow.emit()
        return {action.text().split("\t")[0]: action for action in menu.actions()}


@pytest.fixture
def window(qtbot: QtBot) -> Window:
    return Window(qtbot)


@pytest.fixture
def plant(window: Window) -> Window:
    window.view.set_sheet(QuerySheet().added("leaf | foliage, stem, soil")[0])
    window.view.set_current(2)
    window.currents.clear()
    window.table.setFocus()
    return window


def test_typing_and_enter(window: Window) -> None:
    window.qtbot.keyClicks(window.line, "leaf | foliage, not: stem")
    window.qtbot.keyClick(window.line, Qt.Key.Key_Return)
    assert [entry.line for entry in window.view.sheet.entries] == ["leaf | foliage", "not: stem"]
    assert window.line.text() == ""
    assert window.sheets == [window.view.sheet]
    assert window.view.current == 2
    assert window.currents == [2]
    window.line.insert("葉")
    window.qtbot.mouseClick(window.button("Add"), LEFT)
    assert window.names == ["leaf", "stem", "葉"]


def test_what_cannot_be_added_stays_in_the_line(plant: Window) -> None:
    plant.qtbot.keyClicks(plant.line, "Foliage")
    plant.qtbot.keyClick(plant.line, Qt.Key.Key_Enter)
    assert plant.notes == '"Foliage" is in the list already, as a synonym of "leaf".'
    assert plant.line.text() == plant.line.selectedText() == "Foliage"
    assert plant.sheets == []
    plant.qtbot.keyClicks(plant.line, "x")
    assert plant.notes == ""
    plant.line.clear()
    assert not plant.view.add_typed()
    assert "Type what to look for" in plant.notes


def test_pasting_lines_adds_them_all(window: Window) -> None:
    QApplication.clipboard().setText("1. leaf\n2. stem\r\n\n3. leaf\n")
    window.qtbot.keyClicks(window.line, "dogear")
    window.line.setCursorPosition(3)
    window.qtbot.keyClick(window.line, Qt.Key.Key_V, CTRL)
    assert window.names == ["leaf", "stem"]
    assert window.line.text() == "dogear"
    assert len(window.sheets) == 1
    assert window.notes == '"leaf" is in the list already.'
    window.line.selectAll()
    QApplication.clipboard().setText("soil\nsky")
    window.line.paste()
    assert window.names == ["leaf", "stem", "soil", "sky"]
    assert window.line.text() == ""


def test_pasting_one_line_can_be_edited_before_enter(window: Window) -> None:
    QApplication.clipboard().setText("leaf, stem")
    window.qtbot.keyClick(window.line, Qt.Key.Key_V, CTRL)
    assert window.names == []
    assert window.line.text() == "leaf, stem"


def test_pasting_and_copying_within_the_list(plant: Window) -> None:
    plant.click(1, Column.TEXT)
    plant.click(3, Column.TEXT, SHIFT)
    plant.table.queries.change([3], role="background")
    plant.key(Qt.Key.Key_C, CTRL)
    assert QApplication.clipboard().text() == "leaf | foliage\nstem\nnot: soil"
    plant.key(Qt.Key.Key_Delete)
    assert plant.names == []
    plant.key(Qt.Key.Key_V, CTRL)
    assert [entry.line for entry in plant.view.sheet.entries] == ["leaf | foliage", "stem", "not: soil"]
    assert list(plant.view.sheet.names) == [4, 5, 6]


def test_many_notes_are_cut_short(window: Window) -> None:
    window.view.add("leaf\n" * 10)
    assert window.notes.splitlines() == ['"leaf" is in the list already.'] * 3 + ["And 6 more of this kind."]


def test_renaming(plant: Window) -> None:
    editor = plant.edit()
    assert editor.text() == "stem"
    editor.selectAll()
    plant.qtbot.keyClicks(editor, "stalk, green | trunk")
    plant.qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert plant.view.sheet.entry(2).words == ("stalk, green", "trunk")
    assert len(plant.sheets) == 1
    plant.qtbot.waitUntil(lambda: plant.editors == [])


def test_a_refused_name_stays_in_the_editor(plant: Window) -> None:
    editor = plant.edit()
    editor.selectAll()
    plant.qtbot.keyClicks(editor, "soil")
    plant.qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert plant.editors == [editor]
    assert editor.text() == "soil"
    assert plant.notes == '"soil" is in the list already.'
    plant.qtbot.keyClicks(editor, "s")
    plant.qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert plant.names == ["leaf", "soils", "soil"]
    assert plant.notes == ""


def test_escape_leaves_a_name(plant: Window) -> None:
    editor = plant.edit()
    plant.qtbot.keyClicks(editor, "x")
    plant.qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert plant.names == ["leaf", "stem", "soil"]
    assert plant.sheets == []


def test_what_is_being_typed_survives_a_new_verdict_and_a_new_list(plant: Window) -> None:
    editor = plant.edit()
    plant.qtbot.keyClicks(editor, "new")
    plant.view.set_verdicts({1: "present"})
    plant.view.apply(plant.view.sheet.changed(1, enabled=False).moved(2, 0))
    assert plant.editors == [editor]
    plant.qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert plant.view.sheet.names == {1: "leaf", 2: "new", 3: "soil"}


def test_double_click_edits_words(plant: Window) -> None:
    plant.click(3, Column.TEXT)
    plant.qtbot.mouseDClick(plant.table.viewport(), LEFT, pos=plant.place(3, Column.TEXT))
    assert [editor.text() for editor in plant.editors] == ["soil"]


def test_clicks_on_marks(plant: Window) -> None:
    plant.view.set_groups_shown(True)
    plant.click(1, Column.ENABLED)
    plant.click(2, Column.ROLE)
    plant.click(3, Column.GROUP)
    assert not plant.view.sheet.entry(1).enabled
    assert plant.view.sheet.entry(2).role == "background"
    assert plant.view.sheet.entry(3).group == "stuff"
    assert len(plant.sheets) == 3
    plant.click(1, Column.ENABLED)
    plant.click(2, Column.GROUP)
    plant.click(2, Column.ROLE)
    plant.click(3, Column.GROUP)
    assert plant.view.sheet == QuerySheet().added("leaf | foliage, stem, soil")[0]
    assert len(plant.sheets) == 6


def test_colour_chosen_by_double_click(plant: Window) -> None:
    plant.click(3, Column.COLOUR)
    plant.qtbot.mouseDClick(plant.table.viewport(), LEFT, pos=plant.place(3, Column.COLOUR))
    dialog = plant.table.findChild(QColorDialog)
    assert dialog.currentColor().getRgb()[:3] == plant.view.sheet.colours[3]
    dialog.setCurrentColor(QColor(1, 2, 3))
    dialog.accept()
    assert plant.view.sheet.colours[3] == (1, 2, 3)
    assert len(plant.sheets) == 1


def test_colour_of_an_entry_removed_meanwhile(plant: Window) -> None:
    plant.table.choose_colour()
    plant.key(Qt.Key.Key_Delete)
    plant.table.findChild(QColorDialog).accept()
    assert plant.names == ["leaf", "soil"]


def test_space_switches_the_selected_ones(plant: Window) -> None:
    plant.click(1, Column.TEXT)
    plant.click(2, Column.TEXT, SHIFT)
    plant.key(Qt.Key.Key_Space)
    assert plant.view.sheet.query_ids == (3,)
    plant.key(Qt.Key.Key_Space)
    assert plant.view.sheet.query_ids == (1, 2, 3)
    assert len(plant.sheets) == 2


def test_removing_selects_the_neighbour_and_undo_brings_it_back(plant: Window) -> None:
    plant.key(Qt.Key.Key_Delete)
    assert plant.names == ["leaf", "soil"]
    assert plant.view.current == 3
    assert plant.currents == [3]
    assert '"stem" was removed' in plant.notes
    plant.key(Qt.Key.Key_Delete)
    assert plant.view.current == 1
    plant.key(Qt.Key.Key_Delete)
    assert plant.view.current == 0
    assert plant.currents == [3, 1, 0]
    for _ in range(4):
        plant.key(Qt.Key.Key_Z, CTRL)
    assert plant.view.sheet.names == {1: "leaf", 2: "stem", 3: "soil"}
    assert plant.notes == ""
    plant.key(Qt.Key.Key_Z, CTRL | SHIFT)
    assert plant.names == ["leaf", "soil"]
    assert len(plant.sheets) == 7


def test_an_id_is_not_given_again_after_undo(plant: Window) -> None:
    plant.view.add("bud")
    plant.key(Qt.Key.Key_Z, CTRL)
    plant.view.add("root")
    assert plant.view.sheet.names == {1: "leaf", 2: "stem", 3: "soil", 5: "root"}


def test_two_entries_swap(plant: Window) -> None:
    plant.key(Qt.Key.Key_Up, ALT)
    assert plant.view.sheet.query_ids == (2, 1, 3)
    assert plant.view.current == 2
    plant.key(Qt.Key.Key_Up, ALT)
    assert plant.view.sheet.query_ids == (2, 1, 3)
    plant.qtbot.mouseClick(plant.button("Down"), LEFT)
    plant.qtbot.mouseClick(plant.button("Down"), LEFT)
    plant.qtbot.mouseClick(plant.button("Down"), LEFT)
    assert plant.view.sheet.query_ids == (1, 3, 2)
    assert plant.view.sheet.names == {1: "leaf", 2: "stem", 3: "soil"}
    assert plant.table.selected_ids == [2]


def test_several_entries_move_together(plant: Window) -> None:
    plant.view.add("sky")
    plant.click(1, Column.TEXT)
    plant.click(3, Column.TEXT, CTRL)
    plant.key(Qt.Key.Key_Down, ALT)
    assert plant.view.sheet.query_ids == (2, 4, 1, 3)
    assert plant.table.selected_ids == [1, 3]


def test_dropping_between_rows(plant: Window) -> None:
    model, viewport = plant.table.queries, plant.table.viewport()
    data = model.mimeData([model.index(2, Column.TEXT)])
    place = plant.table.visualRect(model.index(0, Column.TEXT)).topLeft() + QPoint(9, 1)
    move, none = Qt.DropAction.MoveAction, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(viewport, QDragEnterEvent(place, move, data, LEFT, none))
    QApplication.sendEvent(viewport, QDragMoveEvent(place, move, data, LEFT, none))
    QApplication.sendEvent(viewport, QDropEvent(QPointF(place), move, data, LEFT, none))
    assert plant.view.sheet.query_ids == (3, 1, 2)
    assert plant.view.current == 2


def test_next_and_previous_wrap(plant: Window) -> None:
    for _ in range(3):
        plant.view.next()
    for _ in range(3):
        plant.view.previous()
    assert plant.currents == [3, 1, 2, 1, 3, 2]
    plant.view.set_current(9)
    assert (plant.view.current, plant.currents[-1], plant.table.selected_ids) == (0, 0, [])
    plant.view.previous()
    assert plant.view.current == 3
    plant.view.set_current(0)
    plant.view.next()
    assert plant.view.current == 1


def test_next_in_an_empty_list(window: Window) -> None:
    window.view.next()
    assert window.currents == []


def test_setting_a_list_is_no_edit(plant: Window) -> None:
    plant.view.set_sheet(plant.view.sheet.removed([1]))
    assert plant.sheets == []
    assert plant.view.current == 2
    plant.key(Qt.Key.Key_Z, CTRL)
    assert plant.names == ["stem", "soil"]
    plant.view.apply(plant.view.sheet.removed([3]))
    assert plant.sheets == [plant.view.sheet]


def test_list_menu(plant: Window) -> None:
    assert not plant.menu()["Undo"].isEnabled()
    assert not plant.menu()["Switch all on"].isEnabled()
    plant.menu()["Switch all off"].trigger()
    assert plant.view.sheet.query_ids == ()
    plant.menu()["Switch all on"].trigger()
    assert plant.view.sheet.query_ids == (1, 2, 3)
    plant.menu()["Remove all"].trigger()
    assert plant.notes.startswith("3 entries were removed;")
    assert not plant.menu()["Remove all"].isEnabled()
    plant.menu()["Undo"].trigger()
    assert plant.names == ["leaf", "stem", "soil"]
    plant.menu()["Redo"].trigger()
    assert plant.names == []
    QApplication.clipboard().setText("bud; root")
    plant.menu()["Paste list"].trigger()
    assert plant.names == ["bud", "root"]


def test_entry_menu(plant: Window) -> None:
    def choose(text: str) -> None:
        plant.table.customContextMenuRequested.emit(plant.place(2, Column.TEXT))
        menu = next(menu for menu in plant.view.findChildren(QMenu) if menu.isVisible())
        next(action for action in menu.actions() if action.text().startswith(text)).trigger()
        menu.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    plant.view.set_groups_shown(True)
    choose("Distractor")
    assert plant.view.sheet.background_words == ("stem",)
    choose("Distractor")
    choose("Stuff")
    assert plant.view.sheet.entry(2).group == "stuff"
    choose("Switch off")
    assert plant.view.sheet.query_ids == (1, 3)
    choose("Move down")
    assert plant.names == ["leaf", "soil", "stem"]
    choose("Remove")
    assert plant.names == ["leaf", "soil"]


def test_loading_a_file(plant: Window, tmp_path: Path) -> None:
    file = tmp_path / "queries.txt"
    file.write_text("# plants\nleaf\nnot: sky, blue\n", encoding="utf-8")
    plant.view.use_file("Load list…", file)
    assert plant.view.sheet.entry(4).line == 'not: "sky, blue"'
    assert plant.notes == '"leaf" is in the list already.'
    plant.view.use_file("Load list…", tmp_path / "none.txt")
    assert "cannot be read" in plant.notes
    assert len(plant.sheets) == 1


def test_buttons_need_a_selection(plant: Window) -> None:
    buttons = [plant.button(text) for text in ("Remove", "Up", "Down")]
    assert all(button.isEnabled() for button in buttons)
    plant.view.set_current(0)
    assert not any(button.isEnabled() for button in buttons)


def test_verdicts_have_a_column_only_when_there_are_some(plant: Window) -> None:
    assert plant.table.isColumnHidden(Column.VERDICT)
    plant.view.set_verdicts({2: "absent"})
    assert not plant.table.isColumnHidden(Column.VERDICT)
    plant.table.queries.change([2], text="stalk")
    assert plant.table.isColumnHidden(Column.VERDICT)


def test_keys_of_the_list_come_before_those_of_its_window(qtbot: QtBot) -> None:
    outer = QWidget()
    view = QueryListView()
    QVBoxLayout(outer).addWidget(view)
    qtbot.addWidget(outer)
    taken: list[str] = []
    for key in ("Ctrl+Z", "Del", "F2", "Space"):
        QShortcut(QKeySequence(key), outer).activated.connect(lambda key=key: taken.append(key))
    outer.show()
    outer.activateWindow()
    qtbot.waitExposed(outer)
    view.add("leaf, stem")
    table = view.findChild(QueryTable)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert list(view.sheet.names) == [1]
    qtbot.keyClick(table, Qt.Key.Key_Z, CTRL)
    assert list(view.sheet.names) == [1, 2]
    assert taken == []


def test_keys_of_the_keypad_and_of_other_scripts(plant: Window) -> None:
    press, keypad = QEvent.Type.KeyPress, Qt.KeyboardModifier.KeypadModifier
    QApplication.sendEvent(plant.table, QKeyEvent(press, ord("葉"), PLAIN, "葉"))
    assert plant.sheets == []
    QApplication.sendEvent(plant.table, QKeyEvent(press, Qt.Key.Key_Delete.value, keypad))
    assert plant.names == ["leaf", "soil"]


@pytest.mark.parametrize("text", ["a very long query " * 40, "葉っぱ" * 60, "ورقة " * 60])
def test_long_texts_are_cut_and_shown_in_the_tooltip(window: Window, text: str) -> None:
    for _ in range(2):
        window.view.add(f"{text} | short")
    QApplication.processEvents()
    index = window.table.queries.index(0, Column.TEXT)
    assert " ".join(text.split()) in index.data(Qt.ItemDataRole.ToolTipRole)
    assert window.table.columnViewportPosition(Column.ROLE) + window.table.columnWidth(Column.ROLE) <= 360
    assert window.view.width() == 360
    window.view.grab()


def test_three_hundred_entries_stay_fast(window: Window) -> None:
    window.view.add("\n".join(f"query {number} | word {number}" for number in range(300)))
    window.view.grab()
    durations = []
    for act in (
        lambda: window.table.queries.change([150], enabled=False),
        lambda: window.view.apply(window.view.sheet.moved(300, 0)),
        lambda: window.view.set_verdicts(dict.fromkeys(range(1, 301), "present")),
        lambda: window.view.add("one more"),
        window.view.next,
    ):
        start = time.process_time()
        act()
        window.view.grab()
        durations.append(time.process_time() - start)
    assert max(durations) < 0.1
