"""The authors' small random-weight models, loaded by the code that loads real ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from authors_case import CASES, Case
from safetensors.torch import save_file

from napari_car.clip.loading import load_clip
from napari_car.clip.model import ClipModel


@pytest.fixture(scope="session")
def golden(reference_folder: Path) -> Path:
    return reference_folder / "golden"


@pytest.fixture(scope="session")
def manifest(golden: Path) -> dict[str, Any]:
    return json.loads((golden / "manifest.json").read_text())


@pytest.fixture(scope="session")
def images(golden: Path) -> dict[str, np.ndarray]:
    return dict(np.load(golden / "images.npz"))


@pytest.fixture(scope="session")
def f(golden: Path, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    return _load(golden, "prop", manifest["models"]["proposal"], tmp_path_factory.mktemp("prop"))


@pytest.fixture(scope="session")
def g(golden: Path, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    return _load(golden, "cls", manifest["models"]["classifier"], tmp_path_factory.mktemp("cls"))


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, golden: Path, manifest: dict[str, Any], images: dict[str, np.ndarray]) -> Case:
    options = manifest["cases"][request.param]["case"]
    return Case(request.param, options, np.load(golden / f"car_{request.param}.npz"), images[f"img{options['img']}"])


def _load(golden: Path, prefix: str, sizes: dict[str, int], folder: Path) -> ClipModel:
    """Write the model as a folder of open_clip and load it."""
    stored = np.load(golden / "models.npz")
    state = {
        key.removeprefix(f"{prefix}/"): torch.from_numpy(stored[key]).float()
        for key in stored
        if key.startswith(f"{prefix}/")
    }
    rows, ids = state.pop("token_embedding.rows"), state.pop("token_embedding.ids").long()
    state["token_embedding.weight"] = torch.zeros(sizes["vocab_size"], rows.shape[1]).index_copy(0, ids, rows)
    config = {
        "embed_dim": sizes["embed_dim"],
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": sizes["image_resolution"],
            "layers": sizes["vision_layers"],
            "width": sizes["vision_width"],
            "patch_size": sizes["vision_patch_size"],
        },
        "text_cfg": {
            "context_length": sizes["context_length"],
            "vocab_size": sizes["vocab_size"],
            "width": sizes["transformer_width"],
            "heads": sizes["transformer_heads"],
            "layers": sizes["transformer_layers"],
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "open_clip_model.safetensors")
    return load_clip(str(folder), device="cpu", cache_file=folder / "texts.sqlite")
