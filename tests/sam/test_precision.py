"""Half precision of the image encoder, on the CPU as far as it goes."""

import copy
from functools import partial
from typing import Any

import pytest
import torch
from random_sam import random_sam, randomise
from torch import nn

from napari_car.sam.library import library
from napari_car.sam.loading import load_sam
from napari_car.sam.precision import HalfPrecisionEncoder


@pytest.fixture
def encoder() -> Any:
    """SAM's image encoder, small; what its neck norms has squares beyond fp16, as can happen."""
    encoder = library.modeling.ImageEncoderViT(
        img_size=128,
        embed_dim=48,
        depth=3,
        num_heads=2,
        out_chans=32,
        use_rel_pos=True,
        global_attn_indexes=(1,),
        window_size=4,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
    )
    encoder.eval().requires_grad_(False)
    randomise(encoder, 0)
    encoder.neck[0].weight.data *= 400
    return encoder


@pytest.mark.parametrize("n_images", [1, 2])
def test_half_precision_is_close_and_inside_only(encoder: Any, n_images: int) -> None:
    images = torch.randn(n_images, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    expected, expected_early = encoder(images)
    assert encoder.neck[0](encoder.patch_embed(images).permute(0, 3, 1, 2)).square().max() > 65_504
    half = HalfPrecisionEncoder(copy.deepcopy(encoder), torch.float16)
    embedding, early = half(images)
    assert embedding.dtype == torch.float32
    assert (embedding - expected).std() < 0.01 * expected.std()
    assert [features.dtype for features in early] == [torch.float32]
    assert (early[0] - expected_early[0]).std() < 0.01 * expected_early[0].std()


def test_weights_take_half_the_memory(encoder: Any) -> None:
    n_matrices_bytes = sum(weight.nbytes for weight in encoder.parameters() if weight.ndim > 1)
    n_before = sum(weight.nbytes for weight in encoder.parameters())
    half = HalfPrecisionEncoder(encoder, torch.float16)
    n_tables_bytes = encoder.pos_embed.nbytes + sum(b.attn.rel_pos_h.nbytes * 2 for b in encoder.blocks)
    n_saved = n_before - sum(weight.nbytes for weight in half.parameters())
    assert n_saved >= (n_matrices_bytes - n_tables_bytes) / 2
    assert {weight.dtype for weight in half.parameters()} == {torch.float16, torch.float32}


def test_library_finds_the_size_of_the_input(encoder: Any) -> None:
    assert HalfPrecisionEncoder(encoder, torch.float16).img_size == 128


def test_only_the_image_encoder_is_converted(tiny_hq_file: Any) -> None:
    sam = load_sam(str(tiny_hq_file), device="cpu", precision="fp16")
    assert sam.identity.precision == "float16"
    assert library.SamPredictor(sam.network).transform.target_length == 1024
    for part in (sam.network.prompt_encoder, sam.network.mask_decoder):
        assert {weight.dtype for weight in part.parameters()} == {torch.float32}
    assert torch.float16 in {weight.dtype for weight in sam.network.image_encoder.parameters()}


@pytest.mark.slow
def test_tiny_vit_in_half_precision_gives_nearly_the_same_embedding(tiny_hq_file: Any) -> None:
    coarse = torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    images = nn.functional.interpolate(coarse, (1024, 1024), mode="bicubic")
    half = load_sam(str(tiny_hq_file), device="cpu", precision="fp16").network.image_encoder
    with torch.no_grad():
        expected, expected_early = random_sam().image_encoder(images)
        embedding, early = half(images)
    assert (embedding - expected).std() < 0.02 * expected.std()
    assert (early[0] - expected_early[0]).std() < 0.02 * expected_early[0].std()
