"""Checkpoints of SAM by name and by file, and files that hold none."""

import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from random_sam import TYPES, random_sam, shapes_of
from safetensors.torch import save_file
from torch import Tensor

from napari_car.checkpoints.sam_files import find_sam_file
from napari_car.checkpoints.weights import hash_file, read_state_dict
from napari_car.errors import CheckpointError, ConfigError
from napari_car.sam.library import library
from napari_car.sam.loading import SamModel, load_sam
from napari_car.sam.weights import SamArchitecture, build_without_weights, fill, recognise

HQ = SamArchitecture("vit_tiny", is_hq=True)
State = dict[str, Tensor]


def load(file: Path | str, **options: Any) -> SamModel:
    return load_sam(str(file), device="cpu", precision="fp32", **options)


def refused(file: Path | str, **options: Any) -> str:
    """Return the sentence that loading ends in."""
    with pytest.raises(CheckpointError) as caught:
        load(file, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def thin(state: State) -> State:
    """Return weights of these shapes that repeat one number, so that files and memory are small."""
    return {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state.items()}


def write(file: Path, state: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, file)
    return file


@pytest.fixture(scope="module")
def state(tiny_hq_file: Path) -> State:
    """Weights of HQ-SAM with vit_tiny; tests change copies."""
    return read_state_dict(tiny_hq_file)


# What serves ----------------------------------------------------------------------------------------------------


def test_loaded_weights_are_those_of_the_file(tiny_sam: SamModel, tiny_hq_file: Path, state: State) -> None:
    network = tiny_sam.network
    assert isinstance(network, library.modeling.Sam)
    assert tiny_sam.is_hq
    loaded = network.state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in loaded)
    assert state.keys() - loaded.keys() == {
        f"image_encoder.{layer}.{kind}" for layer in ("head", "norm_head") for kind in ("weight", "bias")
    }
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert network.pixel_mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53])
    identity = tiny_sam.identity
    assert (identity.name, identity.architecture) == (str(tiny_hq_file), "HQ-SAM vit_tiny")
    assert (identity.precision, identity.device) == ("float32", "cpu")
    assert identity.sha256 == hash_file(tiny_hq_file)


