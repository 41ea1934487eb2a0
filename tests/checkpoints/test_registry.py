"""The registry agrees with open_clip's own tables, and tells users what they mistyped."""

import dataclasses
import re
import subprocess
import sys

import open_clip
import pytest
import torch
from open_clip.model import CLIP
from open_clip.pretrained import get_pretrained_cfg

from napari_car.checkpoints.registry import Checkpoint, find_checkpoint, load_registry
from napari_car.errors import CheckpointError

ON_THE_HUB = [checkpoint for checkpoint in load_registry().values() if checkpoint.hub_repo]


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
        assert set(checkpoint.suits) <= {"f", "g"}
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
