"""open_clip's configuration of a model to its modules; what cannot serve is refused before memory is spent."""

import copy
from typing import Any

import torch
from torch import nn

from napari_car.errors import CheckpointError

from .openclip import LayerScale, open_clip
from .tower import check_tower

N_BYTE_PAIR_TOKENS = 49_408
"""Vocabulary of CLIP's byte-pair tokenizer, special tokens included."""
END_OF_TEXT = N_BYTE_PAIR_TOKENS - 1


def check_architecture(config: dict[str, Any], name: str) -> None:
    """Refuse a model that cannot serve as f or g; takes neither memory nor a network.

    Parameters
    ----------
    config : dict
        open_clip's ``model_cfg``.
    name : str
        Name of the model for the error text.

    Raises
    ------
    CheckpointError
        If its image tower is no vision transformer with a class token, or its texts are not read by CLIP's tokenizer.
    """
    _build_without_weights(config, name, torch.float32)


def build_model(config: dict[str, Any], name: str, dtype: torch.dtype) -> nn.Module:
    """Build open_clip's modules in main memory; the values of their weights are undefined.

    Parameters
    ----------
    config : dict
        open_clip's ``model_cfg``.
    name : str
        Name of the model for the error text.
    dtype : torch.dtype
        Of matrices and convolutions; normalisation, embeddings and positions stay in float32, as in open_clip.

    Raises
    ------
    CheckpointError
        As :func:`check_architecture`.
    """
    # Filling weights with random numbers, as open_clip does, takes several times longer than reading them.
    model = _build_without_weights(config, name, dtype).to_empty(device="cpu")
    text_tower: Any = getattr(model, "text", model)
    if text_tower.attn_mask is not None:  # the one buffer that no checkpoint holds
        text_tower.attn_mask.fill_(float("-inf")).triu_(1)
    return model


def build_tokenizer(config: dict[str, Any], name: str) -> open_clip.SimpleTokenizer:
    """Return open_clip's byte-pair tokenizer for a model that :func:`check_architecture` accepts."""
    text = config["text_cfg"]
    options = text.get("tokenizer_kwargs") or {}
    try:
        return open_clip.SimpleTokenizer(context_length=text.get("context_length", 77), **options)
    except (TypeError, ValueError, AssertionError, OSError) as error:
        raise CheckpointError(f"{name} cannot serve as f or g: open_clip has no tokenizer with {options}.") from error


def _build_without_weights(config: dict[str, Any], name: str, dtype: torch.dtype) -> nn.Module:
    """Build the modules on torch's meta device."""
    if reason := _foreign_part(config):
        raise CheckpointError(f"{name} cannot serve as f or g: {reason}; choose a ViT such as ViT-B-16.")
    config = copy.deepcopy(config)
    model_class = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    try:
        with torch.device("meta"):
            model = model_class(**config, cast_dtype=None if dtype == torch.float32 else dtype)
            if dtype != torch.float32:
                _convert(model, dtype)
    except Exception as error:  # open_clip asserts and raises many types on foreign configurations
        why = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(f"{name} cannot serve as f or g: open_clip cannot build it ({why}).") from error
    check_tower(model.visual, name)
    return model  # type: ignore[no-any-return]


def _foreign_part(config: dict[str, Any]) -> str | None:
    """Name a part that is not open_clip's own; building one may allocate memory or ask a network."""
    vision = config["vision_cfg"]
    if config.get("multimodal_cfg"):
        return "it is a captioning model (CoCa)"
    if vision.get("timm_model_name"):
        return f"its image tower is {vision['timm_model_name']} of timm, not a vision transformer of open_clip"
    if isinstance(vision.get("layers"), list | tuple):
        return "its image tower is a ResNet, not a vision transformer"
    return _foreign_text_part(config["text_cfg"])


def _foreign_text_part(text: dict[str, Any]) -> str | None:
    """Name a part of the text tower that is not open_clip's own or does not fit CLIP's tokenizer."""
    if text.get("hf_model_name"):
        return f"its text tower is {text['hf_model_name']}, not open_clip's own"
    if text.get("hf_tokenizer_name"):
        return f"its texts are read by the tokenizer of {text['hf_tokenizer_name']}, not by CLIP's"
    extra = (text.get("tokenizer_kwargs") or {}).get("additional_special_tokens") or ()
    n_tokens = N_BYTE_PAIR_TOKENS + len(extra)
    if text.get("vocab_size", N_BYTE_PAIR_TOKENS) != n_tokens:
        return f"its vocabulary has {text['vocab_size']} tokens, but CLIP's tokenizer has {n_tokens}"
    if text.get("pool_type") == "eos" and text.get("eos_id", 2) != END_OF_TEXT:
        return f"its texts end in token {text.get('eos_id', 2)}, but CLIP's tokenizer ends them in {END_OF_TEXT}"
    return None


def _convert(model: nn.Module, dtype: torch.dtype) -> None:
    """Bring a model to half precision."""
    open_clip.model.convert_weights_to_lp(model, dtype)
    for module in model.modules():
        if isinstance(module, LayerScale):  # open_clip leaves it out, and its blocks then mix types and fail
            module.gamma.data = module.gamma.data.to(dtype)