@pytest.mark.parametrize("is_hq", [True, False])
def test_tiny_computes_what_the_library_computes(is_hq: bool, tiny_hq_file: Path, tiny_plain_file: Path) -> None:
    sam = load(tiny_hq_file if is_hq else tiny_plain_file)
    assert sam.is_hq is is_hq
    expected = random_sam(is_hq=is_hq)
    embedding = torch.randn(1, 256, 64, 64, generator=torch.Generator().manual_seed(0))
    early = torch.randn(1, 64, 64, 160, generator=torch.Generator().manual_seed(1))
    points = (torch.tensor([[[300.0, 200.0]]]), torch.tensor([[1]]))
    answers = []
    for network in (sam.network, expected):
        sparse, dense = network.prompt_encoder(points=points, boxes=None, masks=None)
        answers.append(
            network.mask_decoder(
                image_embeddings=embedding,
                image_pe=network.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=True,
                hq_token_only=False,
                interm_embeddings=[early],
            )
        )
    for ours, theirs in zip(*answers, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_attention_biases_are_derived_from_the_weights_of_the_file(tiny_sam: SamModel, state: State) -> None:
    # The library derives them before it reads a file, and has to be told to do it again.
    attention = tiny_sam.network.image_encoder.layers[1].blocks[0].attn
    expected = state["image_encoder.layers.1.blocks.0.attn.attention_biases"][:, attention.attention_bias_idxs]
    assert torch.equal(attention.ab, expected)


@pytest.mark.parametrize("is_hq", [True, False])
@pytest.mark.parametrize("encoder", TYPES)
def test_type_is_told_by_what_the_file_holds(encoder: str, is_hq: bool, tmp_path: Path) -> None:
    file = write(tmp_path / "vit_x_hq_or_not.pt", thin(shapes_of(encoder, is_hq=is_hq)))
    sam = load(file)
    assert sam.is_hq is is_hq
    assert sam.identity.architecture == f"{'HQ-SAM' if is_hq else 'SAM'} {encoder}"
    everything = [*sam.network.parameters(), *sam.network.buffers()]
    assert not any(tensor.is_meta for tensor in everything)
    assert hasattr(sam.network.mask_decoder, "hf_token") is is_hq


def test_weights_are_not_copied_and_random_numbers_not_used_up(state: State) -> None:
    before = torch.random.get_rng_state()
    network = build_without_weights(HQ)
    assert torch.equal(torch.random.get_rng_state(), before)
    fill(network, state, Path("file"), HQ)
    assert all(tensor.data_ptr() == state[key].data_ptr() for key, tensor in network.state_dict().items())


def test_large_types_take_no_memory_before_their_weights_come() -> None:
    network = build_without_weights(SamArchitecture("vit_h", is_hq=True))
    assert all(weight.is_meta for weight in network.parameters())


def test_safetensors_serve(tmp_path: Path, state: State) -> None:
    save_file(state, tmp_path / "sam.safetensors")
    assert load(tmp_path / "sam.safetensors").is_hq


@pytest.mark.parametrize("table", ["state_dict", "model_state", "model"])
def test_weights_in_a_table_of_the_file_serve(table: str, tmp_path: Path, state: State) -> None:
    other = {"decoder_state": {"weight": torch.zeros(1)}, "epoch": 3}
    assert load(write(tmp_path / "sam.pt", {table: state} | other)).is_hq


def test_weights_in_half_precision_are_computed_with_in_single_precision(tmp_path: Path, state: State) -> None:
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    network = load(write(tmp_path / "half.pt", half)).network
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_classifier_and_derived_tables_may_be_there_or_not(tmp_path: Path, state: State) -> None:
    without = {key: value for key, value in state.items() if "image_encoder.head" not in key and "norm_head" not in key}
    derived = {"image_encoder.layers.1.blocks.0.attn.attention_bias_idxs": torch.zeros(2), "pixel_mean": torch.zeros(3)}
    assert load(write(tmp_path / "sam.pt", without | derived)).is_hq


# Names ----------------------------------------------------------------------------------------------------------


def test_registered_name_finds_its_file(tmp_path: Path, tiny_hq_file: Path) -> None:
    folder = tmp_path / "sam-hq" / "vit_tiny"
    folder.mkdir(parents=True)
    shutil.copy(tiny_hq_file, folder / "sam_hq_vit_tiny.pth")
    sam = load("sam-hq/vit_tiny", folder=tmp_path)
    assert (sam.identity.name, sam.identity.architecture) == ("sam-hq/vit_tiny", "HQ-SAM vit_tiny")
    assert find_sam_file("sam-hq/vit_tiny", tmp_path).weights == folder / "sam_hq_vit_tiny.pth"


def test_file_of_another_sam_under_a_registered_name_is_refused(tmp_path: Path, tiny_plain_file: Path) -> None:
    folder = tmp_path / "sam-hq" / "vit_tiny"
    folder.mkdir(parents=True)
    shutil.copy(tiny_plain_file, folder / "sam_hq_vit_tiny.pth")
    sentence = refused("sam-hq/vit_tiny", folder=tmp_path)
    assert "sam_hq_vit_tiny.pth holds SAM vit_tiny, not sam-hq/vit_tiny: name it by" in sentence


def test_registered_name_comes_before_a_file_of_that_name(
    tmp_path: Path, tiny_hq_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sam").mkdir()
    shutil.copy(tiny_hq_file, tmp_path / "sam" / "vit_b")
    assert "The checkpoint sam/vit_b is not on disk: run `napari-car models download" in refused("sam/vit_b")
    assert load("./sam/vit_b").is_hq


def test_home_is_expanded(tiny_hq_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_hq_file.parent))
    monkeypatch.setenv("USERPROFILE", str(tiny_hq_file.parent))
    assert find_sam_file(f"~/{tiny_hq_file.name}", Path("models")).weights == tiny_hq_file


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sam-hq/vit_x", "There is no checkpoint 'sam-hq/vit_x': did you mean sam-hq/vit_"),
        ("", "There is no checkpoint ''"),
        ("a\0b", "There is no checkpoint 'a\\x00b'"),
        ("x" * 5000, "There is no checkpoint 'xxx"),
        ("nowhere/sam.pth", "There is no checkpoint file nowhere/sam.pth."),
        ("demo", "demo is a CLIP, which finds no outlines: name a SAM"),
        ("ViT-B-16/openai", "ViT-B-16/openai is a CLIP, which finds no outlines"),
        ("hf-hub:laion/CLIP", "hf-hub:laion/CLIP is a CLIP, which finds no outlines"),
    ],
)
def test_names_that_lead_nowhere(name: str, reason: str, tmp_path: Path) -> None:
    assert reason in refused(name, folder=tmp_path)


def test_device_and_precision_are_checked_before_files() -> None:
    with pytest.raises(ConfigError, match="Unknown device"):
        load_sam("nowhere.pth", device="tpu")
    with pytest.raises(ConfigError, match="Unknown precision"):
        load_sam("nowhere.pth", device="cpu", precision="fp8")


