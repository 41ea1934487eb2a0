"""CLIP weights to a :class:`~napari_car.clip.model.ClipModel`; nothing in a file is ever executed."""

import copy
import hashlib
import json
import logging
import os
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor, nn

from napari_car.errors import CheckpointError
from napari_car.results import CheckpointIdentity

from .device import resolve_device, resolve_precision
from .folder import locate, models_folder
from .model import ClipModel
from .registry import WEIGHTS_FILES, find_checkpoint
from .text import TextEncoder
from .text_cache import TextCache, default_cache_file
from .tower import VisionTower, check_tower

CONFIG_FILE = "open_clip_config.json"
_OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from, resolved to files on this machine.

    Parameters
    ----------
    name : str
        As the user gave it.
    architecture : str
        Name of the architecture.
    model_config, preprocess_config : dict
        open_clip's configuration.
    weights : Path
        Checkpoint file.
    """

    name: str
    architecture: str
    model_config: dict[str, Any]
    preprocess_config: dict[str, Any]
    weights: Path


def load_clip(
    name: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    cache_file: Path | None = None,
) -> ClipModel:
    """Load a CLIP that serves as f or g.

    Parameters
    ----------
    name : str
        One of

        - a name of the registry: ``demo``, ``ViT-B-16/openai``;
        - ``hf-hub:organisation/repository``, downloaded before into the models folder;
        - a folder with ``open_clip_config.json`` and weights;
        - ``ARCHITECTURE:FILE``, one checkpoint file of an architecture that open_clip knows.
    folder : path-like, optional
        The models folder; see :func:`~napari_car.clip.folder.models_folder`.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``.
    precision : str
        ``auto``, ``fp32``, ``fp16``, ``bf16``.
    cache_file : Path, optional
        Where text embeddings are kept; by default the user's cache folder.

    Raises
    ------
    CheckpointError
        If the model is unknown, not on disk, damaged, of another architecture, or cannot serve as f or g.
    ConfigError
        If the device or precision is not to be had.
    """
    source = resolve_source(name, models_folder(folder))
    torch_device = resolve_device(device)
    dtype = resolve_precision(precision, torch_device)
    model: Any = _empty_model(source, dtype)
    _fill(model, read_state_dict(source.weights), source)
    model = model.to(torch_device).eval().requires_grad_(False)
    sha256 = hash_file(source.weights)
    dtype_name = str(dtype).removeprefix("torch.")
    tokenizer = _tokenizer(source)
    cache = TextCache(f"{sha256} {source.architecture} {dtype_name}", cache_file or default_cache_file())
    return ClipModel(
        tower=VisionTower(model.visual),
        texts=TextEncoder(model, tokenizer, cache, width=int(model.visual.output_dim)),
        logit_scale=float(model.logit_scale.detach().exp()),
        mean=tuple(source.preprocess_config["mean"]),
        std=tuple(source.preprocess_config["std"]),
        identity=CheckpointIdentity(name, source.architecture, sha256, dtype_name, str(torch_device)),
    )


def resolve_source(name: str, folder: Path) -> Source:
    """Find the files and the configuration of a model; see :func:`load_clip` for the forms of its name."""
    architecture, colon, file = name.partition(":")
    if colon and architecture in open_clip.list_models():
        return _file_source(name, architecture, Path(file).expanduser())
    if Path(name).expanduser().is_dir():
        return _folder_source(name, Path(name).expanduser())
    if Path(name).expanduser().is_file():
        raise CheckpointError(
            f"{name} is a single file: say its architecture before it, such as ViT-B-16:{name} "
            "(`napari-car models --architectures` lists them)."
        )
    if architecture == "hf-hub":
        return _folder_source(name, locate_hub(file, folder))
    checkpoint = find_checkpoint(name)
    weights = locate(name, folder)
    if weights is None:
        raise CheckpointError(
            f"{name} ({checkpoint.size_mb} MB) is not on this machine: run `napari-car models download {name}` with a "
            f"network, or copy its weights to {folder / name} yourself."
        )
    if checkpoint.architecture is None:
        return _folder_source(name, weights.parent)
    return _file_source(name, checkpoint.architecture, weights)


def locate_hub(repository: str, folder: Path) -> Path:
    """Return the folder of a hub repository inside the models folder."""
    here = folder / "hf-hub" / repository
    if not (here / CONFIG_FILE).is_file():
        raise CheckpointError(
            f"hf-hub:{repository} is not on this machine: run `napari-car models download hf-hub:{repository}` with a "
            f"network, or copy its {CONFIG_FILE} and weights to {here} yourself."
        )
    return here


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
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(file)
        _refuse_programs(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint file {file}.") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file.name} holds more than weights, or is no checkpoint, and is not loaded: files that could run code "
            "are refused; use the safetensors version."
        ) from error
    except CheckpointError:
        raise
    except Exception as error:  # safetensors and torch raise many types for damaged files
        raise CheckpointError(f"{file} is damaged or no checkpoint; download it again.") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{file.name} is no CLIP checkpoint: it holds no table of weights.")
    return {key.removeprefix("module."): value for key, value in state.items()}


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _file_source(name: str, architecture: str, file: Path) -> Source:
    """Describe one checkpoint file of an architecture of open_clip."""
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise CheckpointError(f"open_clip knows no architecture {architecture!r}.")
    if not file.is_file():
        raise CheckpointError(f"There is no checkpoint file {file}.")
    # OpenAI's statistics; the few open_clip models trained with others come with a preprocess_cfg of their own.
    preprocess = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    return Source(name, architecture, config, preprocess, file)


def _folder_source(name: str, folder: Path) -> Source:
    """Describe a folder in open_clip's own format."""
    try:
        content = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        config, preprocess = content["model_cfg"], content.get("preprocess_cfg", {})
        vision, _ = config["vision_cfg"], config["text_cfg"]
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder} has no {CONFIG_FILE}, so it is no model folder of open_clip.") from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise CheckpointError(f"{folder / CONFIG_FILE} is damaged or no configuration of open_clip.") from error
    weights = next((folder / file for file in WEIGHTS_FILES if (folder / file).is_file()), None)
    if weights is None:
        raise CheckpointError(f"{folder} has no weights: {' or '.join(WEIGHTS_FILES)} is missing.")
    statistics = {
        "mean": preprocess.get("mean", open_clip.OPENAI_DATASET_MEAN),
        "std": preprocess.get("std", open_clip.OPENAI_DATASET_STD),
    }
    architecture = f"{vision.get('timm_model_name') or 'ViT'} of {folder.name}"
    return Source(name, architecture, config, statistics, weights)


