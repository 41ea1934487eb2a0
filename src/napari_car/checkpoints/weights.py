"""Checkpoint files to tables of weights; nothing in a file is ever executed."""

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_car.errors import CheckpointError

_TABLES = ("state_dict", "model_state", "model")


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint file.

    Parameters
    ----------
    file : Path
        Safetensors, or a torch file of a state dict (bare, or under ``state_dict``, ``model_state`` or ``model``, with
        or without ``module.``).

    Raises
    ------
    CheckpointError
        If it is missing, damaged, a TorchScript program, or holds anything but tensors.
    """
    content = _read(file)
    tables = [content.get(key) for key in _TABLES] if isinstance(content, dict) else []
    state = next((table for table in tables if isinstance(table, dict)), content)
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{file} is no checkpoint: it holds no table of weights.")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def describe_mismatch(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Say in half a sentence how weights differ in names and shapes from those expected; empty if they do not."""
    missing, foreign = expected.keys() - state.keys(), state.keys() - expected.keys()
    if missing or foreign:
        example = min(missing or foreign)
        return f"{len(missing)} weights are missing and {len(foreign)} are foreign, such as {example}"
    reshaped = {key for key in expected if expected[key].shape != state[key].shape}
    return f"{len(reshaped)} weights have another shape, such as {min(reshaped)}" if reshaped else ""


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
