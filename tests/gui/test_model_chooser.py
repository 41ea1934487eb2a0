"""The chooser of networks, with real downloads from a small hub on the loopback interface."""

import json
import shutil
import socket
import struct
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_server
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock
from qtpy.QtCore import QPoint, QPointF, Qt, QThreadPool, QUrl
from qtpy.QtGui import QDesktopServices, QWheelEvent
from qtpy.QtWidgets import QFileDialog, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.network_offers import LIGHT
from napari_car.annotation.networks import DEMO, PAPER, NetworkChoice
from napari_car.checkpoints import download as download_module
from napari_car.checkpoints.folder import inspect
from napari_car.checkpoints.registry import find_checkpoint
from napari_car.gui.downloads import DownloadBar
from napari_car.gui.model_chooser import ModelChooser
from napari_car.gui.offer_list import OfferList
from napari_car.gui.sentence import Sentence
from napari_car.presets import PRESETS

B16, L14 = find_checkpoint("ViT-B-16/openai"), find_checkpoint("ViT-L-14/openai")
WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
RESTRICTED = NetworkChoice("ViT-B-16/metaclip_400m", "ViT-L-14/metaclip_400m")
DOCK_PX = 360

pytestmark = [pytest.mark.gui, pytest.mark.timeout(120)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub with the networks of the paper, 3 and 4 MB large."""
    with hub_server.run_hub() as hub:
        hub.put(B16.hub_repo, WEIGHTS, hub_server.safetensors_bytes(3_000_000))
        hub.put(L14.hub_repo, WEIGHTS, hub_server.safetensors_bytes(4_000_000))
        use_endpoint(monkeypatch, hub.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
        yield hub
    QThreadPool.globalInstance().waitForDone(10_000)


def use_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Send what is asked of the hub to another address."""
    real_url = download_module.hf_hub_url
    monkeypatch.setattr(download_module, "hf_hub_url", lambda *a, **k: real_url(*a, **k | {"endpoint": endpoint}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def chooser(qtbot: Any, folder: Path) -> Iterator[ModelChooser]:
    chooser = make_chooser(qtbot, folder)
    yield chooser
    chooser.stop()


def make_chooser(qtbot: Any, folder: Path) -> ModelChooser:
    """Return a chooser as wide as in a dock."""
    host = QWidget()
    qtbot.addWidget(host)
    layout = QVBoxLayout(host)
    chooser = ModelChooser(folder)
    layout.addWidget(chooser)
    layout.addStretch()
    host.resize(DOCK_PX, 700)
    host.show()
    qtbot.waitExposed(host)
    chooser.test_host = host  # keeps it alive
    return chooser


def put(folder: Path, name: str, content: bytes | None = None, file: str = WEIGHTS) -> Path:
    """Put a file into a checkpoint's folder; by default one that looks whole."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}}).encode()
    path = folder / name.replace(":", "/") / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(9) if content is None else content)
    return path


def said(chooser: ModelChooser) -> str:
    """Return all that can be read."""
    return "\n".join(sentence.text for sentence in chooser.findChildren(Sentence) if sentence.isVisible())


def button(chooser: ModelChooser) -> QPushButton:
    """Return the button that downloads or cancels."""
    return chooser.findChild(DownloadBar).findChild(QPushButton)


def download(qtbot: Any, chooser: ModelChooser) -> None:
    """Press Download, and wait for the end."""
    bar = chooser.findChild(DownloadBar)
    with qtbot.waitSignal(bar.ended, timeout=20_000):
        qtbot.mouseClick(button(chooser), Qt.MouseButton.LeftButton)


def start_and_stall(qtbot: Any, chooser: ModelChooser, hub: Any, n_bytes: int) -> None:
    """Press Download, and wait until the line falls silent after some bytes."""
    hub.cuts, hub.stalls = [n_bytes, 0], True
    qtbot.mouseClick(button(chooser), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: inspect(B16, chooser.models_folder).size_bytes == n_bytes, timeout=10_000)


def pick(chooser: ModelChooser, text: str) -> None:
    """Choose the entry of the list that starts so, as a person would."""
    offers = chooser.findChild(OfferList)
    offers.about_to_open.emit()
    row = next(row for row in range(offers.count()) if offers.itemText(row).startswith(text))
    offers.setCurrentIndex(row)
    offers.activated.emit(row)


def lines(chooser: ModelChooser) -> tuple[QLineEdit, QLineEdit]:
    """Return where f and g are typed."""
    f, g = chooser.findChildren(QLineEdit)
    return f, g


# Choosing -------------------------------------------------------------------------------------------------------


def test_demo_is_chosen_at_first_and_its_limits_are_told(chooser: ModelChooser) -> None:
    assert chooser.choice == DEMO
    assert chooser.is_ready
    assert chooser.reason == ""
    assert "knows drawn shapes and cells, not photographs" in said(chooser)
    assert not button(chooser).isVisible()


def test_paper_pair_is_chosen_at_first_where_it_is_installed(qtbot: Any, folder: Path) -> None:
    put(folder, B16.name)
    put(folder, L14.name)
    assert make_chooser(qtbot, folder).choice == PAPER


def test_list_shows_what_is_installed_what_must_be_downloaded_and_how_large_it_is(chooser: ModelChooser) -> None:
    offers = chooser.findChild(OfferList)
    texts = [offers.itemText(row) for row in range(offers.count())]
    assert texts[:4] == ["Installed", "Demo (built in)", "To download", "Paper: ViT-B/16 + ViT-L/14, OpenAI · 2.3 GB"]
    assert "ViT-B/16 + ViT-L/14, MetaCLIP 400M · 2.3 GB · not for commercial use" in texts
    assert texts[-1] == "Other: name f and g yourself"
    put(chooser.models_folder, B16.name)
    offers.about_to_open.emit()
    assert offers.itemText(2) == "Light: ViT-B/16 for both, OpenAI"  # installed by someone else meanwhile
    assert chooser.choice == DEMO


def test_headings_cannot_be_chosen(chooser: ModelChooser) -> None:
    model = chooser.findChild(OfferList).model()
    choosable = [bool(model.index(row, 0).flags() & Qt.ItemFlag.ItemIsSelectable) for row in range(4)]
    assert choosable == [False, True, False, True]


def test_what_is_not_installed_is_told_with_size_and_licence(qtbot: Any, chooser: ModelChooser) -> None:
    with qtbot.waitSignal(chooser.changed):
        pick(chooser, "Paper")
    assert chooser.choice == PAPER
    assert not chooser.is_ready
    assert chooser.reason == ("ViT-B/16 + ViT-L/14, OpenAI is not installed: press Download, or choose other networks.")
    assert "Not on this machine: 2.3 GB to download." in said(chooser)
    assert "Licence: MIT." in said(chooser)
    assert button(chooser).text() == "Download (2.3 GB)"


def test_non_commercial_licence_is_in_sight_before_the_download(chooser: ModelChooser) -> None:
    chooser.set_choice(RESTRICTED)
    assert "⚠ Licence: CC-BY-NC-4.0, not for commercial use." in said(chooser)
    assert button(chooser).isVisible()


def test_list_is_not_changed_by_a_wheel_that_scrolls_past(chooser: ModelChooser) -> None:
    offers = chooser.findChild(OfferList)
    index = offers.currentIndex()
    at = QPointF(offers.rect().center())
    wheel = QWheelEvent(
        *(at, offers.mapToGlobal(at), QPoint(), QPoint(0, -120)),
        *(Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    offers.wheelEvent(wheel)
    assert offers.currentIndex() == index
    assert not wheel.isAccepted()


def test_another_folder_is_looked_at(qtbot: Any, chooser: ModelChooser, tmp_path: Path) -> None:
    chooser.set_choice(LIGHT)
    put(tmp_path / "other", B16.name)
    with qtbot.waitSignal(chooser.changed):
        chooser.models_folder = tmp_path / "other"
    assert chooser.is_ready
    assert said(chooser).startswith("Installed.")


def test_models_folder_is_made_and_opened(chooser: ModelChooser, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    chooser.open_folder()
    assert chooser.models_folder.is_dir()
    assert opened == [QUrl.fromLocalFile(str(chooser.models_folder))]


def test_models_folder_that_cannot_be_made_is_told(chooser: ModelChooser, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chooser.models_folder = tmp_path / "file" / "models"
    chooser.open_folder()
    assert "⚠ The models folder" in said(chooser)


def test_menu_leads_to_the_web_pages(chooser: ModelChooser, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    chooser.set_choice(PAPER)
    menu = chooser.findChildren(QPushButton, options=Qt.FindChildOption.FindDirectChildrenOnly)[0].menu()
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts == [
        "Open models folder",
        "Look again at what is installed",
        "Web page and licence of ViT-B-16/openai",
        "Web page and licence of ViT-L-14/openai",
    ]
    menu.actions()[3].trigger()
    assert opened == [QUrl(f"https://huggingface.co/{L14.hub_repo}")]


# Presets --------------------------------------------------------------------------------------------------------


def test_preset_whose_networks_are_installed_brings_them(qtbot: Any, chooser: ModelChooser) -> None:
    put(chooser.models_folder, B16.name)
    with qtbot.waitSignal(chooser.changed):
        chooser.suggest(PRESETS["refcoco"])
    assert chooser.choice == LIGHT
    assert "Networks changed to those of the preset refcoco" in said(chooser)


def test_preset_whose_networks_are_missing_changes_nothing_and_says_so(qtbot: Any, chooser: ModelChooser) -> None:
    with qtbot.assertNotEmitted(chooser.changed):
        chooser.suggest(PRESETS["voc"])
    assert chooser.choice == DEMO
    assert chooser.is_ready
    assert "The preset voc was made for ViT-B/16 + ViT-L/14, OpenAI, not installed (2.3 GB to download)" in said(
        chooser
    )
    chooser.suggest(PRESETS["demo"])
    assert "The preset" not in said(chooser)


# Names that are typed -------------------------------------------------------------------------------------------


def test_typed_names_start_from_what_was_chosen_and_are_checked_after_a_while(
    qtbot: Any, chooser: ModelChooser
) -> None:
    assert not any(line.isVisible() for line in lines(chooser))
    pick(chooser, "Other")
    assert [line.text() for line in lines(chooser)] == ["demo", "demo"]
    assert all(line.isVisible() for line in lines(chooser))
    assert chooser.is_ready
    f, _ = lines(chooser)
    f.selectAll()
    with qtbot.waitSignal(chooser.changed, timeout=5000):
        qtbot.keyClicks(f, "ViT-B-16/opnai")
    assert "⚠ There is no checkpoint 'ViT-B-16/opnai': did you mean ViT-B-16/openai" in said(chooser)
    assert not chooser.is_ready
    assert not button(chooser).isVisible()


def test_a_run_just_after_typing_takes_what_was_typed(chooser: ModelChooser) -> None:
    pick(chooser, "Other")
    lines(chooser)[1].setText(" ViT-L-14/openai ")
    assert chooser.choice == NetworkChoice("demo", "ViT-L-14/openai")
    lines(chooser)[1].setText("")
    assert chooser.reason == "Name a network for f and one for g."


def test_typed_names_stay_typed_although_the_list_has_them(chooser: ModelChooser) -> None:
    pick(chooser, "Other")
    for line in lines(chooser):
        line.setText(B16.name)
    chooser.refresh()
    assert chooser.choice == LIGHT
    assert lines(chooser)[0].isVisible()
    chooser.set_choice(LIGHT)
    assert not lines(chooser)[0].isVisible()


def test_names_that_the_list_does_not_have_are_shown_as_typed(chooser: ModelChooser) -> None:
    chooser.set_choice(NetworkChoice("demo", "hf-hub:laion/some-clip"))
    assert [line.text() for line in lines(chooser)] == ["demo", "hf-hub:laion/some-clip"]
    assert lines(chooser)[0].isVisible()
    assert button(chooser).text() == "Download"  # nobody knows how large it is


def test_folder_and_file_can_be_picked(chooser: ModelChooser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pick(chooser, "Other")
    f, g = lines(chooser)
    picks = [part.findChild(QPushButton).menu().actions() for part in (f.parent(), g.parent())]
    own = put(tmp_path, "mine", b"").parent
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(own))
    picks[0][0].trigger()
    assert f.text() == str(own)
    assert f"has no {CONFIG}" in chooser.reason
    f.setText("demo")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(own / WEIGHTS), ""))
    picks[1][1].trigger()
    assert g.text() == f"ARCHITECTURE:{own / WEIGHTS}"
    assert g.selectedText() == "ARCHITECTURE"
    assert "knows no architecture 'ARCHITECTURE'" in chooser.reason
    g.setText("ViT-B-16:/elsewhere")
    picks[1][1].trigger()
    assert g.text() == f"ViT-B-16:{own / WEIGHTS}"
    (own / CONFIG).write_text("{}")
    picks[1][1].trigger()
    assert g.text() == str(own)  # the configuration says the architecture
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    picks[1][1].trigger()
    assert g.text() == str(own)


# Downloads ------------------------------------------------------------------------------------------------------


def test_download_makes_the_networks_ready(qtbot: Any, chooser: ModelChooser, hub: Any) -> None:
    chooser.set_choice(PAPER)
    shown: list[int] = []
    chooser.findChild(QProgressBar).valueChanged.connect(shown.append)
    with qtbot.waitSignal(chooser.changed, check_params_cb=lambda: chooser.is_ready, timeout=20_000):
        download(qtbot, chooser)
    assert chooser.reason == ""
    assert said(chooser).startswith("Installed.")
    assert not button(chooser).isVisible()
    assert not chooser.findChild(QProgressBar).isVisible()
    assert max(shown) == 1000
    assert inspect(B16, chooser.models_folder).path.read_bytes() == hub.files[B16.hub_repo, WEIGHTS]
    assert chooser.findChild(OfferList).itemText(1) == "Demo (built in)"
    assert chooser.findChild(OfferList).itemText(2) == "Paper: ViT-B/16 + ViT-L/14, OpenAI"


def test_progress_is_told(qtbot: Any, chooser: ModelChooser, hub: Any) -> None:
    chooser.set_choice(LIGHT)
    start_and_stall(qtbot, chooser, hub, 1_000_000)
    qtbot.waitUntil(lambda: "MB of 3 MB" in said(chooser))
    assert "Downloading ViT-B-16/openai" in said(chooser)
    assert chooser.findChild(QProgressBar).isVisible()
    assert button(chooser).text() == "Cancel download"
    assert chooser.reason == (
        "ViT-B/16 for both, OpenAI is being downloaded: wait for the end of the download, or choose other networks."
    )


def test_cancelled_download_is_resumed(qtbot: Any, chooser: ModelChooser, hub: Any) -> None:
    chooser.set_choice(LIGHT)
    start_and_stall(qtbot, chooser, hub, 1_000_000)
    with qtbot.waitSignal(chooser.findChild(DownloadBar).ended, timeout=10_000) as ended:
        qtbot.mouseClick(button(chooser), Qt.MouseButton.LeftButton)
        assert button(chooser).text() == "Stopping"
        assert not button(chooser).isEnabled()
    assert ended.args == [""]
    assert "1 MB of 598 MB are here already: the download goes on where it stopped." in said(chooser)
    assert button(chooser).text() == "Resume download (597 MB)"
    assert button(chooser).isEnabled()
    hub.cuts, hub.stalls = [], False
    hub.requests.clear()
    download(qtbot, chooser)
    assert hub.ranges_asked() == ["bytes=1000000-"]
    assert chooser.is_ready


def test_other_networks_can_be_used_during_a_download(qtbot: Any, chooser: ModelChooser, hub: Any) -> None:
    chooser.set_choice(LIGHT)
    start_and_stall(qtbot, chooser, hub, 1_000_000)
    pick(chooser, "Demo")
    assert chooser.is_ready
    assert button(chooser).text() == "Cancel download"
    chooser.set_choice(RESTRICTED)
    assert "wait for the download that is running, then press Download" in chooser.reason
    with qtbot.waitSignal(chooser.findChild(DownloadBar).ended, timeout=10_000):
        qtbot.mouseClick(button(chooser), Qt.MouseButton.LeftButton)
    assert button(chooser).text() == "Download (2.3 GB)"
    assert chooser.choice == RESTRICTED


def test_file_that_is_not_the_one_expected_is_told(qtbot: Any, chooser: ModelChooser, hub: Any) -> None:
    hub.wrong_bytes = b"wrong"
    chooser.set_choice(LIGHT)
    download(qtbot, chooser)
    assert "⚠ The open_clip_model.safetensors received for ViT-B-16/openai is not the one" in said(chooser)
    assert "was deleted: download it again." in said(chooser)
    assert not chooser.is_ready
    assert button(chooser).text() == "Download (598 MB)"
    hub.wrong_bytes = b""
    download(qtbot, chooser)
    assert "⚠" not in said(chooser)
    assert chooser.is_ready


def test_damaged_file_is_told_and_replaced(qtbot: Any, chooser: ModelChooser, hub: Any) -> None:
    put(chooser.models_folder, B16.name, b"cut off")
    chooser.set_choice(LIGHT)
    assert "⚠ ViT-B-16/openai: the file is damaged or was not copied to its end" in said(chooser)
    assert not chooser.is_ready
    download(qtbot, chooser)
    assert chooser.is_ready


def test_machine_without_a_network_is_told_what_to_copy(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        use_endpoint(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
        long_folder = tmp_path / ("a_folder_whose_name_is_longer_than_a_line_of_the_dock" * 3)
        chooser = make_chooser(qtbot, long_folder)
        chooser.set_choice(LIGHT)
        download(qtbot, chooser)
    assert "⚠ ViT-B-16/openai is not on disk and the hub cannot be reached" in said(chooser)
    assert f"copy {WEIGHTS} (or open_clip_pytorch_model.bin) from https://huggingface.co/{B16.hub_repo}" in said(
        chooser
    )
    assert f"into {long_folder / B16.name}." in said(chooser)
    check_that_nothing_is_cut_off(chooser)


def test_full_disk_is_told(qtbot: Any, chooser: ModelChooser, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(9_000_000, 8_000_000, 1_000_000))
    chooser.set_choice(LIGHT)
    download(qtbot, chooser)
    assert f"⚠ ViT-B-16/openai needs 3.0 MB, but {chooser.models_folder} has only 1.0 MB free" in said(chooser)
    assert not chooser.is_ready


def test_second_window_is_told_that_the_file_is_being_downloaded(
    qtbot: Any, chooser: ModelChooser, hub: Any, folder: Path
) -> None:
    chooser.set_choice(LIGHT)
    start_and_stall(qtbot, chooser, hub, 1_000_000)
    other = make_chooser(qtbot, folder)
    other.set_choice(LIGHT)
    download(qtbot, other)
    assert "⚠ Another program is downloading ViT-B-16/openai" in said(other)
    other.stop()


@pytest.mark.parametrize("how", ["stopped", "destroyed"])
def test_closing_stops_the_download_and_keeps_what_came(qtbot: Any, hub: Any, folder: Path, how: str) -> None:
    chooser = make_chooser(qtbot, folder)
    chooser.set_choice(LIGHT)
    start_and_stall(qtbot, chooser, hub, 1_000_000)
    hub.cuts.clear()  # if it went on, it would end
    if how == "stopped":
        chooser.stop()
    else:
        chooser.setParent(None)
        with qtbot.waitSignal(chooser.destroyed):
            chooser.deleteLater()
    assert QThreadPool.globalInstance().waitForDone(10_000)
    qtbot.wait(50)  # what the worker said last would arrive now
    assert inspect(B16, folder).state == "partial"
    with WeakFileLock(folder / B16.name / ".lock", timeout=0.1):  # nobody holds it any more
        assert len(hub.ranges_asked()) == 1


# Layout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choice", [DEMO, PAPER, LIGHT, RESTRICTED, NetworkChoice("ViT-B-16/dfn2b", "ViT-H-14-378/dfn5b")]
)
def test_nothing_is_cut_off_in_a_narrow_dock(chooser: ModelChooser, choice: NetworkChoice) -> None:
    chooser.set_choice(choice)
    check_that_nothing_is_cut_off(chooser)
    chooser.suggest(PRESETS["context-459"])
    check_that_nothing_is_cut_off(chooser)


def test_long_names_do_not_widen_the_dock(chooser: ModelChooser) -> None:
    chooser.set_choice(NetworkChoice(f"hf-hub:laion/{'x' * 200}", f"ViT-B-16:/{'long/' * 60}w.pt"))
    check_that_nothing_is_cut_off(chooser)


def check_that_nothing_is_cut_off(chooser: ModelChooser) -> None:
    """Assert that all texts have their place in the width of a dock."""
    host = chooser.window()
    host.layout().activate()
    assert host.minimumSizeHint().width() <= DOCK_PX
    assert host.width() == DOCK_PX
    sentences = [sentence for sentence in chooser.findChildren(Sentence) if sentence.isVisible()]
    assert sentences
    for sentence in sentences:
        document = sentence.document()
        assert document.size().height() <= sentence.height()
        assert document.size().width() <= sentence.viewport().width() + 1
        assert sentence.height() < document.size().height() + sentence.fontMetrics().height()
