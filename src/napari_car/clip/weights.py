"""Checkpoint files to weights in modules; nothing in a file is ever executed."""

import hashlib
import logging
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_car.errors import CheckpointError

from .openclip import open_clip

_OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")
_NOT_WEIGHTS = ("attn_mask", "position_ids")
_logger = logging.getLogger(__name__)


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint file.

    Parameters
    ----------
    file : Path
        Safetensors, or a torch file of a state dict (bare, or under ``state_dict``, with or without ``module.``).

    Raises
    ------
    CheckpointError
        If it is missing, damaged, a TorchScript program, or holds anything but tensors.
    """
    content = _read(file)
    state = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{file} is no CLIP checkpoint: it holds no table of weights.")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def fill(model: nn.Module, state: dict[str, Tensor], file: Path, architecture: str) -> None:
    """Put weights into modules; each must be there and of the right shape, positional tables included.

    Parameters
    ----------
    model : torch.nn.Module
        From :func:`~napari_car.clip.architecture.build_model`.
    state : dict of str to Tensor
        From :func:`read_state_dict`.
    file, architecture
        Names for the error text.

    Raises
    ------
    CheckpointError
        If the weights are not those of the architecture.
    """
    if "input_resolution" in state and not _has_quick_gelu(model):
        _logger.warning(
            "%s looks like OpenAI's weights, which need QuickGELU: %s-quickgelu is most likely the right architecture.",
            file,
            architecture,
        )
    if hasattr(model, "text") and "positional_embedding" in state:
        state = open_clip.model.convert_to_custom_text_state_dict(state)
    state = {key: value for key, value in state.items() if key not in _OPENAI_EXTRAS and not key.endswith(_NOT_WEIGHTS)}
    expected = model.state_dict()
    if "logit_scale" in state and state["logit_scale"].numel() == 1:
        state["logit_scale"] = state["logit_scale"].reshape(expected["logit_scale"].shape)
    missing, foreign = expected.keys() - state.keys(), state.keys() - expected.keys()
    reshaped = {key for key in expected.keys() & state.keys() if expected[key].shape != state[key].shape}
    if missing or foreign or reshaped:
        why = _mismatch(missing, foreign, reshaped)
        raise CheckpointError(f"{file} does not hold {architecture}: {why}; name the architecture it was made for.")
    model.load_state_dict(state)


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(file: Path) -> Any:
    """Read a file of either format."""
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(file)
        _refuse_programs(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint file {file}.") from error
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read: {error.strerror or error}.") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file} holds more than weights, or is no checkpoint, and is not loaded, because it could run code: use "
            "the safetensors version."
        ) from error
    except Exception as error:  # safetensors and torch raise many types for damaged files
        raise CheckpointError(f"{file} is damaged or no checkpoint; download or copy it again.") from error


def _refuse_programs(file: Path) -> None:
    """Refuse TorchScript archives, as OpenAI's original .pt files are."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if any(entry.endswith("constants.pkl") for entry in archive.namelist()):
                raise CheckpointError(
                    f"{file} is a TorchScript program, which is never executed: use the safetensors version "
                    "(`napari-car models` lists them) or save its state dict."
                )


def _mismatch(missing: set[str], foreign: set[str], reshaped: set[str]) -> str:
    """Say how weights differ from those expected."""
    if any(key.startswith("vision_model.") for key in foreign):
        return "its weights have the names of the transformers library, not of open_clip"
    if missing or foreign:
        example = min(missing or foreign)
        return f"{len(missing)} weights are missing and {len(foreign)} are foreign, such as {example}"
    return f"{len(reshaped)} weights have another shape, such as {min(reshaped)}"


def _has_quick_gelu(model: nn.Module) -> bool:
    """Tell whether QuickGELU is the model's activation."""
    return any(isinstance(module, open_clip.transformer.QuickGELU) for module in model.modules())
