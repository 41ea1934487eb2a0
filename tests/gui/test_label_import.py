"""Labels of data sets are imported into the image that is open, in a real window."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dock_driving import ask_for, result_layers, show_only
from napari.layers import Labels
from napari.viewer import Viewer
from PIL import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.sheet import QuerySheet
from napari_car.dataset.export import export
from napari_car.dataset.formats import FORMATS, LABEL_READERS
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.gui.commands import FOLDER, PLUGIN, import_labels
from napari_car.gui.dock import CarWidget
from napari_car.gui.folder.panel import FolderPanel
from napari_car.gui.label_import import dialog as dialog_module
from napari_car.gui.label_import.dialog import LabelImportDialog
from napari_car.gui.layer_notes import instances_of
from napari_car.gui.tracking import track

pytestmark = pytest.mark.gui

SHEET, _ = QuerySheet().added("leaf, soil, stone")
TABLE = InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 1}, FIRST_ID + 2)
LABELS = np.kron(
    np.array([[FIRST_ID, 0, FIRST_ID + 1, 0], [2, 2, 0, 0], [0, 0, 0, 0]], np.int32), np.ones((6, 6), np.int32)
).astype(np.int32)
"""Two leaves and soil, 18 x 24 px."""

SEMANTIC = TABLE.semantic(LABELS)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, LABELS.shape, dtype=np.uint8)


@pytest.fixture
def photo(tmp_path: Path, pixels: np.ndarray) -> Path:
    path = tmp_path / "photos" / "field.png"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def make(tmp_path: Path, photo: Path) -> Callable[[str], Path]:
    """Return a function that writes a data set of a format."""

    def write(name: str) -> Path:
        folder = tmp_path / name
        images = {
            key: LabelledImage(name=key, image=photo, labels=labels, instances=TABLE)
            for key, labels in (("field", LABELS), ("other", LABELS[:, ::-1].copy()))
        }
        if name != "labelme":
            export(images, SHEET, FORMATS[name], folder)
            return folder
        folder.mkdir()
        boxes = [("leaf", 0, 0, 6, 6), ("leaf", 0, 12, 6, 18), ("soil", 6, 0, 12, 12)]
        shapes = [
            {"label": label, "points": [[x0 + 0.2, y0 + 0.2], [x1 - 0.8, y1 - 0.8]], "shape_type": "rectangle"}
            for label, y0, x0, y1, x1 in boxes
        ]
        record = {"shapes": shapes, "imagePath": "field.png", "imageHeight": 18, "imageWidth": 24}
        (folder / "field.json").write_text(json.dumps(record))
        return folder

    return write


@pytest.fixture
def opened(dock: tuple[Viewer, CarWidget], photo: Path) -> tuple[Viewer, CarWidget]:
    """A window in which the image is open, and a list whose ids mean other things."""
    viewer, widget = dock
    viewer.open(photo, plugin="napari")
    ask_for(widget, ["root", "earth | soil", "sky"])
    return viewer, widget


def begin(widget: CarWidget, path: Path | str, fmt: str = "found by its files") -> LabelImportDialog:
    """Open the dialog, and enter a data set."""
    widget.label_import.ask()
    dialog = widget.label_import.dialog
    assert dialog is not None
    dialog.path.setText(str(path))
    dialog.formats.setCurrentIndex(dialog.formats.findText(fmt))
    return dialog


def button(dialog: LabelImportDialog, text: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text() == text)


def press_import(qtbot: QtBot, widget: CarWidget) -> LabelImportDialog | None:
    """Press Import, and wait; return the dialog if it is still there."""
    dialog = widget.label_import.dialog
    assert dialog is not None
    qtbot.mouseClick(button(dialog, "Import"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: widget.label_import.dialog is None or not dialog.is_waiting, timeout=20_000)
    return widget.label_import.dialog


def said(dialog: LabelImportDialog | None) -> str:
    """Return what a dialog says that should be closed."""
    return "" if dialog is None else f"open: {dialog.text}"


def semantic(layer: Labels) -> np.ndarray:
    return instances_of(layer).semantic(np.asarray(layer.data))


@pytest.mark.parametrize("name", ["coco", "voc", "labelme"])
def test_labels_come_over_the_image_and_classes_into_the_list(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot, name: str
) -> None:
    viewer, widget = opened
    before = widget.queries.sheet
    begin(widget, make(name))
    assert said(press_import(qtbot, widget)) == ""
    sheet = widget.queries.sheet
    assert sheet.entries[:3] == before.entries
    new = [entry.text for entry in sheet.entries[3:]]
    assert new == (["leaf"] if name == "labelme" else ["leaf", "stone"])
    ids = {entry.text: entry.id for entry in sheet.entries}
    (layer,) = result_layers(viewer)
    assert layer.name == "field labels"
    assert viewer.layers.selection.active is layer
    np.testing.assert_array_equal(semantic(layer), np.array([0, ids["leaf"], ids["earth"]])[SEMANTIC])
    assert set(instances_of(layer).query_ids.values()) == {ids["leaf"]}
    assert len(np.unique(layer.data)) == 4
    human = track(layer).ledger.human(layer.data)
    np.testing.assert_array_equal(human, SEMANTIC != 0)
    names = dict(zip(layer.features["index"], layer.features["class"], strict=True))
    assert {id_: names[id_] for id_ in sheet.names} == sheet.names
    colour = np.array(sheet.entry(ids["earth"]).colour) / 255
    np.testing.assert_allclose(layer.get_color(ids["earth"])[:3], colour, atol=1 / 255)
    title = LABEL_READERS[name].title
    what = "3 objects of 2 classes are in the layer field labels"
    assert widget.run_bar.text.startswith(f"{title}: {what}. New in the list: ")
    qtbot.waitUntil(lambda: len(widget.states.labels.masks) > 0, timeout=20_000)
    assert widget.states.labels.masks[ids["leaf"]].state == "edited"

    layer.undo()
    assert not layer.data.any()
    layer.redo()
    assert layer.data.any()
    widget.queries._model.undo()
    assert widget.queries.sheet.entries == before.entries


def test_labels_that_were_there_are_not_lost(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot
) -> None:
    viewer, widget = opened
    begin(widget, make("coco"))
    press_import(qtbot, widget)
    (layer,) = result_layers(viewer)
    first, notes = layer.data.copy(), instances_of(layer)

    dialog = begin(widget, make("voc"))
    assert [dialog.targets.itemText(i) for i in range(2)] == [
        "a new layer",
        "field labels, in place of what is there",
    ]
    assert dialog.into is None
    press_import(qtbot, widget)
    layer, new = result_layers(viewer)
    np.testing.assert_array_equal(layer.data, first)
    np.testing.assert_array_equal(semantic(new), semantic(layer))
    viewer.layers.remove(new)

    dialog = begin(widget, make("binary-png"))
    dialog.targets.setCurrentIndex(1)
    layer.data_setitem((np.array([17]), np.array([23])), 3)
    press_import(qtbot, widget)
    assert result_layers(viewer) == [layer]
    assert layer.data[17, 23] == 0
    assert layer.data.max() < FIRST_ID
    layer.undo()
    assert layer.data[17, 23] == 3
    layer.undo()
    np.testing.assert_array_equal(layer.data, first)
    assert instances_of(layer) == notes

    dialog = begin(widget, make("label-tiff"))
    dialog.targets.setCurrentIndex(1)
    press_import(qtbot, widget)
    again = np.unique(layer.data[layer.data >= FIRST_ID])
    assert not set(again.tolist()) & set(notes.query_ids)  # no id is ever given to another object
    np.testing.assert_array_equal(layer.data > 0, first > 0)


def test_an_image_without_match_is_chosen(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot, pixels: np.ndarray
) -> None:
    viewer, widget = opened
    show_only(viewer, pixels, name="shot 7")
    begin(widget, make("labelme"))
    dialog = press_import(qtbot, widget)
    assert dialog is not None
    assert dialog.text.startswith("The only image of the data set is called field, not shot 7")
    assert dialog.number == 0
    dialog.path.setText(str(make("coco")))
    assert dialog.number is None
    dialog = press_import(qtbot, widget)
    assert dialog is not None
    assert dialog.text.startswith("None of the 2 images of the data set is called shot 7")
    assert result_layers(viewer) == []
    dialog.images.setEditText("nothing like it")
    press_import(qtbot, widget)
    assert "no image of this name" in dialog.text
    dialog.images.setEditText("other")
    assert said(press_import(qtbot, widget)) == ""
    (layer,) = result_layers(viewer)
    np.testing.assert_array_equal(layer.data > 0, SEMANTIC[:, ::-1] > 0)


def test_what_cannot_be_imported_is_said_and_changes_nothing(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot, tmp_path: Path
) -> None:
    viewer, widget = opened
    sheet = widget.queries.sheet
    begin(widget, "")
    dialog = press_import(qtbot, widget)
    assert dialog is not None
    assert dialog.text == "⚠ Choose a file of labels, or the folder of a data set."
    (tmp_path / "broken.json").write_text('{"categories": [], "annotations": [')
    for path, fmt, says in (
        (tmp_path / "gone", "found by its files", "There is no "),
        (tmp_path / "photos", "found by its files", "of no data set that is known here"),
        (tmp_path / "photos", "Pascal VOC index PNG", "There is no classes.txt"),
        (tmp_path / "broken.json", "found by its files", "it is not JSON"),
    ):
        dialog.path.setText(str(path))
        dialog.formats.setCurrentIndex(dialog.formats.findText(fmt))
        press_import(qtbot, widget)
        assert dialog.text.startswith("⚠ ")
        assert says in dialog.text
    dialog.reject()
    assert widget.label_import.dialog is None

    show_only(viewer, np.zeros((24, 18), np.uint8), name="field")
    begin(widget, make("voc"))
    dialog = press_import(qtbot, widget)
    assert dialog is not None
    assert dialog.text.startswith("⚠ field has 18 x 24 px in the data set, but field has 24 x 18 px")
    dialog.path.setText(str(make("coco")))
    widget.queries.set_sheet(QuerySheet().added("not: soil")[0])
    press_import(qtbot, widget)
    assert result_layers(viewer) == []
    assert widget.queries.sheet.names == {1: "soil"}
    widget.queries.set_sheet(sheet)


def test_a_layer_of_small_numbers_cannot_hold_instances(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot
) -> None:
    viewer, widget = opened
    viewer.add_labels(
        np.zeros(LABELS.shape, np.uint8), metadata={PLUGIN: {"kind": "labels", "image": "field", "queries": []}}
    )
    before = widget.queries.sheet
    dialog = begin(widget, make("coco"))
    assert dialog.targets.currentText() == "Labels, which is empty"
    assert press_import(qtbot, widget) is dialog
    assert "has 8-bit labels" in dialog.text
    assert widget.queries.sheet == before
    dialog.targets.setCurrentIndex(0)
    assert said(press_import(qtbot, widget)) == ""


def test_reading_is_stopped(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, widget = opened
    goes_on, real = threading.Event(), dialog_module.import_labels

    def slow(*arguments: object) -> object:
        for event in real(*arguments):
            yield event
            goes_on.wait(20)

    monkeypatch.setattr(dialog_module, "import_labels", slow)
    dialog = begin(widget, make("coco"))
    qtbot.mouseClick(button(dialog, "Import"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.text == "Reading the classes: COCO instances", timeout=20_000)
    qtbot.mouseClick(button(dialog, "Stop"), Qt.MouseButton.LeftButton)
    assert dialog.text == "Stopped. Nothing was imported."
    assert not dialog.is_waiting
    goes_on.set()
    qtbot.waitUntil(lambda: not dialog._job.is_busy, timeout=20_000)
    assert widget.label_import.dialog is dialog
    assert result_layers(viewer) == []
    assert said(press_import(qtbot, widget)) == ""  # it can be begun again
    assert len(result_layers(viewer)) == 1


def test_the_dock_can_be_closed_meanwhile(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot
) -> None:
    viewer, widget = opened
    dialog = begin(widget, make("coco"))
    qtbot.mouseClick(button(dialog, "Import"), Qt.MouseButton.LeftButton)
    widget.close_session()
    assert widget.label_import.dialog is None
    qtbot.wait(300)
    assert result_layers(viewer) == []


def test_only_the_plane_that_is_shown_gets_labels(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot
) -> None:
    viewer, widget = opened
    show_only(viewer, np.zeros((3, *LABELS.shape), np.uint8), name="field")
    viewer.dims.set_point(0, 2)
    begin(widget, make("coco"))
    dialog = press_import(qtbot, widget)
    assert dialog is not None  # planes of a stack are called field_p0002
    dialog.images.setCurrentIndex(dialog.images.findText("field"))
    assert said(press_import(qtbot, widget)) == ""
    (layer,) = result_layers(viewer)
    assert layer.data.shape == (3, *LABELS.shape)
    assert not layer.data[:2].any()
    np.testing.assert_array_equal(layer.data[2] > 0, SEMANTIC > 0)
    viewer.dims.set_point(0, 0)
    dialog = begin(widget, "")
    assert dialog.targets.currentText() == "field labels, which is empty"
    dialog.reject()


def test_menus_keys_and_commands_open_it(
    opened: tuple[Viewer, CarWidget], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, photo: Path
) -> None:
    viewer, widget = opened
    importing = widget.label_import

    def opens(act: Callable[[], object]) -> None:
        act()
        assert importing.dialog is not None
        act()  # it is there already
        importing.dialog.reject()
        assert importing.dialog is None

    opens(lambda: import_labels(viewer))
    opens(widget.queries.import_wanted.emit)
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, FOLDER)[1]
    assert isinstance(panel, FolderPanel)
    opens(next(one for one in panel.controls.data_sets.actions() if one.text().startswith("Import labels")).trigger)
    keys = (Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(widget.queries, *keys)
    dialog = importing.dialog
    assert dialog is not None
    asked = []

    def answer(_parent: object, title: str, start: str) -> tuple[str, str]:
        asked.append((title, start))
        return "/data/a.json", ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: answer(*arguments)[0])
    button(dialog, "File…").click()
    assert dialog.path.text() == "/data/a.json"
    button(dialog, "Folder…").click()
    assert asked == [("File of labels", str(photo.parent)), ("Folder of the data set", "/data/a.json")]
    dialog.reject()
    viewer.layers.clear()
    import_labels(viewer)
    assert importing.dialog is None
    assert widget.run_bar.text.startswith("⚠ There is no image")


def test_in_a_folder_they_are_saved_with_the_project(
    opened: tuple[Viewer, CarWidget], make: Callable[[str], Path], qtbot: QtBot, photo: Path
) -> None:
    viewer, widget = opened
    viewer.layers.clear()
    viewer.screenshot(flash=False)
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, FOLDER)[1]
    assert isinstance(panel, FolderPanel)
    assert panel.open_folder(photo.parent), panel.text
    (layer,) = result_layers(viewer)  # empty, ready to be painted into
    begin(widget, make("coco"))
    assert said(press_import(qtbot, widget)) == ""
    assert result_layers(viewer) == [layer]
    qtbot.waitUntil(lambda: panel.states["field.png"].progress == "edited", timeout=20_000)
    project, image = panel.desk.project, panel.desk.image
    assert project is not None
    assert image is not None
    assert [entry.text for entry in project.ontology.entries] == ["root", "earth", "sky", "leaf", "stone"]
    document, _ = project.load(image)
    assert document is not None
    np.testing.assert_array_equal(np.asarray(document.layers[0].labels), layer.data)
