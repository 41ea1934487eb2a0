"""Checkpoints of every form, damaged and foreign ones included, to a model."""

import dataclasses
import hashlib
import io
import json
import logging
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from random_clip import TINY, random_model, tiny_config, write_folder
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_car.checkpoints.weights import hash_file, read_state_dict
from napari_car.clip import loading
from napari_car.clip.loading import load_clip, resolve_source
from napari_car.clip.model import ClipModel
from napari_car.clip.weights import fill
from napari_car.errors import CheckpointError, ConfigError

TEXTS = ["a small red circle", "sky"]


@pytest.fixture
def tiny_architecture(monkeypatch: pytest.MonkeyPatch) -> str:
    """A small model under the name of a real architecture, so that its files need not be large."""
    known = open_clip.get_model_config

    def get_model_config(name: str) -> dict[str, Any]:
        if name == "ViT-B-16":
            return tiny_config()
        return tiny_config(quick_gelu=True) if name == "ViT-B-16-quickgelu" else known(name)

    monkeypatch.setattr(open_clip, "get_model_config", get_model_config)
    return "ViT-B-16"


@pytest.fixture
def state(tiny_model: nn.Module) -> dict[str, Tensor]:
    return dict(tiny_model.state_dict())


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)


def assert_same(clip: ClipModel, model: nn.Module, tolerance: float = 1e-5) -> None:
    """The loaded model embeds images and texts as open_clip does."""
    with torch.no_grad():
        expected = model.encode_image(clip.normalise(images()))
        assert torch.allclose(clip.tower.class_token_embedding(clip.normalise(images())), expected, atol=tolerance)
        expected = model.encode_text(open_clip.tokenize(TEXTS), normalize=True)
        assert torch.allclose(clip.texts.embed(TEXTS), expected, atol=tolerance)
    assert clip.logit_scale == pytest.approx(10.0, rel=1e-3)


def refusal(load: Callable[[], object]) -> str:
    with pytest.raises(CheckpointError) as caught:
        load()
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert ". " not in text  # one sentence
    return text


# --- forms of a name -------------------------------------------------------------------------------------------------


def test_folder(tiny_folder: Path, tiny_model: nn.Module) -> None:
    clip = load_clip(str(tiny_folder), device="cpu")
    assert_same(clip, tiny_model)
    weights = tiny_folder / "open_clip_model.safetensors"
    assert clip.identity.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert clip.identity.name == str(tiny_folder)
    assert (clip.identity.precision, clip.identity.device) == ("float32", "cpu")
    assert clip.mean == open_clip.OPENAI_DATASET_MEAN
    assert clip.std == open_clip.OPENAI_DATASET_STD


def test_loaded_weights_take_no_gradients_and_do_no_dropout(tiny_folder: Path) -> None:
    clip = load_clip(str(tiny_folder), device="cpu")
    assert not any(weight.requires_grad for weight in clip.tower.visual.parameters())
    assert not any(module.training for module in clip.tower.visual.modules())
    with pytest.raises(dataclasses.FrozenInstanceError):
        clip.logit_scale = 1.0


def test_folder_with_torch_weights_and_statistics(tmp_path: Path, tiny_model: nn.Module) -> None:
    folder = write_folder(tmp_path / "m", TINY, {}, {"mean": [0.5, 0.4, 0.3], "std": [1, 0.2, 0.3], "size": 64})
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(tiny_model.state_dict(), folder / "open_clip_pytorch_model.bin")
    clip = load_clip(str(folder), device="cpu")
    assert (clip.mean, clip.std) == ((0.5, 0.4, 0.3), (1.0, 0.2, 0.3))
    white = clip.normalise(np.full((1, 1, 1, 3), 255, dtype=np.uint8))
    assert torch.allclose(white.flatten(), torch.tensor([0.5, 3.0, 7 / 3]))


def test_folder_of_a_custom_text_model(tmp_path: Path, tiny_model: nn.Module, state: dict[str, Tensor]) -> None:
    """As MetaCLIP's and DFN's: text weights under ``text.``, or in the old names."""
    config = tiny_config(custom_text=True)
    new = random_model(config)
    assert_same(load_clip(str(write_folder(tmp_path / "new", config, new.state_dict())), device="cpu"), new)
    assert_same(load_clip(str(write_folder(tmp_path / "old", config, state)), device="cpu"), tiny_model)


