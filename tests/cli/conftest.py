"""A tiny random-weight checkpoint, small images, and the command as typed."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from random_clip import random_model, write_folder

from napari_car.cli.app import app

sys.path.append(str(Path(__file__).parent))  # conftest files of several folders have no package

from command_line import Command, fast_options

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in open_clip's format; random weights, so that what it finds means nothing."""
    return write_folder(tmp_path_factory.mktemp("tiny") / "clip", TINY, random_model(TINY).state_dict())


@pytest.fixture(autouse=True)
def _in_one_thread(one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests here, and the processes that they start."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``napari-car`` in an empty folder; errors that are not meant for users fail the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="napari-car")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def segment(command: Command, tiny_clip: Path) -> Command:
    """Run ``napari-car segment`` with the tiny checkpoint, few texts and no CRF; every query gets a mask."""

    def run(*arguments: str | Path) -> Result:
        return command("segment", *arguments, *fast_options(tiny_clip))

    return run
