"""Which of open_clip's models can serve, decided without memory or network."""

import socket
from typing import Any

import open_clip
import psutil
import pytest
import torch
from click.testing import CliRunner
from random_clip import random_model, tiny_config

from napari_car.checkpoints.registry import load_registry
from napari_car.cli.models import models
from napari_car.clip.architecture import build_model, build_tokenizer, check_architecture
from napari_car.errors import CheckpointError

REFUSED = {
    "RN50": "its image tower is a ResNet",
    "RN50x64-quickgelu": "its image tower is a ResNet",
    "coca_ViT-B-32": "it is a captioning model (CoCa)",
    "coca_ViT-L-14": "it is a captioning model (CoCa)",
    "coca_base": "it is a captioning model (CoCa)",
    "ViT-B-16-SigLIP": "its image tower is vit_base_patch16_siglip_224 of timm",
    "ViT-SO400M-14-SigLIP2": "its image tower is vit_so400m_patch14_siglip_224 of timm",
    "EVA02-B-16": "its image tower is eva02_base_patch16_clip_224 of timm",
    "EVA02-E-14-plus": "its image tower is eva02_enormous_patch14_clip_224 of timm",
    "MobileCLIP-B": "its image tower is vit_base_mci_224 of timm",
    "PE-Core-bigG-14-448": "its image tower is vit_pe_core_gigantic_patch14_448 of timm",
    "convnext_xxlarge": "its image tower is convnext_xxlarge of timm",
    "roberta-ViT-B-32": "its text tower is roberta-base",
    "xlm-roberta-large-ViT-H-14": "its text tower is xlm-roberta-large",
    "mt5-xl-ViT-H-14": "its text tower is google/mt5-xl",
    "nllb-clip-base": "its text tower is facebook/nllb-200-distilled-600M",
    "ViT-L-14-CLIPA": "its texts are read by the tokenizer of bert-base-uncased",
    "ViT-H-14-worldwide": "its texts are read by the tokenizer of facebook/xlm-v-base",
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **keywords: object) -> None:
        raise AssertionError("a refusal must not ask a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def refusal(config: dict[str, Any], name: str) -> str | None:
    """The sentence that refuses a model, or None if it is accepted."""
    try:
        check_architecture(config, name)
    except CheckpointError as error:
        text = str(error)
        assert text.startswith(f"{name} cannot serve as f or g: ")
        assert text.endswith(".")
        assert "\n" not in text
        assert ". " not in text  # one sentence
        return text
    return None


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    before = psutil.Process().memory_info().rss
    text = refusal(open_clip.get_model_config(name), name)
    assert text is not None
    assert REFUSED[name] in text
    assert psutil.Process().memory_info().rss - before < 100e6


def test_every_model_of_open_clip_is_accepted_or_refused() -> None:
    before = psutil.Process().memory_info().rss
    accepted = {name for name in open_clip.list_models() if refusal(open_clip.get_model_config(name), name) is None}
    assert psutil.Process().memory_info().rss - before < 300e6
    registered = {checkpoint.architecture for checkpoint in load_registry("clip").values()} - {None}
    assert registered <= accepted
    assert not accepted & REFUSED.keys()
    listed = CliRunner().invoke(models, ["--architectures"]).output.split()
    assert set(listed) == accepted
    assert {
        f"ViT-{size}{activation}"
        for size in ("B-32", "B-16", "L-14", "L-14-336", "H-14", "H-14-378")
        for activation in ("", "-quickgelu")
        if f"ViT-{size}{activation}" in open_clip.list_models()
    } <= accepted


@pytest.mark.parametrize(
    "changes",
    [
        {"quick_gelu": True},
        {"custom_text": True},
        {"init_logit_bias": -10.0},
        {"nonscalar_logit_scale": True},
        {"vision": {"ls_init_value": 0.1}, "text": {"ls_init_value": 0.1}},
        {"vision": {"image_size": [48, 96]}},
        {"vision": {"pos_embed_type": "sin_cos_2d"}},
        {"vision": {"norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"}}},
        {"vision": {"timm_model_name": None, "attentional_pool": False}, "text": {"hf_model_name": None}},
        {"text": {"context_length": 32}},
        {"text": {"pool_type": "eos", "eos_id": 49407}},
        {"text": {"pool_type": "last", "no_causal_mask": True}, "custom_text": True},
    ],
    ids=str,
)
def test_variants_are_built_as_open_clip_builds_them(changes: dict[str, Any]) -> None:
    """Weights come from a state dict, everything else from building the modules without them."""
    config = tiny_config(**changes)
    assert refusal(config, "mine") is None
    expected = random_model(config)
    model = build_model(config, "mine", torch.float32).eval().requires_grad_(False)
    model.load_state_dict(expected.state_dict())
    assert not any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))
    x = torch.randn(2, 3, *model.visual.image_size, generator=torch.Generator().manual_seed(0))
    tokens = build_tokenizer(config, "mine")(["a small red circle", "🐈"])
    assert tokens.shape == (2, model.context_length)
    with torch.no_grad():
        assert torch.equal(model.encode_image(x), expected.encode_image(x))
        assert torch.equal(model.encode_text(tokens), expected.encode_text(tokens))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vision": {"timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": True}}, "of timm"),
        ({"text": {"hf_model_name": "someone/private"}}, "text tower is someone/private"),
        ({"text": {"vocab_size": 32000}}, "vocabulary has 32000 tokens, but CLIP's tokenizer has 49408"),
        ({"text": {"tokenizer_kwargs": {"additional_special_tokens": ["<mask>"]}}}, "CLIP's tokenizer has 49409"),
        ({"text": {"pool_type": "eos"}}, "texts end in token 2, but CLIP's tokenizer ends them in 49407"),
        ({"vision": {"pool_type": "avg"}}, "pools by 'avg'"),
        ({"vision": {"pool_type": "nonsense"}}, "open_clip cannot build it (AssertionError)"),
        ({"vision": {"qk_norm": True}}, "blocks of another structure"),
        ({"vision": {"layers": 1}}, "a single block"),
        ({"vision": {"width": 62, "head_width": 20}}, "open_clip cannot build it"),
        ({"vision": {"colour": "red"}}, "open_clip cannot build it"),
        ({"surprise": 1}, "unexpected keyword argument 'surprise'"),
    ],
    ids=str,
)
def test_refused_configurations(changes: dict[str, Any], reason: str) -> None:
    text = refusal(tiny_config(**changes), "my model")
    assert text is not None
    assert reason in text


def test_configuration_is_left_alone() -> None:
    config = tiny_config(custom_text=True)
    check_architecture(config, "mine")
    assert config == tiny_config(custom_text=True)


def test_tokenizer_options() -> None:
    config = tiny_config(text={"tokenizer_kwargs": {"clean": "canonicalize"}})
    assert torch.equal(build_tokenizer(config, "mine")(["a, cat!"]), open_clip.tokenize(["a cat"]))
    config = tiny_config(text={"tokenizer_kwargs": {"strip_sep_token": True}})
    with pytest.raises(CheckpointError, match="mine cannot serve as f or g: open_clip has no tokenizer with"):
        build_tokenizer(config, "mine")
