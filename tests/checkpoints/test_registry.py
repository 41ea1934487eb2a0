"""The registry agrees with open_clip's own tables and SAM's modules, and tells users what they mistyped."""

import dataclasses
import re
import subprocess
import sys

import open_clip
import pytest
import torch
from open_clip.model import CLIP
from open_clip.pretrained import get_pretrained_cfg
from random_sam import shapes_of

from napari_car.checkpoints.registry import Checkpoint, find_checkpoint, load_registry
from napari_car.errors import CheckpointError

ON_THE_HUB = [checkpoint for checkpoint in load_registry("clip").values() if checkpoint.hub_repo]
SAMS = list(load_registry("sam").values())


@pytest.mark.parametrize("checkpoint", ON_THE_HUB, ids=lambda checkpoint: checkpoint.name)
def test_entry_agrees_with_open_clip(checkpoint: Checkpoint) -> None:
    architecture, tag = checkpoint.name.split("/")
    known = get_pretrained_cfg(architecture, tag)
    assert known, "open_clip knows no such architecture and tag"
    assert f"{checkpoint.hub_repo}/" == known["hf_hub"]
    assert checkpoint.tag == tag
    activation = "-quickgelu" if known.get("quick_gelu") else ""
    assert checkpoint.architecture == architecture + activation
    assert checkpoint.architecture in open_clip.list_models()
    assert checkpoint.mean == known["mean"]
    assert checkpoint.std == known["std"]


@pytest.mark.parametrize("architecture", sorted({checkpoint.architecture for checkpoint in ON_THE_HUB}))
def test_size_is_that_of_the_fp32_parameters(architecture: str) -> None:
    with torch.device("meta"):
        model = CLIP(**open_clip.get_model_config(architecture))
    size_mb = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()) / 1e6
    for checkpoint in ON_THE_HUB:
        if checkpoint.architecture == architecture:
            assert checkpoint.size_mb == pytest.approx(size_mb, rel=0.005)


@pytest.mark.parametrize("checkpoint", SAMS, ids=lambda checkpoint: checkpoint.name)
def test_sam_is_what_its_name_and_its_file_say(checkpoint: Checkpoint) -> None:
    publication, encoder = checkpoint.name.split("/")
    is_hq = publication == "sam-hq"
    assert checkpoint.architecture == f"{'HQ-SAM' if is_hq else 'SAM'} {encoder}"
    size_mb = sum(tensor.numel() * tensor.element_size() for tensor in shapes_of(encoder, is_hq=is_hq).values()) / 1e6
    assert checkpoint.size_mb == pytest.approx(size_mb, abs=0.6)
    assert checkpoint.hub_repo == ("lkeab/hq-sam" if is_hq else "ybelkada/segment-anything")
    assert f"{publication.replace('-', '_')}_{encoder}" in checkpoint.weights_files[0]
    assert checkpoint.suits == ("sam",)
    assert checkpoint.licence == "Apache-2.0"


def test_all_sams_are_there() -> None:
    encoders = ("vit_b", "vit_l", "vit_h")
    names = [*(f"sam-hq/{encoder}" for encoder in ("vit_tiny", *encoders)), *(f"sam/{encoder}" for encoder in encoders)]
    assert [checkpoint.name for checkpoint in SAMS] == names


def test_kinds_are_told_apart() -> None:
    assert [*load_registry("clip"), *load_registry("sam")] == list(load_registry())
    assert {checkpoint.kind for checkpoint in load_registry("clip").values()} == {"clip"}
    assert find_checkpoint("sam/vit_b", "sam") is find_checkpoint("sam/vit_b")
    assert find_checkpoint("hf-hub:laion/CLIP", "clip").kind == "clip"


@pytest.mark.parametrize("name", ["ViT-B-16/openai", "demo", "hf-hub:laion/CLIP"])
def test_clip_is_no_sam(name: str) -> None:
    with pytest.raises(
        CheckpointError, match=f"^{name} is a CLIP, which finds no outlines: name a SAM, such as sam-hq/"
    ):
        find_checkpoint(name, "sam")


