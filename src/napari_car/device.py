"""Where and in which precision the networks run."""

import logging
from typing import Literal

import torch

from napari_car.errors import ConfigError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "fp32", "fp16", "bf16"]

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_logger = logging.getLogger(__name__)


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device of a name; ``auto`` takes CUDA, then MPS, then the CPU.

    Parameters
    ----------
    name : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises
    ------
    ConfigError
        If the name is unknown or this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        _logger.info("Running on %s.", name)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"Unknown device {name!r}; use auto, cpu, cuda, cuda:N or mps.") from error
    usable = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not usable.get(device.type, False):
        raise ConfigError(f"This machine has no {name} device that torch can use; choose auto or cpu.")
    return device


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the floating-point type of a precision name; ``auto`` is fp16 on CUDA, else fp32.

    Raises
    ------
    ConfigError
        If the name is unknown.
    """
    if name == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if name not in _DTYPES:
        raise ConfigError(f"Unknown precision {name!r}; use auto, {', '.join(_DTYPES)}.")
    return _DTYPES[name]
