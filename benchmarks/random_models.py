"""Checkpoints of real architectures with random weights, written in open_clip's folder format."""

import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file


def write_random_model(architecture: str, folder: Path, seed: int = 0) -> Path:
    """Write a model folder with random weights; one that is there is left as it is.

    Parameters
    ----------
    architecture : str
        A name that open_clip knows, such as ``ViT-B-16``.
    folder : Path
        Where the model's own folder goes.
    seed : int
        Seed of the weights.
    """
    target = folder / architecture
    weights = target / "open_clip_model.safetensors"
    if weights.is_file():
        return target
    target.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = open_clip.create_model(architecture)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, weights)
    config = {"model_cfg": open_clip.get_model_config(architecture), "preprocess_cfg": {}}
    (target / "open_clip_config.json").write_text(json.dumps(config))
    return target
