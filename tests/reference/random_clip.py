"""Random-weight CLIPs in open_clip's modules, and checkpoint files of them."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 4, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
TINY_LAYER_SCALE = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "ls_init_value": 1e-4}}


def tiny_config(*, vision: dict[str, Any] | None = None, text: dict[str, Any] | None = None, **top: Any) -> dict:
    """The tiny configuration with some entries changed."""
    config = copy.deepcopy(TINY) | top
    config["vision_cfg"] |= vision or {}
    config["text_cfg"] |= text or {}
    return config


def random_model(config: dict[str, Any], seed: int = 0) -> nn.Module:
    """open_clip's whole model with every weight drawn at random, norms and layer scales included."""
    config = copy.deepcopy(config)
    model_class = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    model = model_class(**config).eval().requires_grad_(False)
    randomise(model, seed)
    return model


def random_tower(architecture: str) -> nn.Module:
    """The image tower of a real architecture; ten times faster than open_clip's own initialisation."""
    config = open_clip.get_model_config(architecture)
    with torch.device("meta"):
        tower = open_clip.model._build_vision_tower(
            config["embed_dim"], config["vision_cfg"], config.get("quick_gelu", False)
        )
    tower = tower.to_empty(device="cpu").eval().requires_grad_(False)
    randomise(tower, 0)
    return tower


def randomise(model: nn.Module, seed: int) -> None:
    """Fill all weights: matrices scaled by their input width, norms near 1, layer scales from 0.5 to 1.5."""
    # A pool whose length is prime is much faster than new numbers, and no two rows of a matrix are equal.
    pool = torch.randn(1_000_003, generator=torch.Generator().manual_seed(seed))
    for i, (name, weight) in enumerate(model.named_parameters()):
        values = pool.roll(7919 * i).repeat(math.ceil(weight.numel() / len(pool)))[: weight.numel()].view(weight.shape)
        if name.endswith("logit_scale"):
            values = torch.full_like(weight, math.log(10))
        elif name.endswith("gamma"):
            values = 1 + 0.25 * values.clamp(-2, 2)
        elif weight.ndim < 2:
            values = 0.2 * values + (1.0 if "ln_" in name and name.endswith("weight") else 0.0)
        elif "embedding" not in name:
            values = values * 1.5 / math.sqrt(weight[0].numel())
        weight.data.copy_(values)


def write_folder(folder: Path, config: dict[str, Any], state: dict[str, Tensor], preprocess: Any = None) -> Path:
    """Write a model folder of open_clip."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"model_cfg": config, "preprocess_cfg": {} if preprocess is None else preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "open_clip_model.safetensors")
    return folder
