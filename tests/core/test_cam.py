"""Batched gradient maps against the literal Grad-CAM, one backward pass per query."""

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gradcam import literal_grad_cam, literal_probabilities
from jaxtyping import TypeCheckError
from random_clip import TINY, TINY_LAYER_SCALE, random_model
from torch import Tensor, nn

from napari_car.clip.model import ClipModel
from napari_car.clip.text import TextEncoder
from napari_car.clip.tower import VisionTower
from napari_car.config import ComputeConfig, ProposalConfig
from napari_car.core import proposals as proposals_module
from napari_car.core.affinity import draw_box_mask
from napari_car.core.cam import GradCam, normalise_maps
from napari_car.core.proposals import ImageFeatures, MaskProposalGenerator, encode_image
from napari_car.queries import Query
from napari_car.results import CheckpointIdentity, Progress, Proposals

LOGIT_SCALE = 10.0


@pytest.fixture(scope="module", autouse=True)
def _in_one_thread(one_thread: None) -> None:
    """All tests here."""


@pytest.fixture(scope="module", params=["plain", "layer scale"])
def visual(request: pytest.FixtureRequest) -> nn.Module:
    return random_model(TINY if request.param == "plain" else TINY_LAYER_SCALE).visual


@pytest.fixture(scope="module")
def tower(visual: nn.Module) -> VisionTower:
    return VisionTower(visual)


def directions(n: int, seed: int = 0) -> Tensor:
    return nn.functional.normalize(torch.randn(n, 24, generator=torch.Generator().manual_seed(seed)), dim=-1)


def image_tokens(tower: VisionTower, height: int = 64, width: int = 96) -> tuple[Tensor, tuple[int, int]]:
    images = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(5))
    return tower.tokens_before_last_block(images, 8)[0], tower.grid(images)


# --- the vector-Jacobian product -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_queries", "n_background"), [(1, 1), (1, 4), (2, 0), (5, 0), (5, 3), (3, 20)])
def test_maps_equal_one_backward_pass_per_query(
    n_queries: int, n_background: int, visual: nn.Module, tower: VisionTower
) -> None:
    tokens, grid = image_tokens(tower)
    texts = directions(n_queries + n_background)
    maps = GradCam(tower, tokens, grid, LOGIT_SCALE).maps(texts, range(n_queries))
    expected = torch.stack(
        [literal_grad_cam(visual, tokens, grid, texts, LOGIT_SCALE, query) for query in range(n_queries)]
    )
    assert maps.shape == (n_queries, 4, 6)
    assert expected.any()  # some are rightly zero
    assert (maps.double() - expected).abs().max() < 1e-3
    assert (maps.double() - expected).abs().mean() < 1e-4


def test_probabilities_equal_the_literal_softmax(visual: nn.Module, tower: VisionTower) -> None:
    tokens, grid = image_tokens(tower)
    expected, _ = literal_probabilities(visual, tokens, directions(7), LOGIT_SCALE)
    probabilities = GradCam(tower, tokens, grid, LOGIT_SCALE).probabilities(directions(7))
    assert torch.allclose(probabilities.double(), expected, atol=1e-5)
    assert 0.2 < expected.max() < 0.9  # neither flat nor saturated


