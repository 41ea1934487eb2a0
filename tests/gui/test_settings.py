"""Preferences in napari, and choices that last until the next start."""

import json
import os
from pathlib import Path

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from pydantic import ValidationError

from napari_car.gui.settings import EngineSettings, load_choices, save_choices, watch_engine_settings


@pytest.fixture
def choices_file() -> Path:
    return Path(os.environ["NAPARI_CAR_CONFIG"]) / "widget.json"


@pytest.mark.usefixtures("plugin_settings", "registered")
def test_defaults_leave_the_folder_to_the_environment() -> None:
    assert EngineSettings.current() == EngineSettings(Path(os.environ["NAPARI_CAR_MODELS"]), "auto", "auto")


@pytest.mark.usefixtures("plugin_settings")
def test_without_the_plugin_there_are_the_same_defaults() -> None:
    assert EngineSettings.current() == EngineSettings(Path(os.environ["NAPARI_CAR_MODELS"]), "auto", "auto")


@pytest.mark.usefixtures("plugin_settings", "registered")
def test_preferences_win_over_the_environment(tmp_path: Path) -> None:
    networks = get_plugin_settings("napari-car").networks
    networks.models_folder, networks.device, networks.precision = f" {tmp_path} ", "cpu", "bf16"
    assert EngineSettings.current() == EngineSettings(tmp_path, "cpu", "bf16")
    networks.models_folder = "~/models"
    assert EngineSettings.current().models_folder == Path.home() / "models"


@pytest.mark.usefixtures("plugin_settings", "registered")
def test_preferences_survive_a_restart() -> None:
    from napari import settings

    get_plugin_settings("napari-car").networks.device = "cpu"
    settings._clear_plugin_settings_cache()
    assert EngineSettings.current().device == "cpu"


@pytest.mark.usefixtures("plugin_settings", "registered")
@pytest.mark.parametrize(("name", "value"), [("device", "tpu"), ("precision", "fp8"), ("models_folder", 3)])
def test_wrong_preferences_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        setattr(get_plugin_settings("napari-car").networks, name, value)


@pytest.mark.usefixtures("plugin_settings", "registered")
def test_changes_are_told_until_nobody_listens() -> None:
    seen: list[EngineSettings] = []
    stop = watch_engine_settings(seen.append)
    networks = get_plugin_settings("napari-car").networks
    networks.device = "cpu"
    networks.precision = "fp32"
    assert [(settings.device, settings.precision) for settings in seen] == [("cpu", "auto"), ("cpu", "fp32")]
    stop()
    networks.device = "auto"
    assert len(seen) == 2


@pytest.mark.usefixtures("plugin_settings")
def test_without_the_plugin_nothing_is_told() -> None:
    watch_engine_settings(lambda _: pytest.fail("nothing has changed"))()


def test_first_start_has_no_choices() -> None:
    assert load_choices() == {}


def test_choices_come_back() -> None:
    choices = {"preset": "demo", "changes": {"recurrence.score_threshold": 0.4}, "tile_px": 512, "kinds": ["Kreis ●"]}
    save_choices(choices)
    assert load_choices() == choices
    save_choices({"preset": "annotate"})
    assert load_choices() == {"preset": "annotate"}


@pytest.mark.parametrize("content", [b"{", b"[1, 2]", b"\xff\xfe", b"", b"[" * 100_000])
def test_damaged_choices_are_set_aside(choices_file: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    choices_file.write_bytes(content)
    assert load_choices() == {}
    assert "were moved to" in caplog.text
    assert choices_file.with_name("widget.json.damaged").read_bytes() == content
    assert not choices_file.exists()
    save_choices({"preset": "demo"})
    assert load_choices() == {"preset": "demo"}


def test_a_disk_that_cannot_be_used_is_said_and_no_more(
    choices_file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = choices_file.with_name("no-folder")
    file.write_text("")
    monkeypatch.setenv("NAPARI_CAR_CONFIG", str(file))
    save_choices({"preset": "demo"})
    assert "will not be there next time" in caplog.text
    assert load_choices() == {}
    assert "cannot be read" in caplog.text


def test_choices_are_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NAPARI_CAR_CONFIG")
    monkeypatch.setattr("platformdirs.user_config_path", lambda name, **_: tmp_path / name)
    save_choices({"preset": "demo"})
    assert json.loads((tmp_path / "napari-car" / "widget.json").read_text()) == {"preset": "demo"}


def test_settings_of_the_manifest_are_those_that_are_read() -> None:
    properties = PluginManifest.from_distribution("napari-car").contributions.configurations["networks"].properties
    assert list(properties) == list(EngineSettings.__dataclass_fields__)
