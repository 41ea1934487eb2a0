"""SAM in the dock: chosen, downloaded, and run with, in a real window."""

import io
import zipfile
from pathlib import Path
from typing import Any

import hub_server
import pytest
from dock_driving import ask_for, result_layers, run_and_wait
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QComboBox, QFileDialog, QPushButton
from random_sam import write_random_sam

from napari_car import read_image
from napari_car.checkpoints import download as download_module
from napari_car.gui.dock import CarWidget
from napari_car.gui.sam_chooser import SamChooser
from napari_car.scenes import load_scenes

pytestmark = pytest.mark.gui
TINY = "sam-hq/vit_tiny"


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_sam(tmp_path_factory.mktemp("sam") / "my_sam.pth")


def zip_bytes(n_bytes: int) -> bytes:
    """A file that looks like one of torch."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", bytes(n_bytes))
    return file.getvalue()


@pytest.fixture
def scene(dock: tuple[Viewer, CarWidget]) -> tuple[Viewer, CarWidget]:
    viewer, widget = dock
    image = next(scene.image for scene in load_scenes() if scene.name == "shapes-on-sand")
    viewer.add_image(read_image(image).rgb[::2, ::2], name="sand")
    ask_for(widget, ["blue circle", "sand"])
    return viewer, widget


def test_a_run_with_sam_says_so_and_can_be_cancelled(
    scene: tuple[Viewer, CarWidget], sam_file: Path, qtbot: QtBot
) -> None:
    viewer, widget = scene
    assert not widget.options.sams.isVisibleTo(widget.options)
    widget.options.parameters.set_value("sam.enabled", True)
    widget.options.parameters.set_value("sam.n_points_per_side", 2)
    assert widget.options._with_sam.value
    assert widget.options.sams.isVisibleTo(widget.options)
    widget.options.sams.choose(str(sam_file))
    said: list[str] = []
    widget.session.status_changed.connect(lambda status: said.append(status.text))
    run_and_wait(qtbot, widget)
    assert "SAM looks at the image" in said
    assert any(text.startswith("SAM finds objects, ") for text in said)
    (layer,) = result_layers(viewer)
    provenance = widget.session.store.get(widget.session.store.frames[0]).provenance
    assert provenance.sam.architecture == "HQ-SAM vit_tiny"
    assert layer.metadata["napari-car"]["runs"][0]["sam"]["sha256"] == provenance.sam.sha256

    widget.options.parameters.set_value("sam.n_points_per_side", 64)  # minutes
    widget.run()
    qtbot.waitUntil(lambda: any(text == "SAM finds objects, 0 %" for text in said), timeout=60_000)
    widget.session.cancel()
    qtbot.waitUntil(lambda: not widget.session.is_running, timeout=10_000)
    assert widget.run_bar.text == "Stopped."


def test_a_missing_sam_is_said_and_downloaded(
    scene: tuple[Viewer, CarWidget], tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, widget = scene
    chooser = widget.options.sams
    chooser.models_folder = tmp_path
    chooser.choose(TINY)
    widget.options._with_sam.value = True
    assert widget.options.config.sam.enabled
    widget.run()
    assert not widget.session.is_running
    assert widget.run_bar.text.startswith(f"⚠ {TINY} is not installed: press Download")
    with hub_server.run_hub() as hub:
        hub.put("lkeab/hq-sam", "sam_hq_vit_tiny.pth", zip_bytes(3_000_000))
        real_url = download_module.hf_hub_url
        monkeypatch.setattr(
            download_module, "hf_hub_url", lambda *a, **k: real_url(*a, **k | {"endpoint": hub.endpoint})
        )
        (button,) = (each for each in chooser.findChildren(QPushButton) if each.text().startswith("Download ("))
        button.click()
        qtbot.waitUntil(lambda: chooser.state.is_ready, timeout=20_000)
    qtbot.waitUntil(lambda: not chooser.reason, timeout=5_000)
    widget.options._with_sam.value = False
    assert not widget.options.config.sam.enabled


def test_a_file_is_browsed_for(qtbot: QtBot, tmp_path: Path, sam_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chooser = SamChooser(tmp_path)
    qtbot.addWidget(chooser)
    answers: list[Any] = [("", ""), (str(sam_file), "")]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: answers.pop(0))
    entries = chooser.findChild(QComboBox)
    before = chooser.name
    entries.activated.emit(entries.count() - 1)
    assert (chooser.name, entries.currentData()) == (before, before)
    with qtbot.waitSignal(chooser.changed):
        entries.activated.emit(entries.count() - 1)
    assert chooser.name == str(sam_file)
    assert entries.currentText() == "my_sam.pth"
    assert chooser.reason == ""


def test_the_choice_survives_a_restart(scene: tuple[Viewer, CarWidget], sam_file: Path) -> None:
    _, widget = scene
    widget.options.sams.choose(str(sam_file))
    widget.options._with_sam.value = True
    choices = widget.options.to_dict()
    widget.options.sams.choose(TINY)
    widget.options._with_sam.value = False
    widget.options.restore(choices)
    assert widget.options.sams.name == str(sam_file)
    assert widget.options.config.sam.enabled
