"""Ontologies in the window: opened, saved, imported, merged, and their classes edited."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QFileDialog, QMenu

from napari_car.annotation.frames import Box, Frame
from napari_car.annotation.ontology_file import read_ontology, write_ontology
from napari_car.annotation.sheet import QuerySheet
from napari_car.gui.class_dialog import ClassDialog
from napari_car.gui.image_results import ImageResults
from napari_car.gui.list_files import READERS, WRITERS, ask_for_file
from napari_car.gui.query_list import QueryListView
from napari_car.gui.query_menu import fill_entry_menu, fill_list_menu
from napari_car.gui.result_layers import carry_over
from napari_car.gui.sources import ImageSource

pytestmark = pytest.mark.gui


@pytest.fixture
def view(qtbot: QtBot) -> QueryListView:
    view = QueryListView()
    qtbot.addWidget(view)
    view.add("leaf | foliage, stem, soil")
    return view


def notes(view: QueryListView) -> str:
    return view._notes.text()


def test_a_list_is_saved_as_an_ontology_and_opened_again(view: QueryListView, tmp_path: Path) -> None:
    view.use_file("Save ontology…", tmp_path / "plants")
    assert notes(view) == "Saved as plants.toml."
    saved = view.sheet
    view.add("root")
    view.use_file("Open ontology…", tmp_path / "plants.toml")
    assert view.sheet.entries == saved.entries
    view._model.undo()
    assert [entry.text for entry in view.sheet.entries] == ["leaf", "stem", "soil", "root"]


def test_an_id_that_was_given_is_not_given_again_after_an_ontology_was_opened(
    view: QueryListView, tmp_path: Path
) -> None:
    sheet, _ = QuerySheet().added("a, b, c, d, e, f")
    write_ontology(tmp_path / "letters.json", sheet.removed([6]))
    view.use_file("Open ontology…", tmp_path / "letters.json")
    view.add("g")
    assert view.sheet.entries[-1].id == 7


def test_files_that_are_wrong_change_nothing(view: QueryListView, tmp_path: Path) -> None:
    before = view.sheet
    (tmp_path / "a.json").write_text("{}")
    for title, name in (
        ("Open ontology…", "a.json"),
        ("Import classes…", "a.json"),
        ("Open ontology…", "none.toml"),
        ("Save ontology…", "a.yaml"),
    ):
        view.use_file(title, tmp_path / name)
        assert str(tmp_path / name) in notes(view)
    assert view.sheet is before


def test_classes_are_imported_beside_those_that_are_there(view: QueryListView, tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("name,id\nleaf,\nroot,9\n")
    view.use_file("Import classes…", tmp_path / "classes.csv")
    assert view.sheet.names == {1: "leaf", 2: "stem", 3: "soil", 9: "root"}
    assert view.current == 9
    assert notes(view) == '"leaf" is in the list already.'


def test_merging_keeps_the_id_and_takes_the_words(view: QueryListView) -> None:
    view.merge([2, 1], into=1)
    assert view.sheet.entry(1).words == ("leaf", "foliage", "stem")
    assert [entry.id for entry in view.sheet.entries] == [1, 3]
    assert notes(view).startswith('"stem" merged into "leaf". Labels keep their numbers')
    view._model.undo()
    assert view.sheet.names == {1: "leaf", 2: "stem", 3: "soil"}


def test_a_class_is_edited_in_a_dialog_and_that_can_be_undone(view: QueryListView, qtbot: QtBot) -> None:
    view.edit_class(1)
    dialog = view.findChild(ClassDialog)
    assert dialog is not None
    dialog.name.setText("SOIL")
    dialog.accept()
    assert dialog.isVisible()
    assert dialog.text == '⚠ Two classes are called "soil": give one of them another name.'
    dialog.name.setText("Leaf blade")
    dialog.kind_of.setCurrentIndex(dialog.kind_of.findText("stem"))
    dialog.phrases.setPlainText("{} of a weed\n\n dry {} ")
    dialog.notes.setPlainText("Without petiole.")
    dialog.accept()
    entry = view.sheet.entry(1)
    assert (entry.class_name, entry.parent, entry.notes) == ("Leaf blade", 2, "Without petiole.")
    assert entry.templates == ("{} of a weed", "dry {}")
    view._model.undo()
    assert view.sheet.entry(1).parent == 0


@pytest.mark.parametrize("phrase", ["no place", "{} and {}", "{0}"])
def test_phrases_need_one_place(view: QueryListView, qtbot: QtBot, phrase: str) -> None:
    dialog = ClassDialog(view.sheet, 1)
    qtbot.addWidget(dialog)
    dialog.phrases.setPlainText(phrase)
    dialog.accept()
    assert "must contain {} once" in dialog.text


def test_menus_offer_files_and_classes(view: QueryListView, qtbot: QtBot) -> None:
    said: list[object] = []
    menu = QMenu()
    qtbot.addWidget(menu)
    wanted: list[str] = []
    fill_list_menu(menu, view._table, lambda: None, said.append, lambda: wanted.append("labels"), lambda: None)
    next(action for action in menu.actions() if action.text().startswith("Import labels")).trigger()
    assert wanted == ["labels"]
    for action in menu.actions():
        if action.text() in READERS | WRITERS:
            action.trigger()
    assert said == [*READERS, *WRITERS]
    menu.clear()
    view.set_current(2)
    fill_entry_menu(menu, view._table, said.append, lambda ids, into: said.append((ids, into)), with_groups=False)
    next(action for action in menu.actions() if action.text().startswith("Name, kind")).trigger()
    into = next(action.menu() for action in menu.actions() if action.text() == "Merge into")
    assert [action.text() for action in into.actions()] == ["leaf", "soil"]
    into.actions()[1].trigger()
    assert said[-2:] == [2, ([2], 3)]


def test_which_file_is_asked(view: QueryListView, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(name: str) -> Callable[..., tuple[str, str]]:
        def ask(_parent: object, title: str, *_: str) -> tuple[str, str]:
            asked.append(title)
            return name, ""

        return ask

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer(str(tmp_path / "mine.toml")))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer(""))
    assert ask_for_file("Open ontology…", view) is None
    view._choose_file("Open ontology…")
    view._choose_file("Save ontology…")
    assert asked == ["Open ontology", "Open ontology", "Save ontology"]
    assert read_ontology(tmp_path / "mine.toml").entries == view.sheet.entries


def test_labels_keep_their_meaning_when_another_list_takes_the_place_of_theirs(
    view: QueryListView, tmp_path: Path
) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((8, 8)))
    source = ImageSource.capture(viewer, image, composite=False)
    results = ImageResults(viewer, image, source, view.sheet)
    whole = Box(0, 0, 8, 8)
    results.put(Frame((), whole, whole), {0: np.ones((8, 8), np.int32)})
    layer = viewer.layers[-1]
    assert isinstance(layer, Labels)
    renamed = view.sheet.changed(1, text="blade")
    carry_over(viewer, view.sheet, renamed)
    assert layer.features["class"].tolist() == ["background", "blade", "stem", "soil"]
    other, _ = QuerySheet().added("dog, cat, bird")
    write_ontology(tmp_path / "animals.toml", other)
    view.use_file("Open ontology…", tmp_path / "animals.toml")
    carry_over(viewer, renamed, view.sheet)
    results.describe(view.sheet)
    assert layer.features["class"].tolist() == ["background", "blade", "stem", "soil"]
    results.close()
