"""``napari-car models``, as typed."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_server
import pytest
from click.testing import CliRunner, Result

from napari_car.checkpoints.registry import load_registry
from napari_car.cli.models import models
from napari_car.errors import CheckpointError

REPO = "timm/vit_base_patch16_clip_224.openai"
SAFETENSORS = "open_clip_model.safetensors"

pytestmark = pytest.mark.timeout(120)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments)


def run_for_real(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: huggingface_hub reads the environment when it is imported."""
    code = "from napari_car.cli.models import models; models()"
    environment = os.environ | {"COLUMNS": "80"} | variables
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.fixture(autouse=True)
def empty_models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def hub() -> Iterator[Any]:
    with hub_server.run_hub() as hub:
        hub.put(REPO, SAFETENSORS, hub_server.safetensors_bytes(2_000_000))
        yield hub


def put(folder: Path, content: bytes, name: str = SAFETENSORS) -> Path:
    path = folder / "ViT-B-16" / "openai" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def row(output: str, name: str) -> list[str]:
    """Return the words of a checkpoint's row in the table."""
    return next(line.split() for line in output.splitlines() if line.startswith(f"{name} ") and " MB " in line)


def test_list_shows_each_checkpoint_with_size_and_licence(empty_models_folder: Path) -> None:
    result = run()
    assert result.exit_code == 0
    for checkpoint in load_registry().values():
        if checkpoint.hub_repo:  # the demo checkpoint is on disk, so its exact size is shown
            assert f"{checkpoint.size_mb} MB" in " ".join(row(result.output, checkpoint.name))
        assert f"{checkpoint.note} ({checkpoint.licence})" in result.output
        assert checkpoint.source in result.output
    assert row(result.output, "ViT-B-16/openai") == ["ViT-B-16/openai", "ViT-B-16-quickgelu", "598", "MB", "f", "–"]
    assert row(result.output, "ViT-L-14/openai")[-2:] == ["g", "–"]
    assert "demo checkpoint: knows drawn shapes and cells, not photographs" in result.output
    assert f"models folder: {empty_models_folder}" in result.output


def test_sam_has_tables_of_its_own() -> None:
    lines = run().output.splitlines()
    titles = [line for line in lines if line.endswith("(Apache-2.0)")]
    assert [title.partition("SAM")[0] for title in titles] == ["HQ-", ""]
    assert row("\n".join(lines), "sam-hq/vit_b") == ["sam-hq/vit_b", "HQ-SAM", "vit_b", "379", "MB", "sam", "–"]
    start = lines.index(titles[0])
    assert all(line.split()[0].startswith("sam") for line in lines[start:] if " MB " in line)


def test_list_fits_a_terminal_of_80_columns() -> None:
    lines = run_for_real().stdout.splitlines()
    assert max(len(line.rstrip()) for line in lines if not line.startswith("models folder")) <= 80


def test_list_shows_what_is_on_disk(empty_models_folder: Path) -> None:
    put(empty_models_folder, hub_server.safetensors_bytes(3_000_000))
    assert row(run().output, "ViT-B-16/openai")[2:] == ["3", "MB", "f", "yes"]


@pytest.mark.parametrize(("name", "state"), [(SAFETENSORS, "damaged"), (f"{SAFETENSORS}.0badcafe.partial", "partial")])
def test_list_shows_what_is_not_whole(empty_models_folder: Path, name: str, state: str) -> None:
    put(empty_models_folder, b"cut off", name)
    assert row(run().output, "ViT-B-16/openai")[-1] == state


def test_list_shows_repositories_that_were_downloaded_by_their_id(empty_models_folder: Path) -> None:
    assert "hf-hub:" not in run().output
    path = empty_models_folder / "hf-hub" / "laion" / "CLIP-ViT-B-16-DataComp.L-s1B-b8K" / SAFETENSORS
    path.parent.mkdir(parents=True)
    path.write_bytes(hub_server.safetensors_bytes(4_000_000))
    path.with_name("open_clip_config.json").write_text("{}")
    assert "hf-hub:laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K is on disk (complete, 4 MB)" in run().output
    assert json.loads(run("--json").output)["checkpoints"][-1]["hub_repo"] == "laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K"


