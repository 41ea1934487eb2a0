"""Where the models folder is, and what is found in it."""

import os
import struct
import zipfile
from pathlib import Path

import platformdirs
import pytest
from hub_server import safetensors_bytes

from napari_car.checkpoints import folder as folder_module
from napari_car.checkpoints.folder import (
    OnDisk,
    checkpoint_folder,
    hub_checkpoints,
    inspect,
    locate,
    models_folder,
    require,
)
from napari_car.checkpoints.registry import find_checkpoint
from napari_car.errors import CheckpointError

CHECKPOINT = find_checkpoint("ViT-B-16/openai")


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "ViT-B-16" / "openai" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_option_beats_variable_beats_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(tmp_path / "variable"))
    assert models_folder(tmp_path / "option") == tmp_path / "option"
    assert models_folder() == tmp_path / "variable"
    monkeypatch.delenv("NAPARI_CAR_MODELS")
    assert models_folder() == Path(platformdirs.user_data_dir("napari-car", appauthor=False)) / "models"


def test_folder_is_absolute_and_knows_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert models_folder("weights") == tmp_path / "weights"
    assert models_folder("~/weights") == Path.home() / "weights"


def test_nothing_is_found_in_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert inspect(CHECKPOINT, tmp_path / "none") == OnDisk("absent", None, 0)
    assert locate("ViT-B-16/openai", tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_file_placed_by_hand_is_found(tmp_path: Path) -> None:
    content = safetensors_bytes(100)
    path = put(tmp_path, "open_clip_model.safetensors", content)
    assert inspect(CHECKPOINT, tmp_path) == OnDisk("complete", path, len(content))
    assert locate("ViT-B-16-quickgelu/openai", tmp_path) == path
    assert require("ViT-B-16/openai", tmp_path) == path


@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "mine.pt", "mine.safetensors"])
def test_other_weights_files_are_found_too(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, safetensors_bytes(100))
    if not name.endswith(".safetensors"):
        with zipfile.ZipFile(path, "w") as archive:  # what torch.save writes
            archive.writestr("data.pkl", b"")
    assert locate("ViT-B-16/openai", tmp_path) == path


def test_safetensors_come_first(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", safetensors_bytes(10))
    with zipfile.ZipFile(put(tmp_path, "open_clip_pytorch_model.bin", b""), "w") as archive:
        archive.writestr("data.pkl", b"")
    path = put(tmp_path, "open_clip_model.safetensors", safetensors_bytes(10))
    assert locate("ViT-B-16/openai", tmp_path) == path


def test_complete_file_beats_damaged_beats_partial(tmp_path: Path) -> None:
    partial = put(tmp_path, "open_clip_model.safetensors.0badcafe.partial", b"12345")
    assert inspect(CHECKPOINT, tmp_path) == OnDisk("partial", partial, 5)
    assert locate("ViT-B-16/openai", tmp_path) is None
    damaged = put(tmp_path, "open_clip_model.safetensors", safetensors_bytes(100)[:-1])
    assert inspect(CHECKPOINT, tmp_path).path == damaged
    complete = put(tmp_path, "z.safetensors", safetensors_bytes(100))
    assert inspect(CHECKPOINT, tmp_path).path == complete


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("open_clip_model.safetensors", safetensors_bytes(100)[:-1]),
        ("open_clip_model.safetensors", safetensors_bytes(100) + b"x"),
        ("open_clip_model.safetensors", safetensors_bytes(100)[:20]),
        ("open_clip_model.safetensors", b""),
        ("open_clip_model.safetensors", b"<html>Log in to the network</html>" * 10),
        ("open_clip_model.safetensors", struct.pack("<Q", 2) + b"{}"),
        ("open_clip_model.safetensors", struct.pack("<Q", 2) + b"[]"),
        ("open_clip_model.safetensors", struct.pack("<Q", 2) + b"\xff\xff"),
        ("open_clip_model.safetensors", struct.pack("<Q", 9) + b'{"a":"b"}'),
        ("open_clip_pytorch_model.bin", b"PK\x03\x04 cut off"),
    ],
)
def test_damaged_file_is_not_located(tmp_path: Path, name: str, content: bytes) -> None:
    path = put(tmp_path, name, content)
    assert inspect(CHECKPOINT, tmp_path) == OnDisk("damaged", path, len(content))
    with pytest.raises(CheckpointError, match=r"damaged or was not copied to its end: run `napari-car models download"):
        locate("ViT-B-16/openai", tmp_path)


