"""A folder of images in a real window: opened, stepped through, corrected, saved, and segmented in the background."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from dock_driving import run_and_wait
from napari.layers import Labels
from napari.viewer import Viewer
from PIL import Image
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QFileDialog, QInputDialog, QPushButton

from napari_car.annotation.document import Document, read_document
from napari_car.annotation.project import Project, ProjectImage
from napari_car.annotation.project_lock import ProjectLock
from napari_car.gui.commands import FOLDER, PLUGIN
from napari_car.gui.dock import CarWidget
from napari_car.gui.folder.opening import default_project_folder
from napari_car.gui.folder.panel import FolderPanel
from napari_car.gui.result_layers import is_result

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("one_thread")]

NAMES = ("shapes-on-brick", "shapes-on-gravel", "shapes-on-sand")
QUERIES = ("blue circle", "red square", "sand")


@pytest.fixture
def photos(tmp_path: Path, scenes: dict[str, np.ndarray]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        Image.fromarray(scenes[name]).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def panel(dock: tuple[Viewer, CarWidget]) -> FolderPanel:
    viewer, car = dock
    car.options.choose_preset("demo")
    car.queries.set_sheet(car.queries.sheet.added_each(QUERIES)[0])
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, FOLDER)
    assert isinstance(panel, FolderPanel)
    return panel


@pytest.fixture
def project(panel: FolderPanel, photos: Path) -> Project:
    assert panel.open_folder(photos), panel.text
    return Project.open(default_project_folder(photos))


def segment(qtbot: QtBot, panel: FolderPanel, which: str) -> str:
    panel.segment(which)
    assert panel.run.is_running, panel.text
    qtbot.waitUntil(lambda: not panel.run.is_running, timeout=120_000)
    qtbot.waitUntil(lambda: not panel.is_looking, timeout=20_000)
    return panel.text


def press(panel: FolderPanel, text: str) -> None:
    (button,) = (button for button in panel.findChildren(QPushButton) if button.text() == text)
    assert button.isVisible()
    button.click()


def shown_labels(panel: FolderPanel) -> Labels:
    (layer,) = (layer for layer in panel.viewer.layers if is_result(layer))
    return layer


def stored(project: Project, name: str) -> np.ndarray:
    document, _ = project.load(project.image(f"{name}.png"))
    assert document is not None
    return np.asarray(document.layers[0].labels)


def saved_by_another(project: Project) -> ProjectImage:
    """Save the labels of the first image as another program would; return the image."""
    image = project.image("shapes-on-brick.png")
    document, _ = project.load(image)
    assert document is not None
    project.save(image, Document(layers=document.layers, spent_s=99), None)
    return image


def test_a_folder_is_opened_and_nothing_in_it_is_changed(panel: FolderPanel, project: Project, photos: Path) -> None:
    assert sorted(path.name for path in photos.iterdir()) == [f"{name}.png" for name in NAMES]
    assert panel.list.keys == [f"{name}.png" for name in NAMES]
    assert [entry.text for entry in project.ontology.entries] == list(QUERIES)
    assert panel.desk.image is not None
    assert panel.desk.image.key == "shapes-on-brick.png"
    assert [layer.name for layer in panel.viewer.layers] == ["shapes-on-brick", "shapes-on-brick labels"]
    assert not shown_labels(panel).data.any()
    panel.step(1)
    assert not any(image.document.exists() for image in project.images())  # looking makes no labels


def test_what_is_painted_without_any_run_is_saved(panel: FolderPanel, project: Project) -> None:
    layer = shown_labels(panel)
    layer.data_setitem((np.array([3]), np.array([3])), 2)
    panel.step(1)
    assert stored(project, NAMES[0])[3, 3] == 2
    panel.step(-1)
    assert shown_labels(panel).data[3, 3] == 2


def test_all_images_are_segmented_as_the_engine_does_and_the_open_one_shows_its_labels(
    qtbot: QtBot,
    panel: FolderPanel,
    project: Project,
    headless: Callable[..., np.ndarray],
    scenes: dict[str, np.ndarray],
) -> None:
    assert segment(qtbot, panel, "all") == "3 images done."
    for name in NAMES:
        np.testing.assert_array_equal(stored(project, name), headless(scenes[name], QUERIES))
    np.testing.assert_array_equal(shown_labels(panel).data, stored(project, NAMES[0]))
    assert {state.progress for state in panel.states.values()} == {"automatic"}
    panel.segment("rest")
    assert not panel.run.is_running
    assert "all listed images have labels" in panel.text


def test_edits_are_saved_by_themselves_and_are_there_again(qtbot: QtBot, panel: FolderPanel, project: Project) -> None:
    segment(qtbot, panel, "all")
    layer = shown_labels(panel)
    layer.data_setitem((np.array([3, 3, 4]), np.array([3, 4, 4])), 2)
    with qtbot.waitSignal(panel.desk.saved, timeout=10_000):
        pass
    np.testing.assert_array_equal(stored(project, NAMES[0]), layer.data)
    qtbot.waitUntil(lambda: panel.states["shapes-on-brick.png"].progress == "edited", timeout=10_000)
    layer.undo()
    layer.data_setitem((np.array([9]), np.array([9])), 1)
    edited = layer.data.copy()
    panel.step(1)  # saves without waiting
    np.testing.assert_array_equal(stored(project, NAMES[0]), edited)
    assert [layer.name for layer in panel.viewer.layers] == ["shapes-on-gravel", "shapes-on-gravel labels"]
    panel.step(-1)
    np.testing.assert_array_equal(shown_labels(panel).data, edited)
    document, _ = project.load(project.image("shapes-on-brick.png"))
    assert document is not None
    assert document.layers[0].is_corrected
    assert document.spent_s > 0


def test_a_later_run_leaves_corrections_alone(qtbot: QtBot, panel: FolderPanel, project: Project) -> None:
    segment(qtbot, panel, "all")
    shown_labels(panel).data_setitem((np.array([3]), np.array([3])), 2)
    panel.step(1)
    before = stored(project, NAMES[0])
    segment(qtbot, panel, "all")
    np.testing.assert_array_equal(stored(project, NAMES[0]), before)


def test_new_labels_that_wait_for_a_decision_are_not_left_behind(
    qtbot: QtBot, panel: FolderPanel, project: Project, dock: tuple[Viewer, CarWidget]
) -> None:
    _, car = dock
    shown_labels(panel).data_setitem((np.arange(30), np.arange(30)), 3)
    run_and_wait(qtbot, car)
    assert car.proposal_bar.isVisible()
    panel.step(1)
    assert "wait to be accepted or discarded" in panel.text
    assert panel.desk.image is not None
    assert panel.desk.image.key == f"{NAMES[0]}.png"
    car.session.accept()
    accepted = shown_labels(panel).data.copy()
    panel.step(1)
    assert panel.desk.image.key == f"{NAMES[1]}.png"
    np.testing.assert_array_equal(stored(project, NAMES[0]), accepted)


def test_a_run_is_stopped_and_goes_on_with_the_rest(
    qtbot: QtBot, panel: FolderPanel, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_cancelled = threading.Event()

    def hold_second(key: str) -> bool:
        return key == "shapes-on-gravel.png" and not is_cancelled.wait(30)

    monkeypatch.setattr(panel.desk, "is_worked_on", hold_second)
    panel.segment("all")
    with qtbot.waitSignal(panel.run.image_done, timeout=60_000):
        pass
    panel.run.cancel()
    is_cancelled.set()
    qtbot.waitUntil(lambda: not panel.run.is_running, timeout=60_000)
    assert [image.document.exists() for image in project.images()] == [True, False, False]
    assert panel.text == "Stopped after 1 of 3 images."
    qtbot.waitUntil(lambda: not panel.is_looking, timeout=20_000)
    assert segment(qtbot, panel, "rest") == "2 images done."


def test_a_bad_image_stops_neither_the_run_nor_the_window(qtbot: QtBot, panel: FolderPanel, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert panel.open_folder(photos)
    assert "broken.png" in panel.text  # the first one
    assert "Not segmented: broken.png: " in segment(qtbot, panel, "all")
    panel.go_to("shapes-on-sand.png")
    assert panel.desk.image is not None
    assert panel.desk.image.key == "shapes-on-sand.png"


def test_the_second_window_is_told_and_overwrites_nothing(
    qtbot: QtBot, panel: FolderPanel, project: Project, photos: Path
) -> None:
    segment(qtbot, panel, "all")
    panel.desk.close()
    other = ProjectLock(project.folder)
    assert other.take() == ""
    try:
        assert panel.open_folder(photos)
        assert "is open by process" in panel.text
        before = stored(project, NAMES[0])
        shown_labels(panel).data_setitem((np.array([3]), np.array([3])), 2)
        panel.step(1)
        assert "are not saved" in panel.text
        np.testing.assert_array_equal(stored(project, NAMES[0]), before)
        panel.segment("all")
        assert not panel.run.is_running
    finally:
        other.release()


def test_labels_that_somebody_else_saved_are_not_overwritten(
    qtbot: QtBot, panel: FolderPanel, project: Project
) -> None:
    segment(qtbot, panel, "all")
    image = saved_by_another(project)
    shown_labels(panel).data_setitem((np.array([3]), np.array([3])), 2)
    with qtbot.waitSignal(panel.desk.failed, timeout=10_000) as said:
        pass
    assert "changed by another window" in said.args[0]
    panel.step(1)
    assert panel.desk.image is not None
    assert panel.desk.image.key == image.key  # it stays, so that nothing is lost
    press(panel, "Leave my changes unsaved")
    panel.step(1)
    assert panel.desk.image.key == "shapes-on-gravel.png"
    assert read_document(image.document).spent_s == 99


def test_what_cannot_be_saved_when_the_window_closes_is_kept_beside(
    qtbot: QtBot, panel: FolderPanel, project: Project
) -> None:
    segment(qtbot, panel, "all")
    image = saved_by_another(project)
    layer = shown_labels(panel)
    layer.data_setitem((np.array([3]), np.array([3])), 2)
    panel.desk.close()
    (kept,) = image.document.parent.glob("shapes-on-brick.png.unsaved-*.car.json")
    np.testing.assert_array_equal(read_document(kept).layers[0].labels, layer.data)
    assert read_document(image.document).spent_s == 99


def test_it_is_exported_and_imported_again(
    qtbot: QtBot, panel: FolderPanel, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment(qtbot, panel, "all")
    shown_labels(panel).data_setitem((np.array([3]), np.array([3])), 2)
    folders = iter([tmp_path / "coco", tmp_path / "coco", tmp_path / "again"])
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_, **__: ("COCO instances", True))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(next(folders)))
    panel.export()
    qtbot.waitUntil(lambda: not panel.data_sets.is_busy, timeout=20_000)
    assert panel.text.startswith("COCO instances: 3 images with")
    assert panel.text.endswith("Read back: every pixel is as it was.")
    with qtbot.waitSignal(panel.data_sets.imported, timeout=20_000):
        panel.data_sets.ask_to_import()
    assert panel.desk.project is not None
    assert panel.desk.project.folder == tmp_path / "again"
    assert [entry.text for entry in panel.desk.project.ontology.entries] == list(QUERIES)
    np.testing.assert_array_equal(shown_labels(panel).data > 0, stored(project, NAMES[0]) > 0)


def test_stacks_are_shown_with_the_values_of_the_file(qtbot: QtBot, panel: FolderPanel, tmp_path: Path) -> None:
    folder = tmp_path / "stacks"
    folder.mkdir()
    stack = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9)
    tifffile.imwrite(folder / "z.tif", stack, photometric="minisblack")
    assert panel.open_folder(folder)
    layer, labels = panel.viewer.layers
    np.testing.assert_array_equal(layer.data, stack)
    assert labels.data.shape == stack.shape


def test_a_killed_window_loses_the_last_moments_only(tmp_path: Path) -> None:
    script = Path(__file__).with_name("endless_editing.py")
    seeds = np.random.default_rng(int(os.environ.get("PYTEST_SEED", "0")))
    last = 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            while not (line := process.stdout.readline()).startswith("saved"):
                assert line, "the window ended by itself"
            time.sleep(float(seeds.uniform(0, 0.8)))
        finally:
            process.send_signal(signal.SIGKILL)
        told = [
            int(line.split()[1]),
            *(int(more.split()[1]) for more in process.stdout.read().splitlines() if more[5:]),
        ]
        process.wait()
        project = Project.open(default_project_folder(tmp_path / "photos"))
        (image,) = project.images()
        document, _ = project.load(image)
        assert document is not None
        n_painted = int(np.count_nonzero(document.layers[0].labels))
        assert n_painted >= max(told) > last
        last = n_painted
