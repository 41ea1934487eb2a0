"""Checkpoint files to tables of weights; nothing in a file is ever executed."""

import hashlib
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_car.errors import CheckpointError


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
        raise CheckpointError(f"{file} is no checkpoint: it holds no table of weights.")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


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