def test_home_is_expanded(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    monkeypatch.setenv("USERPROFILE", str(tiny_folder.parent))
    source = resolve_source(f"~/{tiny_folder.name}", Path("none"))
    assert source.weights == tiny_folder / "open_clip_model.safetensors"
    source = resolve_source(f"ViT-B-16:~/{tiny_folder.name}/open_clip_model.safetensors", Path("none"))
    assert source.weights == tiny_folder / "open_clip_model.safetensors"


def openai_file(state: dict[str, Tensor], file: Path) -> None:
    sizes = {
        "input_resolution": torch.tensor(64),
        "context_length": torch.tensor(77),
        "vocab_size": torch.tensor(49408),
    }
    torch.save({key: value.half() for key, value in state.items()} | sizes, file)


FORMATS: dict[str, Callable[[dict[str, Tensor], Path], None]] = {
    "model.safetensors": save_file,
    "bare.pt": torch.save,
    "openai.pt": openai_file,
    "nested.pt": lambda state, file: torch.save({"epoch": 3, "name": "run", "state_dict": state}, file),
    "distributed.pth": lambda state, file: torch.save(
        {"state_dict": {f"module.{key}": value for key, value in state.items()}}, file
    ),
    "half.bin": lambda state, file: torch.save({key: value.half() for key, value in state.items()}, file),
    "old_zip.pt": lambda state, file: torch.save(state, file, _use_new_zipfile_serialization=False),
    "buffers.pt": lambda state, file: torch.save(state | {"attn_mask": torch.zeros(77, 77)}, file),
    "scale_as_vector.pt": lambda state, file: torch.save(
        state | {"logit_scale": state["logit_scale"].reshape(1)}, file
    ),
}


@pytest.mark.parametrize("file_name", FORMATS)
def test_architecture_and_file(
    file_name: str, state: dict[str, Tensor], tiny_model: nn.Module, tiny_architecture: str, tmp_path: Path
) -> None:
    FORMATS[file_name](state, tmp_path / file_name)
    clip = load_clip(f"{tiny_architecture}:{tmp_path / file_name}", device="cpu")
    is_half = file_name in ("openai.pt", "half.bin")
    assert_same(clip, tiny_model, tolerance=0.02 if is_half else 1e-5)
    assert clip.identity.architecture == "ViT-B-16"
    assert clip.identity.sha256 == hashlib.sha256((tmp_path / file_name).read_bytes()).hexdigest()


def test_openai_weights_without_quick_gelu_are_remarked_on(
    state: dict[str, Tensor], tiny_architecture: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    openai_file(state, tmp_path / "openai.pt")
    with caplog.at_level(logging.WARNING, "napari_car"):
        load_clip(f"ViT-B-16-quickgelu:{tmp_path / 'openai.pt'}", device="cpu")
        assert not caplog.records
        load_clip(f"ViT-B-16:{tmp_path / 'openai.pt'}", device="cpu")
    (record,) = caplog.records
    assert "ViT-B-16-quickgelu is most likely the right architecture" in record.getMessage()


def test_registered_checkpoint_has_its_own_normalisation(tmp_path: Path, tiny_folder: Path) -> None:
    name = "ViT-L-14/laion2b_s32b_b82k"
    here = tmp_path / name
    here.mkdir(parents=True)
    shutil.copy(tiny_folder / "open_clip_model.safetensors", here)
    source = resolve_source(name, tmp_path)
    assert source.weights == here / "open_clip_model.safetensors"
    assert source.architecture == "ViT-L-14"
    assert source.mean == source.std == (0.5, 0.5, 0.5)
    assert source.config == open_clip.get_model_config("ViT-L-14")


def test_alias_of_a_registered_checkpoint(tmp_path: Path, tiny_folder: Path) -> None:
    (tmp_path / "ViT-B-16" / "openai").mkdir(parents=True)
    shutil.copy(tiny_folder / "open_clip_model.safetensors", tmp_path / "ViT-B-16" / "openai")
    source = resolve_source("ViT-B-16-quickgelu/openai", tmp_path)
    assert source.architecture == "ViT-B-16-quickgelu"


def test_hub_repository_in_the_models_folder(tmp_path: Path, tiny_folder: Path, tiny_model: nn.Module) -> None:
    shutil.copytree(tiny_folder, tmp_path / "hf-hub" / "some-lab" / "CLIP-tiny")
    clip = load_clip("hf-hub:some-lab/CLIP-tiny", folder=tmp_path, device="cpu")
    assert_same(clip, tiny_model)
    assert clip.identity.name == "hf-hub:some-lab/CLIP-tiny"


def test_registered_name_beats_a_folder_of_that_name(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`napari-car demo` run beside a folder ``demo`` must not take it for the checkpoint."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_folder, "ViT-B-16/openai")
    assert "is not on disk" in refusal(lambda: resolve_source("ViT-B-16/openai", tmp_path / "none"))
    weights = resolve_source("./ViT-B-16/openai", tmp_path / "none").weights
    assert weights.resolve() == tmp_path / "ViT-B-16" / "openai" / "open_clip_model.safetensors"


# --- names that lead nowhere -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("ViT-B-16/openai", ["is not on disk", "napari-car models download ViT-B-16/openai", "huggingface.co/timm/"]),
        (
            "hf-hub:lab/model",
            ["is not on disk", "download hf-hub:lab/model", "open_clip_config.json", "hf-hub/lab/model"],
        ),
        ("hf-hub:model", ["is not of the form hf-hub:owner/repository"]),
        ("ViT-B-16/opnai", ["There is no checkpoint 'ViT-B-16/opnai'", "did you mean ViT-B-16/openai"]),
        ("ViT-B-16:/no/such.pt", ["There is no checkpoint file /no/such.pt"]),
        ("ViT-B-16:", ["There is no checkpoint file"]),
        ("nonsense", ["There is no checkpoint 'nonsense'", "napari-car models"]),
        ("", ["There is no checkpoint ''"]),
        ("x" * 5000, ["There is no checkpoint"]),
        ("a\0b", ["There is no checkpoint"]),
        ("~nobody-here/model", ["There is no checkpoint"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_names_that_lead_nowhere(name: str, reasons: list[str], tmp_path: Path) -> None:
    text = refusal(lambda: load_clip(name, folder=tmp_path, device="cpu"))
    for reason in reasons:
        assert reason in text.replace("\\", "/")  # paths on Windows


def test_sam_is_no_clip(tmp_path: Path) -> None:
    for name in ("sam-hq/vit_b", "sam/vit_b"):
        with pytest.raises(CheckpointError, match=f"^{name} is a SAM, which understands no text: f and g are CLIPs"):
            load_clip(name, folder=tmp_path)


def test_file_without_an_architecture(tiny_folder: Path) -> None:
    file = tiny_folder / "open_clip_model.safetensors"
    text = refusal(lambda: load_clip(str(file)))
    assert f"{file} is a single file" in text
    assert f"such as ViT-B-16:{file}" in text
    assert "`napari-car models --architectures`" in text


def test_file_of_an_unknown_architecture(tiny_folder: Path) -> None:
    file = tiny_folder / "open_clip_model.safetensors"
    assert "open_clip knows no architecture 'ViT-B16' for" in refusal(lambda: load_clip(f"ViT-B16:{file}"))


@pytest.mark.parametrize("architecture", ["RN50", "ViT-B-16-SigLIP", "EVA02-B-16", "roberta-ViT-B-32", "coca_ViT-B-32"])
def test_models_that_cannot_serve_are_refused_before_their_weights_are_read(
    architecture: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "read_state_dict", pytest.fail)
    name = f"{architecture}:{tiny_folder / 'open_clip_model.safetensors'}"
    text = refusal(lambda: load_clip(name, device="cpu"))
    assert text.startswith(f"{name} cannot serve as f or g: its" if architecture[:4] != "coca" else name)


def test_device_and_precision_are_checked_before_files() -> None:
    with pytest.raises(ConfigError, match="Unknown precision 'fp8'"):
        load_clip("nonsense", precision="fp8")
    with pytest.raises(ConfigError, match="Unknown device 'gpu'"):
        load_clip("nonsense", device="gpu")


# --- folders ---------------------------------------------------------------------------------------------------------


def test_folder_without_configuration(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    text = refusal(lambda: load_clip(str(tmp_path / "photos")))
    assert "photos has no open_clip_config.json, so it is no model folder of open_clip" in text


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "",
        "[]",
        "null",
        "{}",
        '{"model_cfg": 3}',
        '{"model_cfg": {"vision_cfg": {}}}',
        '{"model_cfg": {"vision_cfg": "ViT", "text_cfg": {}}}',
        json.dumps({"model_cfg": TINY, "preprocess_cfg": [1]}),
        json.dumps({"model_cfg": TINY, "preprocess_cfg": {"mean": 3}}),
        json.dumps({"model_cfg": TINY, "preprocess_cfg": {"mean": [1, 2]}}),
        json.dumps({"model_cfg": TINY, "preprocess_cfg": {"std": ["a", "b", "c"]}}),
        "\xff\xfe",
    ],
)
def test_folder_with_a_broken_configuration(content: str, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_bytes(content.encode("latin-1"))
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"")
    text = refusal(lambda: load_clip(str(tmp_path)))
    assert "open_clip_config.json is damaged or no configuration of open_clip" in text


def test_folder_without_preprocessing(tmp_path: Path, state: dict[str, Tensor]) -> None:
    folder = write_folder(tmp_path, TINY, state)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY, "preprocess_cfg": None}))
    assert resolve_source(str(folder), tmp_path).mean == open_clip.OPENAI_DATASET_MEAN


def test_folder_without_weights(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY}))
    text = refusal(lambda: load_clip(str(tmp_path)))
    assert "has no weights: open_clip_model.safetensors or open_clip_pytorch_model.bin is missing" in text


