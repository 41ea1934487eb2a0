"""CLIP's name to a :class:`~napari_car.clip.model.ClipModel`."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_car.checkpoints.folder import CONFIG_FILE, models_folder, require
from napari_car.checkpoints.registry import find_checkpoint
from napari_car.checkpoints.weights import hash_file, read_state_dict
from napari_car.device import resolve_device, resolve_precision
from napari_car.errors import CheckpointError
from napari_car.results import CheckpointIdentity

from .architecture import build_model, build_tokenizer
from .model import ClipModel
from .openclip import open_clip
from .own_files import find_own_files
from .text import TextEncoder
from .text_cache import TextCache, default_cache_file
from .tower import VisionTower
from .weights import fill


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from, resolved to files on this machine.

    Parameters
    ----------
    name : str
        As the user gave it.
    architecture : str
        Name of the architecture.
    config : dict
        open_clip's ``model_cfg``.
    mean, std : tuple of float
        Per-channel normalisation of RGB in [0, 1].
    weights : Path
        Checkpoint file.
    """

    name: str
    architecture: str
    config: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    weights: Path

    @property
    def config_digest(self) -> str:
        """Short hash of the configuration: the same weights give other texts under another activation."""
        return hashlib.sha256(json.dumps(self.config, sort_keys=True).encode()).hexdigest()[:16]


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
        - ``ARCHITECTURE:FILE``, one checkpoint file of an architecture that open_clip knows; its images are normalised
          as OpenAI's;
        - a folder with ``open_clip_config.json`` and weights; if it has a name of the registry, write ``./demo``.
    folder : path-like, optional
        The models folder; see :func:`~napari_car.checkpoints.folder.models_folder`.
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
    torch_device = resolve_device(device)
    dtype = resolve_precision(precision, torch_device)
    source = resolve_source(name, models_folder(folder))
    model: Any = build_model(source.config, name, dtype)
    fill(model, read_state_dict(source.weights), source.weights, source.architecture)
    model = model.to(torch_device).eval().requires_grad_(False)
    sha256 = hash_file(source.weights)
    dtype_name = str(dtype).removeprefix("torch.")
    cache = TextCache(f"{sha256} {source.config_digest} {dtype_name}", cache_file or default_cache_file())
    return ClipModel(
        tower=VisionTower(model.visual),
        texts=TextEncoder(model, build_tokenizer(source.config, name), cache, width=int(model.visual.output_dim)),
        logit_scale=float(model.logit_scale.detach().exp()),
        mean=source.mean,
        std=source.std,
        identity=CheckpointIdentity(name, source.architecture, sha256, dtype_name, str(torch_device)),
    )


def resolve_source(name: str, folder: Path) -> Source:
    """Find the files and the configuration of a model; see :func:`load_clip` for the forms of its name."""
    if own := find_own_files(name):
        if own.architecture is None:
            return _folder_source(name, own.weights)
        return _file_source(name, own.architecture, own.weights)
    checkpoint = find_checkpoint(name, "clip")
    weights = require(name, folder)
    if checkpoint.architecture is None:
        return _folder_source(name, weights)
    statistics = {"mean": checkpoint.mean, "std": checkpoint.std}
    return _file_source(name, checkpoint.architecture, weights, statistics)


def _file_source(name: str, architecture: str, weights: Path, statistics: dict[str, Any] | None = None) -> Source:
    """Describe one checkpoint file of an architecture of open_clip."""
    mean, std = _mean_and_std(statistics or {})
    return Source(name, architecture, open_clip.get_model_config(architecture), mean, std, weights)


def _folder_source(name: str, weights: Path) -> Source:
    """Describe a folder in open_clip's own format."""
    folder = weights.parent
    try:
        content = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        config = {**content["model_cfg"]}
        config["vision_cfg"], config["text_cfg"] = {**config["vision_cfg"]}, {**config["text_cfg"]}
        mean, std = _mean_and_std(content.get("preprocess_cfg") or {})
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise CheckpointError(f"{folder / CONFIG_FILE} is damaged or no configuration of open_clip.") from error
    return Source(name, f"ViT of {folder.resolve().name}", config, mean, std, weights)


def _mean_and_std(statistics: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the normalisation of RGB, OpenAI's where none is stated."""
    return (
        _three_numbers(statistics.get("mean") or open_clip.OPENAI_DATASET_MEAN),
        _three_numbers(statistics.get("std") or open_clip.OPENAI_DATASET_STD),
    )


def _three_numbers(values: Sequence[Any]) -> tuple[float, ...]:
    """Return one number per channel; raise ValueError if there are not three."""
    red, green, blue = values
    return float(red), float(green), float(blue)
