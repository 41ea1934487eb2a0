"""Random-weight SAMs in segment_anything_hq's modules, and checkpoint files of them."""

import math
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of timm, whose old names it imports
    import segment_anything_hq

TYPES = ("vit_tiny", "vit_b", "vit_l", "vit_h")


def random_sam(kind: str = "vit_tiny", *, is_hq: bool = True, seed: int = 0) -> Any:
    """The library's whole model with every weight drawn at random; its masks depend on image and prompts."""
    with torch.random.fork_rng(devices=[]):  # the library draws weights of its own
        model = _builders(is_hq)[kind]()
    randomise(model, seed)
    return model.eval().requires_grad_(False)  # eval() recomputes what TinyViT derives from its weights


def write_random_sam(file: Path, kind: str = "vit_tiny", *, is_hq: bool = True, seed: int = 0) -> Path:
    """Write a checkpoint as SAM's authors do: the bare state dict, saved by torch."""
    torch.save(random_sam(kind, is_hq=is_hq, seed=seed).state_dict(), file)
    return file


def shapes_of(kind: str, *, is_hq: bool) -> dict[str, Tensor]:
    """State dict of an architecture on torch's meta device, which takes no memory."""
    if kind == "vit_tiny":  # the library cannot build it there
        return {key: value.to("meta") for key, value in random_sam(kind, is_hq=is_hq).state_dict().items()}
    with torch.device("meta"):
        state: dict[str, Tensor] = _builders(is_hq)[kind]().state_dict()
    return state


def randomise(model: nn.Module, seed: int) -> None:
    """Fill all weights: matrices scaled by their input width, norms and variances near 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not tensor.is_floating_point() or name.startswith("pixel_"):
            continue
        values = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            values = 1 + 0.2 * values.clamp(-2, 2)
        elif tensor.ndim < 2:
            values = 0.2 * values + (1.0 if name.endswith("weight") else 0.0)
        elif not name.endswith(_TABLES):
            values *= math.sqrt(2 / tensor[0].numel())
        tensor.data.copy_(values)


_TABLES = ("gaussian_matrix", "attention_biases", "pos_embed", "token.weight", "tokens.weight", "embed.weight")


def _builders(is_hq: bool) -> dict[str, Any]:
    """The library's table of builders."""
    library = segment_anything_hq
    return library.sam_model_registry if is_hq else library.sam_model_registry_baseline  # type: ignore[no-any-return]