@pytest.mark.parametrize(("height", "width"), [(64, 304), (16, 48), (112, 32)])
def test_other_grids(height: int, width: int, visual: nn.Module, tower: VisionTower) -> None:
    """64 x 304 px are 76 patches: as many visual tokens as a text has."""
    tokens, grid = image_tokens(tower, height, width)
    maps = GradCam(tower, tokens, grid, LOGIT_SCALE).maps(directions(4), range(2))
    assert maps.shape == (2, height // 16, width // 16)
    for query in range(2):
        expected = literal_grad_cam(visual, tokens, grid, directions(4), LOGIT_SCALE, query)
        assert (maps[query].double() - expected).abs().max() < 1e-3


def test_parts_equal_the_whole(tower: VisionTower) -> None:
    tokens, grid = image_tokens(tower)
    cam, texts = GradCam(tower, tokens, grid, LOGIT_SCALE), directions(9)
    whole = cam.maps(texts, range(9))
    parts = torch.cat([cam.maps(texts, range(start, min(start + 2, 9))) for start in range(0, 9, 2)])
    assert torch.allclose(parts, whole, atol=1e-5)
    assert torch.allclose(cam.maps(texts, range(3, 5)), whole[3:5], atol=1e-5)
    assert torch.equal(cam.maps(texts, range(9)), whole)  # the graph serves again


def test_gradients_do_not_leak(visual: nn.Module) -> None:
    trainable = copy.deepcopy(visual).requires_grad_(True)
    tower = VisionTower(trainable)
    tokens, grid = image_tokens(tower)
    maps = GradCam(tower, tokens, grid, LOGIT_SCALE).maps(directions(3), range(3))
    assert not maps.requires_grad
    assert maps.grad_fn is None
    assert all(weight.grad is None for weight in trainable.parameters())


def test_works_where_gradients_are_switched_off(tower: VisionTower) -> None:
    tokens, grid = image_tokens(tower)
    expected = GradCam(tower, tokens, grid, LOGIT_SCALE).maps(directions(3), range(3))
    with torch.no_grad():
        maps = GradCam(tower, tokens, grid, LOGIT_SCALE).maps(directions(3), range(3))
    assert torch.equal(maps, expected)


def test_batched_backward_needs_no_fallback(tower: VisionTower) -> None:
    """torch warns where an operator has no batching rule, and then computes one query after the other."""
    tokens, grid = image_tokens(tower)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GradCam(tower, tokens, grid, LOGIT_SCALE).maps(directions(3), range(3))


# --- normalisation ---------------------------------------------------------------------------------------------------


def test_normalise_maps() -> None:
    maps = torch.tensor([[[1.0, 2.0], [3.0, 5.0]], [[0.0, 0.0], [0.0, 0.0]], [[7.0, 7.0], [7.0, 7.0]]])
    expected = torch.tensor([[[0.0, 0.25], [0.5, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert torch.allclose(normalise_maps(maps), expected)
    assert torch.equal(normalise_maps(normalise_maps(maps)), normalise_maps(maps))
    assert torch.equal(maps[0], torch.tensor([[1.0, 2.0], [3.0, 5.0]]))  # the input is left alone
    assert normalise_maps(torch.zeros(0, 2, 2)).shape == (0, 2, 2)


def test_tiny_maps_are_not_lost() -> None:
    """Gradients of a saturated softmax are tiny; only zero is zero."""
    assert normalise_maps(torch.tensor([[[0.0, 1e-12]]])).max() > 0.99


def test_shapes_are_checked_in_tests() -> None:
    """Must fail: guards against annotations that are silently not enforced."""
    with pytest.raises(TypeCheckError, match="maps"):
        normalise_maps(torch.zeros(4, 4))


# --- the mask proposal generator -------------------------------------------------------------------------------------


class FixedTexts(TextEncoder):
    """Embeddings chosen by the test."""

    def __init__(self, embeddings: dict[str, Tensor]) -> None:
        self.width = 24
        self.embeddings = embeddings

    def embed(self, texts: Sequence[str]) -> Tensor:
        return torch.stack([self.embeddings[text] for text in texts]) if texts else torch.zeros(0, 24)


def clip_model(tower: VisionTower, texts: TextEncoder, logit_scale: float = LOGIT_SCALE) -> ClipModel:
    identity = CheckpointIdentity("random", "ViT", "0" * 64, "float32", "cpu")
    return ClipModel(tower, texts, logit_scale, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), identity)


PLAIN = {"cam_template": "{}", "first_step_template": "{}"}


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


def proposed(generator: MaskProposalGenerator, h: Sequence[int], step: int = 1) -> tuple[Proposals, list[Progress]]:
    """Drain one time step."""
    running, progress = generator.propose_masks(h, step), []
    while True:
        try:
            progress.append(next(running))
        except StopIteration as end:
            return end.value, progress


def generator(
    clip: ClipModel,
    image: np.ndarray,
    n_queries: int,
    background: Sequence[str] = (),
    *,
    memory_mb: int = 512,
    separate: bool = False,
    **config: Any,
) -> tuple[MaskProposalGenerator, ImageFeatures]:
    proposal_config = ProposalConfig(**(PLAIN | config))
    features = encode_image(clip, image, proposal_config)
    queries = [Query(f"query {i}") for i in range(n_queries)]
    compute = ComputeConfig(batch_memory_mb=memory_mb)
    made = MaskProposalGenerator(clip, features, queries, background, proposal_config, compute, separate=separate)
    return made, features


def fixed_texts(n_queries: int, n_background: int = 0) -> FixedTexts:
    names = [f"query {i}" for i in range(n_queries)] + [f"background {i}" for i in range(n_background)]
    return FixedTexts(dict(zip(names, directions(len(names)), strict=True)))


def test_grad_cam_proposals(tower: VisionTower, image: np.ndarray) -> None:
    clip = clip_model(tower, fixed_texts(4, 2))
    f, features = generator(clip, image, 4, ["background 0", "background 1"], method="grad-cam")
    assert features.grid == (4, 6)
    assert features.size_px == (60, 90)
    assert features.tokens.dtype == features.affinity.dtype == torch.float32
    assert f.can_contrast_one
    found, progress = proposed(f, [3, 0, 2])
    texts = directions(6)[[3, 0, 2, 4, 5]]
    expected = torch.stack(
        [literal_grad_cam(tower.visual, features.tokens, (4, 6), texts, LOGIT_SCALE, i) for i in range(3)]
    )
    assert np.abs(found.maps - expected.numpy()).max() < 1e-3
    assert found.size_px == (60, 90)
    assert progress == [Progress("proposals", 1, 3, 3)]


def test_clip_es_proposals_are_spread_by_the_affinity(tower: VisionTower, image: np.ndarray) -> None:
    clip = clip_model(tower, fixed_texts(3, 2))
    plain, features = generator(clip, image, 3, ["background 0"], method="grad-cam")
    f, _ = generator(clip, image, 3, ["background 0"])
    squared = features.affinity.double() @ features.affinity.double()
    for cam, refined in zip(proposed(plain, [0, 1, 2])[0].maps, proposed(f, [0, 1, 2])[0].maps, strict=True):
        weights = squared * torch.from_numpy(draw_box_mask(cam, 0.4)).flatten()
        spread = (weights @ torch.from_numpy(cam).double().flatten()).reshape(4, 6)
        spread -= spread.min()
        assert np.abs(refined - (spread / spread.max()).numpy()).max() < 1e-4


def test_memory_changes_the_chunks_and_nothing_else(
    tower: VisionTower, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = clip_model(tower, fixed_texts(7, 2))
    f, _ = generator(clip, image, 7, ["background 0", "background 1"])
    whole, progress = proposed(f, range(7), step=2)
    assert [piece.done for piece in progress] == [7]
    for size, done in [(1, list(range(1, 8))), (3, [3, 6, 7]), (7, [7])]:
        monkeypatch.setattr(f, "_chunk", size)
        parts, progress = proposed(f, range(7), step=2)
        assert np.abs(parts.maps - whole.maps).max() < 1e-4
        assert [piece.done for piece in progress] == done
        assert {(piece.stage, piece.step, piece.total) for piece in progress} == {("proposals", 2, 7)}


def test_chunks_follow_from_the_memory(tower: VisionTower, image: np.ndarray) -> None:
    clip = clip_model(tower, fixed_texts(1))
    few, many = (generator(clip, image, 1, memory_mb=memory)[0]._chunk for memory in (16, 160))
    assert 1 <= few < many
    assert many == pytest.approx(10 * few, rel=0.1)
    large = generator(clip, np.zeros((512, 512, 3), dtype=np.uint8), 1, memory_mb=16)[0]
    assert large._chunk == 1


def saturated(clip_texts: FixedTexts, tower: VisionTower, image: np.ndarray) -> ClipModel:
    """A model so sure of ``background 0`` that all gradients of the queries are exactly zero."""
    clip = clip_model(tower, clip_texts)
    features = encode_image(clip, image, ProposalConfig())
    embedding = tower.mean_patch_embedding(features.tokens, tower.target_layer(features.tokens))
    direction = nn.functional.normalize(embedding[0], dim=0)
    clip_texts.embeddings["background 0"] = direction
    for i in range(3):  # queries on the far side, close to each other
        clip_texts.embeddings[f"query {i}"] = nn.functional.normalize(-direction + 0.02 * directions(3)[i], dim=0)
    return clip_model(tower, clip_texts, logit_scale=1000.0)


def test_all_zero_maps_are_computed_again_without_background(tower: VisionTower, image: np.ndarray) -> None:
    clip = saturated(fixed_texts(3, 1), tower, image)
    f, features = generator(clip, image, 3, ["background 0"], method="grad-cam")
    cam = GradCam(tower, features.tokens, features.grid, 1000.0)
    texts = torch.stack([clip.texts.embeddings[name] for name in ("query 0", "query 1", "query 2", "background 0")])
    assert not cam.maps(texts, range(3)).any()  # the case is what it is meant to be
    expected = cam.maps(texts[:3], range(3))
    found, _ = proposed(f, [0, 1, 2])
    assert expected.flatten(1).any(dim=1).sum() >= 2
    assert np.abs(found.maps - expected.numpy()).max() < 1e-4
    # A single query has nothing left to compete with, so its map stays zero.
    alone, _ = proposed(f, [1])
    assert not alone.maps.any()
    assert not np.isnan(alone.maps).any()


def test_only_the_map_that_is_zero_is_computed_again(
    tower: VisionTower, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    f, features = generator(clip_model(tower, fixed_texts(3, 1)), image, 3, ["background 0"], method="grad-cam")
    before, _ = proposed(f, [0, 1, 2])
    maps, calls = GradCam.maps, []

    def with_a_zero(self: GradCam, texts: Tensor, rows: range) -> Tensor:
        calls.append((len(texts), rows))
        found = maps(self, texts, rows)
        if len(texts) == 4:
            found[1] = 0
        return found

    monkeypatch.setattr(proposals_module.GradCam, "maps", with_a_zero)
    after, _ = proposed(f, [0, 1, 2])
    assert calls == [(4, range(3)), (3, range(1, 2))]
    assert np.array_equal(after.maps[[0, 2]], before.maps[[0, 2]])
    again = maps(GradCam(tower, features.tokens, features.grid, LOGIT_SCALE), directions(4)[:3], range(1, 2))
    assert np.array_equal(after.maps[1], again[0].numpy())


def test_separate_queries_compete_with_the_background_only(tower: VisionTower, image: np.ndarray) -> None:
    clip = clip_model(tower, fixed_texts(3, 2))
    background = ["background 0", "background 1"]
    f, features = generator(clip, image, 3, background, method="grad-cam", separate=True)
    found, progress = proposed(f, [2, 0])
    assert [piece.done for piece in progress] == [1, 2]
    for row, query in enumerate([2, 0]):
        texts = directions(5)[[query, 3, 4]]
        expected = literal_grad_cam(tower.visual, features.tokens, (4, 6), texts, LOGIT_SCALE, 0)
        assert np.abs(found.maps[row] - expected.numpy()).max() < 1e-3


def test_templates_of_the_first_and_later_steps(tower: VisionTower, image: np.ndarray) -> None:
    names = ["one query 0", "one query 1", "cam query 0", "cam query 1", "cam background 0"]
    texts = FixedTexts(dict(zip(names, directions(5), strict=True)))
    f, features = generator(
        clip_model(tower, texts),
        image,
        2,
        ["background 0"],
        method="grad-cam",
        first_step_template="one {}",
        cam_template="cam {}",
    )
    cam = GradCam(tower, features.tokens, features.grid, LOGIT_SCALE)
    for step, rows in [(1, [0, 1, 4]), (2, [2, 3, 4]), (3, [2, 3, 4])]:
        expected = cam.maps(directions(5)[rows], range(2)).numpy()
        assert np.abs(proposed(f, [0, 1], step)[0].maps - expected).max() < 1e-5


def test_one_query_without_background_cannot_be_contrasted(tower: VisionTower, image: np.ndarray) -> None:
    f, _ = generator(clip_model(tower, fixed_texts(1)), image, 1)
    assert not f.can_contrast_one


def test_nothing_is_trained(tower: VisionTower, image: np.ndarray) -> None:
    f, features = generator(clip_model(tower, fixed_texts(2, 1)), image, 2, ["background 0"])
    proposed(f, [0, 1])
    assert not features.tokens.requires_grad
    assert not features.affinity.requires_grad
    assert all(weight.grad is None for weight in tower.visual.parameters())


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (16, 16)])
def test_images_of_few_patches(shape: tuple[int, int], tower: VisionTower) -> None:
    """On a grid of one row or column no box has an inside, as in the released program."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for method in ("clip-es", "grad-cam"):
        f, features = generator(clip_model(tower, fixed_texts(2, 1)), image, 2, ["background 0"], method=method)
        found, _ = proposed(f, [0, 1])
        assert found.maps.shape == (2, *features.grid)
        assert np.isfinite(found.maps).all()
        assert found[0].shape == shape


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_end_to_end(precision: str, image: np.ndarray, tmp_path: Path) -> None:
    """Maps of a half-precision tower resemble those in full precision."""
    from random_clip import write_folder

    from napari_car.clip.loading import load_clip

    folder = write_folder(tmp_path, TINY_LAYER_SCALE, random_model(TINY_LAYER_SCALE).state_dict())
    found = []
    for name in ("fp32", precision):
        clip = load_clip(str(folder), device="cpu", precision=name)
        f, _ = generator(clip, image, 3, ["sky", "grass"], method="grad-cam")
        found.append(proposed(f, [0, 1, 2])[0].maps)
    assert found[1].dtype == np.float32
    assert np.abs(found[0] - found[1]).mean() < (0.02 if precision == "fp16" else 0.1)
