"""What all commands share: speed of the help, exit codes, one line per error."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command_line import Command, run_process, write_image

from napari_car.cli.app import app


def test_importing_the_command_line_loads_no_torch() -> None:
    code = (
        "import sys, time; start = time.process_time(); import napari_car.cli; "
        "seconds = time.process_time() - start; heavy = {'torch', 'open_clip', 'cv2', 'scipy', 'qtpy', 'napari'}; "
        "print(sorted(heavy & set(sys.modules)), seconds < 1)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[] True"


@pytest.mark.parametrize("name", ["", *app.commands])
def test_help_explains_every_command(command: Command, name: str) -> None:
    result = command(*([name] if name else []), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: napari-car {name}".rstrip())
    assert "``" not in result.stdout


def test_every_option_has_a_help_text() -> None:
    def options_of(command: click.Command) -> list[click.Option]:
        own = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        children = command.commands.values() if isinstance(command, click.Group) else ()
        return own + [option for child in children for option in options_of(child)]

    silent = [option.opts for option in options_of(app) if not option.help]
    assert not silent


def test_version(command: Command) -> None:
    from napari_car import __version__

    assert command("--version").stdout.strip().endswith(__version__)


def test_error_is_one_line_and_exit_code_1(command: Command, tmp_path: Path) -> None:
    result = command("segment", tmp_path / "none.png", "-q", "cat", "--model", "demo")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"Error: There is no file or folder {tmp_path / 'none.png'}.\n"


@pytest.mark.parametrize("arguments", [["--debug", "segment"], ["segment", "--debug"]])
def test_debug_shows_the_traceback(command: Command, arguments: list[str]) -> None:
    result = command(*arguments, "none.png", "-q", "cat")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "ImageError: There is no file or folder none.png." in result.stderr


def test_missing_checkpoint_says_how_to_get_it_and_names_the_demo(command: Command, tmp_path: Path) -> None:
    result = command("segment", write_image(tmp_path / "a.png"), "-q", "cat")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "napari-car models download ViT-B-16/openai" in result.stderr
    assert "--preset demo" in result.stderr
    assert not (tmp_path / "napari-car-output").exists()


def test_error_of_a_process_is_one_line_on_stderr(tmp_path: Path) -> None:
    image = write_image(tmp_path / "a.png")
    done = run_process("segment", image, "-q", "cat", "--f", "ViT-B-16/opnai", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: There is no checkpoint 'ViT-B-16/opnai'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["segment"], "Missing argument"),
        (["segment", "a.png"], "--query TEXT or --queries-file FILE"),
        (["segment", "a.png", "-q", "cat", "--preset", "vok"], "'vok' is not one of"),
        (["segment", "a.png", "-q", "cat", "--labels", "jpg"], "'jpg' is not one of"),
        (["segment", "a.png", "-q", "cat", "--model", "demo", "--g", "demo"], "leave out --f and --g"),
        (["segment", "a.png", "-q", "cat", "--score-threshold", "1.5"], "1.5 is not in the range"),
        (["segment", "a.png", "-q", "cat", "--mask-threshold", "-0.1"], "-0.1 is not in the range"),
        (["segment", "a.png", "-q", "cat", "--min-steps", "0"], "0 is not in the range"),
        (["segment", "a.png", "-q", "cat", "--crf-backend", "cuda"], "'cuda' is not one of"),
        (["presets", "show", "vok"], "'vok' is not one of"),
        (["nothing"], "No such command"),
    ],
)
def test_wrong_usage_is_exit_code_2(command: Command, arguments: list[str], said: str) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_terminal_that_lacks_letters_stops_nothing() -> None:
    done = run_process("presets", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "voc" in done.stdout


def test_presets_are_listed(command: Command) -> None:
    from napari_car.presets import PRESETS

    listed = command("presets").stdout
    assert all(name in listed for name in PRESETS)


def test_a_shown_preset_is_a_configuration_file(command: Command, tmp_path: Path) -> None:
    from napari_car.config import CaRConfig
    from napari_car.presets import PRESETS

    for name, preset in PRESETS.items():
        file = tmp_path / "shown.toml"
        file.write_text(command("presets", "show", name).stdout, encoding="utf-8")
        assert CaRConfig.from_toml(file) == preset.config


def test_info_tells_versions_devices_and_folders(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setenv("NAPARI_CAR_MODELS", str(tmp_path / "my models"))
    record = json.loads(command("info", "--json").stdout)
    assert (
        record["packages"]["torch"] == torch.__version__.split("+")[0]
        or record["packages"]["torch"] == torch.__version__
    )
    assert record["models_folder"] == str(tmp_path / "my models")
    assert record["text_cache"].endswith("texts.sqlite")
    assert "cuda" in record["devices"]
    said = command("info").stdout
    assert f"models folder: {tmp_path / 'my models'}" in said
    assert "  mps: " in said