def test_folder_whose_configuration_is_of_another_model(tmp_path: Path, state: dict[str, Tensor]) -> None:
    folder = write_folder(tmp_path / "mixed", tiny_config(vision={"layers": 5}), state)
    text = refusal(lambda: load_clip(str(folder), device="cpu"))
    assert "does not hold ViT of mixed: 12 weights are missing and 0 are foreign" in text


# --- files that do not hold what they should -------------------------------------------------------------------------


def test_weights_of_another_architecture(tiny_architecture: str, tmp_path: Path) -> None:
    """B-32 as B-16: other patches, and a positional table that must not be resized silently."""
    other = random_model(tiny_config(vision={"patch_size": 32})).state_dict()
    save_file(other, tmp_path / "b32.safetensors")
    text = refusal(lambda: load_clip(f"ViT-B-16:{tmp_path / 'b32.safetensors'}", device="cpu"))
    assert "b32.safetensors does not hold ViT-B-16: 2 weights have another shape, such as visual.conv1.weight" in text
    assert "name the architecture it was made for" in text


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"vision": {"image_size": 96}}, "visual.positional_embedding"),
        ({"text": {"context_length": 40}}, "positional_embedding"),
    ],
)
def test_positional_tables_are_not_resized_silently(
    changes: dict[str, Any], key: str, tiny_architecture: str, tmp_path: Path
) -> None:
    save_file(random_model(tiny_config(**changes)).state_dict(), tmp_path / "other.safetensors")
    text = refusal(lambda: load_clip(f"ViT-B-16:{tmp_path / 'other.safetensors'}", device="cpu"))
    assert f"1 weights have another shape, such as {key};" in text