def _empty_model(source: Source, dtype: torch.dtype) -> nn.Module:
    """Build open_clip's modules without weights; refuse towers that cannot serve before memory is spent on them."""
    config = copy.deepcopy(source.model_config)
    if "hf_model_name" in config["text_cfg"]:
        raise CheckpointError(f"{source.name} cannot serve as f or g: its text tower is not open_clip's own.")
    custom_text = config.pop("custom_text", False)
    model_class = open_clip.CustomTextCLIP if custom_text or "multimodal_cfg" in config else open_clip.CLIP
    config.pop("multimodal_cfg", None)
    try:
        with torch.device("meta"):
            check_tower(model_class(**copy.deepcopy(config)).visual, source.name)
        model = model_class(**config, cast_dtype=None if dtype == torch.float32 else dtype)
    except CheckpointError:
        raise
    except Exception as error:  # open_clip asserts and raises many types on foreign configurations
        raise CheckpointError(f"{source.name} cannot serve as f or g: open_clip cannot build it ({error}).") from error
    if dtype != torch.float32:
        open_clip.model.convert_weights_to_lp(model, dtype)
    return model  # type: ignore[no-any-return]


def _fill(model: nn.Module, state: dict[str, Tensor], source: Source) -> None:
    """Put weights into the modules; every one must be there and of the right shape."""
    for key in _OPENAI_EXTRAS:
        state.pop(key, None)
    if hasattr(model, "text") and "positional_embedding" in state:
        state = open_clip.model.convert_to_custom_text_state_dict(state)
    expected = model.state_dict()
    state = {key: value for key, value in state.items() if not key.endswith(("attn_mask", "position_ids"))}
    if "logit_scale" in state:
        state["logit_scale"] = state["logit_scale"].reshape(expected["logit_scale"].shape)
    missing, foreign = expected.keys() - state.keys(), state.keys() - expected.keys()
    reshaped = [key for key in expected.keys() & state.keys() if expected[key].shape != state[key].shape]
    if missing or foreign or reshaped:
        raise CheckpointError(_mismatch(source, missing, foreign, reshaped))
    model.load_state_dict(state)


def _mismatch(source: Source, missing: set[str], foreign: set[str], reshaped: list[str]) -> str:
    """Say why weights do not fit an architecture."""
    if reshaped and not missing and not foreign:
        what = f"{len(reshaped)} weights have another shape, such as {min(reshaped)}"
    else:
        example = min(missing or foreign)
        what = f"{len(missing)} weights are missing and {len(foreign)} are foreign, such as {example}"
    return f"{source.weights} does not hold {source.architecture}: {what}. Name the architecture it was made for."


def _tokenizer(source: Source) -> Any:
    """Return open_clip's byte-pair tokenizer for the model."""
    text = source.model_config["text_cfg"]
    if "hf_tokenizer_name" in text:
        raise CheckpointError(f"{source.name} cannot serve as f or g: its tokenizer is not open_clip's own.")
    return open_clip.SimpleTokenizer(context_length=text.get("context_length", 77), **text.get("tokenizer_kwargs", {}))


def _refuse_programs(file: Path) -> None:
    """Refuse TorchScript archives, as OpenAI's original .pt files are."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if any(entry.endswith("constants.pkl") for entry in archive.namelist()):
                raise CheckpointError(
                    f"{file.name} is a TorchScript program, which is never executed: use the safetensors version "
                    "(`napari-car models` lists them) or save its state dict."
                )