def test_metadata_in_a_safetensors_header_is_no_tensor(tmp_path: Path) -> None:
    header = b'{"__metadata__":{"format":"pt"},"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}'
    put(tmp_path, "open_clip_model.safetensors", struct.pack("<Q", len(header)) + header + b"abc")
    assert inspect(CHECKPOINT, tmp_path).state == "complete"


def test_hidden_files_folders_and_others_do_not_count(tmp_path: Path) -> None:
    put(tmp_path, "._open_clip_model.safetensors", b"left by macOS")
    put(tmp_path, "open_clip_config.json", b"{}")
    (tmp_path / "ViT-B-16" / "openai" / "folder.bin").mkdir()
    assert inspect(CHECKPOINT, tmp_path).state == "absent"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_ends_in_a_sentence(tmp_path: Path) -> None:
    put(tmp_path, "open_clip_model.safetensors", b"secret").chmod(0)
    with pytest.raises(CheckpointError, match=r"Cannot read .*open_clip_model\.safetensors: Permission denied"):
        inspect(CHECKPOINT, tmp_path)


def test_failing_disk_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "open_clip_model.safetensors", b"")

    def fail(path: Path) -> bool:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(folder_module, "_safetensors_is_whole", fail)
    with pytest.raises(CheckpointError, match=f"Cannot read {path}: Input/output error"):
        inspect(CHECKPOINT, tmp_path)


def test_missing_checkpoint_says_both_ways_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        require("ViT-B-16/openai", tmp_path)
    sentence = str(caught.value)
    assert "run `napari-car models download ViT-B-16/openai` (598 MB), or copy" in sentence
    assert "https://huggingface.co/timm/vit_base_patch16_clip_224.openai" in sentence
    assert f"into {tmp_path / 'ViT-B-16' / 'openai'}." in sentence
    assert "open_clip_model.safetensors" in sentence


def test_sam_lies_in_a_folder_of_its_own_without_those_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        require("sam/vit_b", tmp_path)
    assert str(caught.value) == (
        "The checkpoint sam/vit_b is not on disk: run `napari-car models download sam/vit_b` (375 MB), or copy "
        "checkpoints/sam_vit_b_01ec64.pth from https://huggingface.co/ybelkada/segment-anything into "
        f"{tmp_path / 'sam' / 'vit_b'}."
    )
    other, path = (tmp_path / "sam" / "vit_b" / name for name in ("a.pth", "sam_vit_b_01ec64.pth"))
    path.parent.mkdir(parents=True)
    for file in (other, path):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("data.pkl", b"")
    assert locate("sam/vit_b", tmp_path, "sam") == path
    with pytest.raises(CheckpointError, match="sam/vit_b is a SAM"):
        require("sam/vit_b", tmp_path, "clip")


def test_demo_is_in_the_package_whatever_the_folder(tmp_path: Path) -> None:
    assert checkpoint_folder(find_checkpoint("demo"), tmp_path).parts[-3:] == ("napari_car", "demo", "clip")


def test_missing_demo_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "files", lambda _: tmp_path)
    with pytest.raises(CheckpointError, match="install napari-car again"):
        require("demo", tmp_path)


def test_repository_of_the_hub_is_complete_with_its_configuration(tmp_path: Path) -> None:
    checkpoint = find_checkpoint("hf-hub:laion/some-clip")
    folder = tmp_path / "hf-hub" / "laion" / "some-clip"
    folder.mkdir(parents=True)
    weights = folder / "open_clip_model.safetensors"
    weights.write_bytes(safetensors_bytes(10))
    assert checkpoint_folder(checkpoint, tmp_path) == folder
    assert inspect(checkpoint, tmp_path).state == "partial"
    with pytest.raises(CheckpointError, match=r"copy open_clip_config\.json and open_clip_model\.safetensors"):
        require("hf-hub:laion/some-clip", tmp_path)
    (folder / "open_clip_config.json").write_text("{}")
    assert locate("hf-hub:laion/some-clip", tmp_path) == weights
    assert hub_checkpoints(tmp_path) == [checkpoint]


def test_folders_that_are_no_repositories_are_not_listed(tmp_path: Path) -> None:
    for name in (".DS_Store", "with space", "empty"):
        (tmp_path / "hf-hub" / "laion" / name).mkdir(parents=True)
    assert hub_checkpoints(tmp_path) == []
    assert hub_checkpoints(tmp_path / "none") == []