def test_sam_is_no_clip() -> None:
    with pytest.raises(CheckpointError, match=r"^sam/vit_b is a SAM, which understands no text: f and g are CLIPs"):
        find_checkpoint("sam/vit_b", "clip")


def test_only_names_of_the_kind_are_suggested() -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint 'vit_b': did you mean sam-hq/vit_b or sam/vit_b\?"):
        find_checkpoint("vit_b", "sam")
    with pytest.raises(CheckpointError, match=r"no checkpoint 'vit_b': `napari-car models` lists"):
        find_checkpoint("vit_b", "clip")


def test_families_and_architectures_are_covered() -> None:
    architectures = {checkpoint.name.split("/")[0] for checkpoint in ON_THE_HUB}
    assert {"ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336", "ViT-H-14"} <= architectures
    tags = " ".join(checkpoint.name for checkpoint in ON_THE_HUB)
    assert all(family in tags for family in ("openai", "laion", "datacomp", "metaclip", "dfn"))


def test_entries_say_what_users_must_know() -> None:
    for checkpoint in load_registry().values():
        assert checkpoint.licence
        assert checkpoint.source
        assert checkpoint.note
        assert set(checkpoint.suits) <= ({"f", "g"} if checkpoint.kind == "clip" else {"sam"})
        assert checkpoint.sha256 is None or re.fullmatch("[0-9a-f]{64}", checkpoint.sha256)
    assert "f" in find_checkpoint("ViT-B-16/openai").suits
    assert "g" in find_checkpoint("ViT-L-14/openai").suits


def test_demo_comes_first_and_states_its_limits() -> None:
    demo = next(iter(load_registry().values()))
    assert demo is find_checkpoint("demo")
    assert demo.note == "demo checkpoint: knows drawn shapes and cells, not photographs"
    assert demo.hub_repo is None
    assert demo.architecture is None
    assert demo.licence == "BSD-3-Clause"
    assert demo.suits == ("f", "g")


def test_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        load_registry()["mine"] = find_checkpoint("demo")  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        find_checkpoint("demo").licence = "none"  # type: ignore[misc]


def test_activation_in_a_name_makes_no_difference() -> None:
    assert find_checkpoint("ViT-B-16-quickgelu/openai") is find_checkpoint("ViT-B-16/openai")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("vit-b-16/openai", "ViT-B-16/openai"),
        ("ViT-B-16/opnai", "ViT-B-16/openai"),
        ("dfn5b", "ViT-H-14/dfn5b or ViT-H-14-378/dfn5b"),
        ("Demo", "demo"),
    ],
)
def test_mistyped_name_is_met_by_a_suggestion(typed: str, meant: str) -> None:
    with pytest.raises(CheckpointError, match=f"no checkpoint '{typed}': did you mean {meant}"):
        find_checkpoint(typed)


@pytest.mark.parametrize("typed", ["", "zzz"])
def test_name_like_no_other_is_met_by_the_list(typed: str) -> None:
    with pytest.raises(CheckpointError, match=f"no checkpoint '{typed}': `napari-car models` lists all names"):
        find_checkpoint(typed)


def test_any_repository_of_the_hub_can_be_named() -> None:
    checkpoint = find_checkpoint("hf-hub:laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K")
    assert checkpoint.hub_repo == "laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K"
    assert checkpoint.architecture is None
    assert checkpoint.source == "https://huggingface.co/laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K"


@pytest.mark.parametrize(
    "name", ["hf-hub:", "hf-hub:laion", "hf-hub:a/b/c", "hf-hub:../..", "hf-hub:/b", "hf-hub:a b/c"]
)
def test_malformed_repository_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match="is not of the form hf-hub:owner/repository"):
        find_checkpoint(name)


def test_registry_and_folder_load_neither_torch_nor_the_network_client() -> None:
    code = (
        "import sys, napari_car.checkpoints.folder; print({'torch', 'open_clip', 'huggingface_hub'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
