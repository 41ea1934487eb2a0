"""The image tower in pieces against open_clip's own forward pass."""

import copy
from collections.abc import Iterator

import open_clip
import pytest
import torch
from jaxtyping import TypeCheckError
from open_clip.model import _build_vision_tower
from random_clip import random_model, random_tower, tiny_config
from torch import Tensor, nn

from napari_car.clip.tower import VisionTower, check_tower
from napari_car.errors import CheckpointError


def images(height: int, width: int, n: int = 1) -> Tensor:
    return torch.randn(n, 3, height, width, generator=torch.Generator().manual_seed(1))


def tiny_tower(seed: int = 0, **vision: object) -> nn.Module:
    return random_model(tiny_config(vision=vision), seed).visual


def assert_close(actual: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= tolerance * expected.abs().max()


def literal_tokens(visual: nn.Module, x: Tensor) -> list[Tensor]:
    """Tokens entering each block, then those leaving the last."""
    tokens = [visual._embeds(x)]
    for block in visual.transformer.resblocks:
        tokens.append(block(tokens[-1]))
    return tokens


def literal_attention(block: nn.Module, tokens: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)), averaged over heads."""
    n_batch, n_tokens, width = tokens.shape
    n_heads = block.attn.num_heads
    queries, keys, _ = (block.ln_1(tokens) @ block.attn.in_proj_weight.T + block.attn.in_proj_bias).chunk(3, dim=-1)
    queries = queries.reshape(n_batch, n_tokens, n_heads, -1).transpose(1, 2)
    keys = keys.reshape(n_batch, n_tokens, n_heads, -1).transpose(1, 2)
    logits = queries @ keys.transpose(-1, -2) / (width // n_heads) ** 0.5
    return (logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).mean(dim=1)


def at_size(visual: nn.Module, height: int, width: int) -> nn.Module:
    """The same tower built by open_clip for another image size, its positional table resized here."""
    patch_px, (native_h, native_w) = visual.patch_size[0], visual.grid_size
    table = visual.positional_embedding
    grid = table[1:].reshape(1, native_h, native_w, -1).permute(0, 3, 1, 2)
    size = (height // patch_px, width // patch_px)
    grid = nn.functional.interpolate(grid, size, mode="bilinear", align_corners=False)
    resized = copy.deepcopy(visual)
    resized.positional_embedding = nn.Parameter(
        torch.cat([table[:1], grid.permute(0, 2, 3, 1).flatten(0, 2)]), requires_grad=False
    )
    return resized


@pytest.fixture(
    scope="module", params=["ViT-B-32-quickgelu", "ViT-B-16", "ViT-M-16-alt", "ViT-L-14", "tiny non-square"]
)
def real(request: pytest.FixtureRequest) -> Iterator[nn.Module]:
    """Real architectures; ViT-M-16-alt has LayerScale."""
    if request.param == "tiny non-square":
        yield tiny_tower(image_size=(48, 96))
    else:
        yield random_tower(request.param)


def test_real_architectures_equal_encode_image(real: nn.Module) -> None:
    x = images(*real.image_size)
    expected = real(x)
    tower = VisionTower(real)
    assert_close(tower.class_token_embedding(x), expected)
    # Through the pieces that f uses: all blocks but the last, A, and the last block given A.
    tokens, attention = tower.tokens_before_last_block(x, 2)
    last = real.transformer.resblocks[-1]
    assert_close(real.ln_post(last(tokens))[:, 0] @ real.proj, expected)
    assert_close(tower.target_layer(tokens), last.ln_1(tokens))
    assert_close(
        tower.mean_patch_embedding(tokens, tower.target_layer(tokens)),
        real.ln_post(last(tokens))[:, 1:].mean(dim=1) @ real.proj,
    )
    assert_close(attention.sum(dim=-1), torch.ones(attention.shape[:2]))


def test_layer_scale_and_activation_matter() -> None:
    """The towers above differ in what they are named after, so the equality is not one of a default."""
    assert open_clip.get_model_config("ViT-M-16-alt")["vision_cfg"]["ls_init_value"] is not None
    scaled = tiny_tower(ls_init_value=1e-4)
    assert all(block.ls_1.gamma.std() > 0.1 for block in scaled.transformer.resblocks)
    quick, plain = tiny_tower(), random_model(tiny_config(quick_gelu=True)).visual
    assert not torch.allclose(quick(images(64, 64)), plain(images(64, 64)), rtol=1e-3)


def test_attributes() -> None:
    tower = VisionTower(tiny_tower(image_size=(48, 96)))
    assert (tower.patch_px, tower.native_size_px, tower.width, tower.n_heads) == (16, (48, 96), 64, 2)
    assert tower.dtype == torch.float32
    assert tower.device == torch.device("cpu")
    assert tower.grid(images(32, 80)) == (2, 5)


@pytest.mark.parametrize("vision", [{"no_ln_pre": True}, {"final_ln_after_pool": True}, {"patch_dropout": 0.5}])
def test_variants_of_the_tower(vision: dict[str, object]) -> None:
    visual = tiny_tower(**vision)
    assert_close(VisionTower(visual).class_token_embedding(images(64, 64, 3)), visual(images(64, 64, 3)))


def test_all_but_last_leaves_the_last_block_out() -> None:
    visual = tiny_tower()
    expected = visual.ln_post(literal_tokens(visual, images(64, 64))[-2][:, 0]) @ visual.proj
    assert_close(VisionTower(visual).class_token_embedding(images(64, 64), "all-but-last"), expected)


@pytest.mark.parametrize(("n_blocks", "n_used"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (100, 4)])
def test_attention_is_the_softmax_averaged_over_heads_and_last_blocks(n_blocks: int, n_used: int) -> None:
    visual, x = tiny_tower(), images(64, 64, 2)
    tokens = literal_tokens(visual, x)
    each = [
        literal_attention(block, entering)
        for block, entering in zip(visual.transformer.resblocks, tokens[:-1], strict=True)
    ]
    before_last, attention = VisionTower(visual).tokens_before_last_block(x, n_blocks)
    assert_close(attention, torch.stack(each[-n_used:]).mean(dim=0))
    assert_close(attention.sum(dim=-1), torch.ones(2, 17))
    assert_close(before_last, tokens[-2])


@pytest.mark.parametrize(
    ("height", "width"),
    [(64, 64), (32, 128), (112, 48), (16, 16), (16, 320), (64, 304), (304, 64), (160, 192)],
    ids=lambda side: str(side),
)
def test_any_image_size(height: int, width: int) -> None:
    """Among them are images of 76 patches: 77 visual tokens, as many as a text has."""
    visual, x = tiny_tower(), images(height, width, 2)
    resized, tower = at_size(visual, height, width), VisionTower(visual)
    tokens = literal_tokens(resized, x)
    assert tokens[0].shape[1] == 1 + height // 16 * (width // 16)
    assert_close(tower.embed(x), tokens[0])
    before_last, attention = tower.tokens_before_last_block(x, 2)
    assert_close(before_last, tokens[-2])
    assert_close(attention.sum(dim=-1), torch.ones(attention.shape[:2]))
    embedding = tower.mean_patch_embedding(before_last, tower.target_layer(before_last))
    assert_close(embedding, visual.ln_post(tokens[-1])[:, 1:].mean(dim=1) @ visual.proj)


def test_positional_embedding_at_the_native_grid_is_the_table_itself() -> None:
    visual = tiny_tower()
    assert VisionTower(visual).positional_embedding(4, 4) is visual.positional_embedding


def test_positional_embedding_is_resized_bilinearly_without_aligned_corners() -> None:
    visual = tiny_tower(image_size=32)
    ramp = torch.tensor([0.0, 4.0, 100.0, 104.0]).view(4, 1).expand(4, 64)  # 4 along columns, 100 along rows
    class_row = visual.positional_embedding[:1].clone()
    visual.positional_embedding.data[1:] = ramp
    resized = VisionTower(visual).positional_embedding(4, 4)
    assert torch.equal(resized[:1], class_row)
    expected = torch.tensor([0.0, 1.0, 3.0, 4.0]) + torch.tensor([0.0, 25.0, 75.0, 100.0]).view(4, 1)
    assert torch.allclose(resized[1:, 5].view(4, 4), expected)


def test_transposed_grids_are_not_confused() -> None:
    tower = VisionTower(tiny_tower())
    wide, tall = tower.positional_embedding(2, 8), tower.positional_embedding(8, 2)
    assert wide.shape == tall.shape
    assert not torch.allclose(wide, tall)


def test_last_block_is_differentiable_in_its_activations_alone() -> None:
    tower = VisionTower(tiny_tower())
    tokens, attention = tower.tokens_before_last_block(images(64, 64), 8)
    assert not tokens.requires_grad
    assert not attention.requires_grad
    activations = tower.target_layer(tokens).requires_grad_()
    tower.mean_patch_embedding(tokens, activations).sum().backward()
    assert activations.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in tower.visual.parameters())


@pytest.mark.parametrize("layer_scale", [None, 1e-4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype, layer_scale: float | None) -> None:
    """Blocks in half precision, the differentiated last block in float32."""
    from napari_car.clip.architecture import build_model

    config = tiny_config(vision={"ls_init_value": layer_scale})
    full = random_model(config)
    half = build_model(config, "half", dtype).requires_grad_(False).eval()
    half.load_state_dict(full.state_dict())
    reference, tower = VisionTower(full.visual), VisionTower(half.visual)
    assert tower.dtype == dtype
    x, tolerance = images(64, 96), 0.02 if dtype == torch.float16 else 0.1
    tokens, attention = tower.tokens_before_last_block(x, 3)
    expected_tokens, expected_attention = reference.tokens_before_last_block(x, 3)
    assert tokens.dtype == attention.dtype == torch.float32
    assert_close(tokens, expected_tokens, tolerance)
    assert_close(attention, expected_attention, tolerance)
    embedding = tower.mean_patch_embedding(tokens, tower.target_layer(tokens))
    assert embedding.dtype == torch.float32
    assert_close(
        embedding,
        reference.mean_patch_embedding(expected_tokens, reference.target_layer(expected_tokens)),
        tolerance,
    )
    encoded = tower.class_token_embedding(x)
    assert encoded.dtype == torch.float32
    assert_close(encoded, reference.class_token_embedding(x), tolerance)
    assert half.visual.transformer.resblocks[-1].mlp.c_fc.weight.dtype == dtype  # the model itself stays as it was


@pytest.mark.parametrize(
    ("vision", "reason"),
    [
        ({"pool_type": "avg"}, "pools by 'avg'"),
        ({"attentional_pool": True}, "pools by attention"),
        ({"attentional_pool": "parallel"}, "pools by attention"),
        ({"qk_norm": True}, "blocks of another structure (CustomResidualAttentionBlock)"),
        ({"block_type": "custom"}, "blocks of another structure (CustomResidualAttentionBlock)"),
        ({"patch_size": (16, 8)}, "patches of 16x8 px are not square"),
        ({"layers": 1}, "has a single block"),
        ({"layers": (1, 1, 1, 1), "width": 16}, "is a ModifiedResNet"),
    ],
    ids=str,
)
def test_refused_towers(vision: dict[str, object], reason: str) -> None:
    config = tiny_config(vision=vision)
    with torch.device("meta"):
        visual = _build_vision_tower(24, config["vision_cfg"])
    with pytest.raises(CheckpointError) as caught:
        check_tower(visual, "My-CLIP")
    text = str(caught.value)
    assert text.startswith("My-CLIP cannot serve as f or g: ")
    assert reason in text
    assert text.endswith("; choose a ViT such as ViT-B-16.")
    assert "\n" not in text
    assert ". " not in text


def test_other_modules_are_refused() -> None:
    with pytest.raises(CheckpointError, match="is a Linear, not a vision transformer of open_clip"):
        check_tower(nn.Linear(1, 1), "My-CLIP")


def test_shapes_are_checked_in_tests() -> None:
    """Must fail: guards against annotations that are silently not enforced."""
    with pytest.raises(TypeCheckError, match="images"):
        VisionTower(tiny_tower()).class_token_embedding(torch.zeros(3, 64, 64))