def test_brackets_in_the_models_folder_are_shown(tmp_path: Path) -> None:
    assert f"models folder: {tmp_path / '[old]'}\n" in run("--models-folder", str(tmp_path / "[old]")).output


def test_option_chooses_the_folder_before_or_after_the_command(tmp_path: Path) -> None:
    path = put(tmp_path / "stick", hub_server.safetensors_bytes(1000))
    option = ("--models-folder", str(tmp_path / "stick"))
    assert row(run(*option).output, "ViT-B-16/openai")[-1] == "yes"
    for arguments in ((*option, "download", "ViT-B-16/openai"), ("download", "ViT-B-16/openai", *option)):
        result = run(*arguments)
        assert result.exit_code == 0
        assert result.output == f"ViT-B-16/openai is on disk already: {path}\n"


def test_json_holds_all_that_is_known(empty_models_folder: Path) -> None:
    path = put(empty_models_folder, hub_server.safetensors_bytes(1000))
    known = json.loads(run("--json").output)
    assert known["models_folder"] == str(empty_models_folder)
    by_name = {entry["name"]: entry for entry in known["checkpoints"]}
    assert list(by_name) == list(load_registry())
    entry = by_name["ViT-B-16/openai"]
    assert entry["hub_repo"] == REPO
    assert entry["licence"] == "MIT"
    assert entry["suits"] == ["f"]
    assert entry["on_disk"] == {"state": "complete", "path": str(path), "size_bytes": path.stat().st_size}


def test_architectures_are_those_that_take_a_file() -> None:
    architectures = run("--architectures").output.split()
    assert {"ViT-B-16", "ViT-L-14-quickgelu", "ViT-H-14"} <= set(architectures)
    assert not {"RN50", "convnext_base", "coca_ViT-B-32", "ViT-B-16-SigLIP", "ViT-L-14-CLIPA"} & set(architectures)


def test_list_does_not_load_torch() -> None:
    code = (
        "import sys, click.testing; from napari_car.cli.models import models; "
        "click.testing.CliRunner().invoke(models); print({'torch', 'huggingface_hub'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_download_ends_in_a_verified_file(empty_models_folder: Path, hub: Any) -> None:
    result = run_for_real("download", "ViT-B-16/openai", HF_ENDPOINT=hub.endpoint)
    path = empty_models_folder / "ViT-B-16" / "openai" / SAFETENSORS
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.replace("\n", "") == f"ViT-B-16/openai, 2 MB, verified: {path}"
    assert path.read_bytes() == hub.files[REPO, SAFETENSORS]


def test_download_of_a_sam(empty_models_folder: Path, hub: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", bytes(2_000_000))
    hub.put("lkeab/hq-sam", "sam_hq_vit_b.pth", buffer.getvalue())
    result = run_for_real("download", "sam-hq/vit_b", HF_ENDPOINT=hub.endpoint)
    path = empty_models_folder / "sam-hq" / "vit_b" / "sam_hq_vit_b.pth"
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.replace("\n", "") == f"sam-hq/vit_b, 2 MB, verified: {path}"
    assert path.read_bytes() == buffer.getvalue()


def test_download_shows_its_progress_on_a_terminal(hub: Any) -> None:
    result = run_for_real("download", "ViT-B-16/openai", HF_ENDPOINT=hub.endpoint, FORCE_COLOR="1")
    assert "Downloading ViT-B-16/openai" in result.stderr
    assert "2.0/2.0 MB" in result.stderr
    assert "Verifying" in result.stderr


def test_offline_mode_is_honoured(hub: Any, empty_models_folder: Path) -> None:
    result = run_for_real("download", "ViT-B-16/openai", HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1")
    assert result.returncode == 1
    assert "HF_HUB_OFFLINE forbids to download it" in result.stderr
    assert hub.requests == []


def test_unknown_name_ends_in_a_sentence_with_suggestions() -> None:
    result = run("download", "ViT-B-16/opnai")
    assert isinstance(result.exception, CheckpointError)
    assert "did you mean ViT-B-16/openai" in str(result.exception)


@pytest.mark.parametrize("arguments", [("download",), ("upload",), ("--jsn",)])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
