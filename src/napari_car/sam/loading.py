"""SAM's name to a :class:`SamModel`."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_car.checkpoints.folder import models_folder
from napari_car.checkpoints.sam_files import find_sam_file
from napari_car.checkpoints.weights import hash_file, read_state_dict
from napari_car.device import resolve_device, resolve_precision
from napari_car.errors import CheckpointError
from napari_car.results import CheckpointIdentity

from .precision import HalfPrecisionEncoder
from .weights import SamArchitecture, build_without_weights, fill, recognise


@dataclass(frozen=True, slots=True)
class SamModel:
    """A loaded SAM; frozen, in evaluation mode, without gradients on its weights.

    Parameters
    ----------
    network : segment_anything_hq.modeling.Sam
        The library's modules; what enters and leaves each of the three parts is float32.
    is_hq : bool
        Whether its decoder has the token and features of HQ-SAM.
    identity : CheckpointIdentity
        Its precision is that of the image encoder; the other parts, which are small, compute in float32.
    """

    network: Any
    is_hq: bool
    identity: CheckpointIdentity


def load_sam(
    name: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> SamModel:
    """Load a SAM or HQ-SAM.

    Parameters
    ----------
    name : str
        A name of the registry, such as ``sam-hq/vit_b``; or the path of a checkpoint file with the weights of SAM,
        HQ-SAM or MobileSAM, which is told by its content.
    folder : path-like, optional
        The models folder; see :func:`~napari_car.checkpoints.folder.models_folder`.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``.
    precision : str
        ``auto``, ``fp32``, ``fp16``, ``bf16``: of the image encoder.

    Raises
    ------
    CheckpointError
        If the name is unknown, the file not on disk, damaged, or no SAM.
    ConfigError
        If the device or precision is not to be had.
    """
    torch_device = resolve_device(device)
    dtype = resolve_precision(precision, torch_device)
    file = find_sam_file(name, models_folder(folder))
    network, architecture = _read(file.weights)
    if file.architecture not in (None, str(architecture)):
        raise CheckpointError(f"{file.weights} holds {architecture}, not {name}: name it by its path, or replace it.")
    if dtype != torch.float32:
        network.image_encoder = HalfPrecisionEncoder(network.image_encoder, dtype)
    network = network.to(torch_device).eval().requires_grad_(False)  # eval() computes TinyViT's attention biases
    sha256 = hash_file(file.weights)
    dtype_name = str(dtype).removeprefix("torch.")
    identity = CheckpointIdentity(name, str(architecture), sha256, dtype_name, str(torch_device))
    return SamModel(network, architecture.is_hq, identity)


def _read(file: Path) -> tuple[Any, SamArchitecture]:
    """Read a file into modules; what it held lives on in them only, so that it can be converted piece by piece."""
    state = read_state_dict(file)
    architecture = recognise(state, file)
    network = build_without_weights(architecture)
    fill(network, state, file, architecture)
    return network, architecture