def test_weights_of_no_clip(tiny_architecture: str, tmp_path: Path) -> None:
    save_file({"layer.weight": torch.zeros(2), "logit_scale": torch.zeros(3)}, tmp_path / "other.safetensors")
    text = refusal(lambda: load_clip(f"ViT-B-16:{tmp_path / 'other.safetensors'}", device="cpu"))
    assert "weights are missing and 1 are foreign, such as " in text


def test_weights_in_the_names_of_transformers(tiny_architecture: str, tmp_path: Path) -> None:
    keys = ["vision_model.embeddings.class_embedding", "text_model.final_layer_norm.bias", "logit_scale"]
    save_file({key: torch.zeros(3) for key in keys}, tmp_path / "hf.safetensors")
    text = refusal(lambda: load_clip(f"ViT-B-16:{tmp_path / 'hf.safetensors'}", device="cpu"))
    assert "its weights have the names of the transformers library, not of open_clip" in text


def test_refused_weights_leave_no_half_filled_model(tiny_model: nn.Module, state: dict[str, Tensor]) -> None:
    before = {key: value.clone() for key, value in tiny_model.state_dict().items()}
    changed = {key: value + 1 for key, value in state.items()} | {"extra": torch.zeros(1)}
    refusal(lambda: fill(tiny_model, changed, Path("f"), "ViT"))
    assert all(torch.equal(before[key], value) for key, value in tiny_model.state_dict().items())


class Trap:
    """A pickle that would create a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("is_zip", [True, False])
def test_code_in_a_pickle_is_not_executed(is_zip: bool, tmp_path: Path, state: dict[str, Tensor]) -> None:
    touched = tmp_path / "executed"
    file = tmp_path / "trap.pt"
    torch.save({"state_dict": state, "x": Trap(touched)}, file, _use_new_zipfile_serialization=is_zip)
    text = refusal(lambda: read_state_dict(file))
    assert "trap.pt holds more than weights" in text
    assert "it could run code" in text
    assert not touched.exists()
    torch.load(file, weights_only=False)
    assert touched.exists()  # the trap works


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchscript_is_refused(tmp_path: Path) -> None:
    """OpenAI's original files are such programs."""
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "ViT-B-16.pt")
    text = refusal(lambda: read_state_dict(tmp_path / "ViT-B-16.pt"))
    assert "ViT-B-16.pt is a TorchScript program, which is never executed" in text


