"""The batched, differentiable CAM computes what a literal, one-at-a-time one does."""

import numpy as np
import pytest
import torch

from demo_clip import cam
from demo_clip.architecture import CompactVocabulary, build_model
from demo_clip.tower import encode_class_token, normalise, run_trunk
from napari_car.core.affinity import attention_affinity, draw_box_mask, spread_by_affinity

TEXTS = 6


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = build_model(CompactVocabulary()).eval()
    torch.nn.init.normal_(model.visual.proj, std=0.3)
    return model


@pytest.fixture(scope="module")
def texts(model):
    features = torch.randn(TEXTS, model.visual.output_dim, generator=torch.Generator().manual_seed(1))
    return 8 * torch.nn.functional.normalize(features, dim=-1)


def images_of(shape, count=2):
    rng = np.random.default_rng(0)
    return normalise(torch.from_numpy(rng.integers(0, 256, (count, *shape, 3), dtype=np.uint8)))


def literal_evidence(visual, image, texts, query):
    """sum_k alpha_k A_k of one query of one native-size image, by hooks on open_clip's own modules."""
    kept = {}
    block = visual.transformer.resblocks[-1]
    first = block.ln_1.register_forward_hook(lambda _m, _i, out: kept.update(A=out.requires_grad_()))
    last = block.register_forward_hook(lambda _m, _i, out: kept.update(out=out))
    visual(image[None])
    first.remove(), last.remove()
    pooled = visual.ln_post(kept["out"])[:, 1:].mean(1) @ visual.proj
    probabilities = (torch.nn.functional.normalize(pooled, dim=-1) @ texts.T).softmax(-1)
    (gradient,) = torch.autograd.grad(probabilities[0, query], kept["A"])
    alpha = gradient[0, 1:].mean(0)
    return (kept["A"][0, 1:] @ alpha).detach()


def test_evidence_equals_the_literal_one(model, texts):
    images = images_of((120, 120))
    trunk = run_trunk(model.visual, images, with_attention=True)
    A, mean_feature, _, _ = cam.image_features(model.visual, trunk)
    queries = torch.tensor([[0, 3], [5, 1]])
    probabilities = (mean_feature @ texts.T).softmax(-1)
    evidence = cam.class_evidence(A, probabilities, queries, create_graph=False)
    for b in range(2):
        for q in range(2):
            expected = literal_evidence(model.visual, images[b], texts, queries[b, q])
            torch.testing.assert_close(evidence[b, q], expected, rtol=1e-3, atol=1e-7)


def test_the_evidence_can_be_trained(model, texts):
    trunk = run_trunk(model.visual, images_of((96, 132)), with_attention=True)
    A, mean_feature, _, attention = cam.image_features(model.visual, trunk)
    probabilities = (mean_feature @ texts.T).softmax(-1)
    evidence = cam.class_evidence(A, probabilities, torch.tensor([[0], [1]]), create_graph=True)
    maps = cam.refine(cam.min_max(evidence.relu()), cam.affinity(attention), trunk.grid, 0.4)
    maps.sum().backward()
    gradient = model.visual.transformer.resblocks[-1].attn.in_proj_weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_attention_and_class_tokens_equal_open_clip(model):
    images = images_of((120, 120))
    whole, skipped, _, _ = encode_class_token(model.visual, images)
    torch.testing.assert_close(whole, model.encode_image(images, normalize=True), rtol=1e-4, atol=1e-5)
    assert (whole * skipped).sum(-1).lt(0.999).all()
    with_attention = run_trunk(model.visual, images, with_attention=True)
    fused = run_trunk(model.visual, images, with_attention=False)
    torch.testing.assert_close(with_attention.tokens, fused.tokens, rtol=1e-4, atol=1e-5)
    n_summed = len(model.visual.transformer.resblocks) - 1
    sums = with_attention.attention.sum(-1)
    torch.testing.assert_close(sums, torch.full_like(sums, n_summed))


def test_maps_equal_those_of_the_engine():
    generator = torch.Generator().manual_seed(2)
    attention = torch.rand(1, 81, 81, generator=generator).softmax(-1)
    cams = cam.min_max(torch.rand(1, 3, 80, generator=generator))
    mine = cam.refine(cams, cam.affinity(attention), (8, 10), 0.4)[0].reshape(3, 8, 10)
    maps = cams[0].reshape(3, 8, 10)
    boxes = torch.from_numpy(np.stack([draw_box_mask(one, 0.4) for one in maps.numpy()]))
    spread = spread_by_affinity(attention_affinity(attention[0]), maps, boxes).flatten(1)
    torch.testing.assert_close(mine.flatten(1), cam.min_max(spread), rtol=1e-4, atol=1e-5)