# Wrong files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (["visual.proj", "logit_scale", "token_embedding.weight"], "it holds a CLIP"),
        (["vision_model.embeddings.class_embedding", "text_model.x"], "it holds a CLIP"),
        (["image_encoder.trunk.pos_embed", "sam_mask_decoder.iou_token.weight"], "it holds SAM 2, which is another"),
        (
            ["vision_encoder.layers.0.attn.qkv.weight", "mask_decoder.iou_token.weight"],
            "its weights have the names of the",
        ),
        (["hf_token.weight", "hf_mlp.layers.0.weight"], "it holds no image encoder of Segment Anything"),
        (["image_encoder.stages.0.weight"], "its image encoder is none of vit_tiny, vit_b, vit_l and vit_h"),
        (["image_encoder.blocks.0.norm1.weight"], "its image encoder is none of vit_tiny, vit_b, vit_l and vit_h"),
    ],
)
@pytest.mark.parametrize("is_nested", [False, True])
def test_weights_of_other_networks(keys: list[str], reason: str, is_nested: bool, tmp_path: Path) -> None:
    state = {key: torch.zeros(2) for key in keys}
    sentence = refused(write(tmp_path / "sam_vit_b.pth", {"model": state} if is_nested else state))
    assert f"sam_vit_b.pth cannot serve as SAM: {reason}" in sentence


def test_one_tensor_of_another_shape(tmp_path: Path) -> None:
    state = thin(shapes_of("vit_b", is_hq=False))
    state["image_encoder.pos_embed"] = torch.zeros(1).expand(1, 32, 32, 768)
    sentence = refused(write(tmp_path / "b.pth", state))
    assert sentence.endswith(
        "b.pth looks like SAM vit_b, but 1 weights have another shape, such as image_encoder.pos_embed."
    )


def test_missing_and_foreign_weights(tmp_path: Path) -> None:
    state = thin(shapes_of("vit_b", is_hq=True))
    del state["mask_decoder.hf_mlp.layers.0.bias"]
    sentence = refused(write(tmp_path / "b.pth", state))
    assert (
        "b.pth looks like HQ-SAM vit_b, but 1 weights are missing and 0 are foreign, such as mask_decoder" in sentence
    )
    state = thin(shapes_of("vit_b", is_hq=False)) | {"mask_decoder.extra.weight": torch.zeros(1)}
    assert "0 weights are missing and 1 are foreign" in refused(write(tmp_path / "b.pth", state))


def test_no_weights_are_changed_by_a_file_that_is_refused(state: State) -> None:
    network = build_without_weights(HQ)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(CheckpointError):
        fill(network, state | {"foreign": torch.zeros(1)}, Path("file"), HQ)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 0.9999])
def test_truncated_file(share: float, tiny_hq_file: Path, tmp_path: Path) -> None:
    content = tiny_hq_file.read_bytes()
    (tmp_path / "cut.pth").write_bytes(content[: int(share * len(content))])
    sentence = refused(tmp_path / "cut.pth")
    assert "cut.pth is damaged or no checkpoint" in sentence or "holds more than weights, or is no" in sentence


def test_truncated_file_under_a_registered_name(tiny_hq_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "sam-hq" / "vit_tiny" / "sam_hq_vit_tiny.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(tiny_hq_file.read_bytes()[:-1000])
    assert "is damaged or was not copied to its end: run `napari-car models" in refused(
        "sam-hq/vit_tiny", folder=tmp_path
    )


def test_torchscript_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/constants.pkl", b"")
        archive.writestr("script/data.pkl", b"")
    assert "script.pt is a TorchScript program, which is never executed" in refused(tmp_path / "script.pt")


class Bomb:
    """Tells when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return pytest.fail, ("code of the file was run",)


@pytest.mark.parametrize("is_zip", [True, False])
def test_code_in_a_file_is_not_executed(is_zip: bool, tmp_path: Path, state: State) -> None:
    content = {"mask_decoder.iou_token.weight": torch.zeros(1), "bomb": Bomb()}
    torch.save(content, tmp_path / "bomb.pth", _use_new_zipfile_serialization=is_zip)
    assert "bomb.pth holds more than weights" in refused(tmp_path / "bomb.pth")


def test_whole_modules_are_not_loaded(tmp_path: Path) -> None:
    assert "holds more than weights" in refused(write(tmp_path / "module.pth", torch.nn.Linear(2, 2)))


@pytest.mark.parametrize("content", [b"", b"<html>Log in to the network</html>", pickle.dumps([1, 2, 3], protocol=2)])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_that_are_no_checkpoints(content: bytes, suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"sam{suffix}").write_bytes(content)
    assert f"sam{suffix} " in refused(tmp_path / f"sam{suffix}")


def test_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} is a folder: name the checkpoint file in it."


def test_recognition_reads_names_only(state: State) -> None:
    assert recognise(dict.fromkeys(state, torch.zeros(0)), Path("file")) == HQ