def whole_file(state: dict[str, Tensor], suffix: str) -> bytes:
    if suffix == ".safetensors":
        from safetensors.torch import save

        return save(state)
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_truncated_files(suffix: str, share: float, state: dict[str, Tensor], tmp_path: Path) -> None:
    content = whole_file(state, suffix)
    file = tmp_path / f"cut{suffix}"
    file.write_bytes(content[: int(len(content) * share)])
    text = refusal(lambda: read_state_dict(file))
    assert text.startswith(f"{file} ")


@pytest.mark.parametrize(
    ("file_name", "content"),
    [
        ("notes.txt", b"These are no weights.\n" * 100),
        ("photo.pt", b"\x89PNG\r\n\x1a\n" + bytes(1000)),
        ("notes.safetensors", b"These are no weights.\n" * 100),
        ("huge_header.safetensors", struct.pack("<Q", 2**62) + b"{}"),
        ("empty.safetensors", b""),
        ("empty.pt", b""),
        ("zip.pt", b"PK\x05\x06" + bytes(18)),
    ],
)
def test_files_that_are_no_checkpoints(file_name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file_name).write_bytes(content)
    assert file_name in refusal(lambda: read_state_dict(tmp_path / file_name))


@pytest.mark.parametrize("content", [torch.zeros(3), {}, {"state_dict": {}}, {"epoch": 3}, [1, 2], {"state_dict": [1]}])
def test_torch_files_without_a_table_of_weights(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pt")
    assert "other.pt is no checkpoint: it holds no table of weights" in refusal(
        lambda: read_state_dict(tmp_path / "other.pt")
    )


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_missing_file_and_folder_as_file(suffix: str, tmp_path: Path) -> None:
    assert "There is no checkpoint file" in refusal(lambda: read_state_dict(tmp_path / f"none{suffix}"))
    (tmp_path / f"folder{suffix}").mkdir()
    assert f"folder{suffix}" in refusal(lambda: read_state_dict(tmp_path / f"folder{suffix}"))
    assert "There is no checkpoint file" in refusal(lambda: load_clip(f"ViT-B-16:{tmp_path}"))


def test_hash_is_that_of_the_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert hash_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()


# --- precision and caches --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "tolerance"), [("fp16", 0.02), ("bf16", 0.15)])
def test_half_precision(precision: str, tolerance: float, tiny_folder: Path, tiny_model: nn.Module) -> None:
    clip = load_clip(str(tiny_folder), device="cpu", precision=precision)
    assert clip.identity.precision == {"fp16": "float16", "bf16": "bfloat16"}[precision]
    assert clip.texts.embed(TEXTS).dtype == torch.float32
    assert_same(clip, tiny_model, tolerance * 5)
    cosines = (clip.texts.embed(TEXTS) * load_clip(str(tiny_folder), device="cpu").texts.embed(TEXTS)).sum(dim=-1)
    assert cosines.min() > 1 - tolerance


def test_texts_are_cached_by_content_configuration_and_precision(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []
    encode = loading.TextEncoder._encode

    def count(self: loading.TextEncoder, texts: list[str]) -> Tensor:
        encoded.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(loading.TextEncoder, "_encode", count)

    def n_encoded(folder: Path, **options: Any) -> int:
        encoded.clear()
        load_clip(str(folder), device="cpu", cache_file=tmp_path / "texts.sqlite", **options).texts.embed(TEXTS)
        return len(encoded)

    assert n_encoded(tiny_folder) == 2
    assert n_encoded(tiny_folder) == 0
    assert n_encoded(tiny_folder, precision="bf16") == 2
    assert n_encoded(tiny_folder, precision="bf16") == 0
    assert n_encoded(tiny_folder, precision="fp32") == 0
    shutil.copytree(tiny_folder, tmp_path / "copy")
    assert n_encoded(tmp_path / "copy") == 0
    content = json.loads((tiny_folder / "open_clip_config.json").read_text())
    content["model_cfg"]["quick_gelu"] = True
    (tmp_path / "copy" / "open_clip_config.json").write_text(json.dumps(content))
    assert n_encoded(tmp_path / "copy") == 2
