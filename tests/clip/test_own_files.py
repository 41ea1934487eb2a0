"""Names that stand for files of the user's own."""

import subprocess
import sys
from pathlib import Path

import open_clip
import pytest

from napari_car.clip.own_files import OwnFiles, find_own_files, names_own_files
from napari_car.errors import CheckpointError

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.pt"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    "name", ["demo", "ViT-B-16/openai", "hf-hub:laion/some-clip", "ViT-B-16-quickgelu/openai", "?"]
)
def test_names_of_registry_and_hub_are_no_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()  # the registry comes first
    assert not names_own_files(name)
    assert find_own_files(name) is None


def test_every_architecture_of_open_clip_may_stand_before_a_file(own_file: Path) -> None:
    for architecture in open_clip.list_models():
        assert find_own_files(f"{architecture}:{own_file}") == OwnFiles(own_file, architecture)


def test_folder_needs_configuration_and_weights(tmp_path: Path) -> None:
    assert names_own_files(str(tmp_path))
    with pytest.raises(CheckpointError, match=f"has no {CONFIG}, so it is no model folder"):
        find_own_files(str(tmp_path))
    (tmp_path / CONFIG).write_text("{}")
    with pytest.raises(CheckpointError, match=f"has no weights: {WEIGHTS} or"):
        find_own_files(str(tmp_path))
    (tmp_path / WEIGHTS).write_bytes(b"")
    assert find_own_files(str(tmp_path)) == OwnFiles(tmp_path / WEIGHTS, None)


@pytest.mark.parametrize(
    ("prefix", "sentence"),
    [("", "is a single file: write the architecture"), ("ARCHITECTURE:", "knows no architecture 'ARCHITECTURE' for")],
)
def test_file_without_a_known_architecture_is_refused(prefix: str, sentence: str, own_file: Path) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        find_own_files(f"{prefix}{own_file}")


def test_file_that_is_not_there_is_told() -> None:
    assert names_own_files("ViT-B-16:nowhere.pt")
    with pytest.raises(CheckpointError, match=r"There is no checkpoint file nowhere\.pt\."):
        find_own_files("ViT-B-16:nowhere.pt")
    assert find_own_files("ViT:nowhere.pt") is None  # may be anything


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "~nobody-of-that-name/clip"])
def test_what_cannot_be_a_path_names_nothing(name: str) -> None:
    assert find_own_files(name) is None


def test_files_are_found_without_loading_torch(own_file: Path) -> None:
    code = (
        "import sys; from napari_car.clip.own_files import find_own_files; "
        f"find_own_files('ViT-B-16:{own_file.as_posix()}'); print({{'torch', 'open_clip'}} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
