"""Text features and tower outputs against the authors' program, 1e-4 relative."""

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_car.clip.model import ClipModel
from napari_car.clip.preprocess import fit_to_square, resize_to_patches

IMAGES = ("img0", "img1", "img2")


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Compare to 1e-4 of the largest value."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.fixture(scope="module")
def towers(golden: Path) -> dict[str, np.ndarray]:
    return dict(np.load(golden / "towers.npz"))


def test_text_features(f: ClipModel, g: ClipModel, golden: Path) -> None:
    stored = np.load(golden / "text.npz")
    texts = [str(text) for text in stored["texts"]]
    for clip, key in ((f, "prop_embed"), (g, "cls_embed")):
        expected = stored[key] / np.linalg.norm(stored[key], axis=1, keepdims=True)
        assert_close(clip.texts.embed(texts).numpy(), expected)


def test_tokens_of_texts(f: ClipModel, golden: Path) -> None:
    stored = np.load(golden / "text.npz")
    tokens = f.texts._tokenizer([str(text) for text in stored["texts"]])
    np.testing.assert_array_equal(tokens.numpy(), stored["tokens"])


@pytest.mark.parametrize("name", IMAGES)
def test_network_inputs(f: ClipModel, g: ClipModel, towers, images, name: str) -> None:
    proposals_input = f.normalise(resize_to_patches(images[name], f.tower.patch_px)[None])
    np.testing.assert_allclose(proposals_input.numpy(), towers[f"{name}/prop_input"], atol=1e-6)
    classifier_input = g.normalise(fit_to_square(images[name], g.tower.native_size_px, "crop")[None])
    np.testing.assert_allclose(classifier_input.numpy(), towers[f"{name}/cls_input"], atol=1e-6)


@pytest.mark.parametrize("name", IMAGES)
def test_proposal_tower(f: ClipModel, towers, name: str) -> None:
    inputs = torch.from_numpy(towers[f"{name}/prop_input"])
    tokens, _ = f.tower.tokens_before_last_block(inputs, 8)
    assert_close(tokens[0].numpy(), towers[f"{name}/prop_tokens_minus_last"])
    positions = f.tower.positional_embedding(*f.tower.grid(inputs))
    np.testing.assert_array_equal(positions.numpy(), towers[f"{name}/prop_pos"])


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(("blocks", "key"), [("all", "allblocks"), ("all-but-last", "minus_last")])
def test_classifier_tower(g: ClipModel, towers, name: str, blocks: str, key: str) -> None:
    inputs = torch.from_numpy(towers[f"{name}/cls_input"])
    assert_close(g.tower.class_token_embedding(inputs, blocks).numpy(), towers[f"{name}/cls_embed_{key}"])


def test_leaving_out_a_block_matters(g: ClipModel, towers) -> None:
    inputs = torch.from_numpy(towers["img0/cls_input"])
    both = [g.tower.class_token_embedding(inputs, blocks) for blocks in ("all", "all-but-last")]
    assert torch.cosine_similarity(*both).item() < 0.95
