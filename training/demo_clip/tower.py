"""The visual tower, stage by stage, with attention maps and a last block that can be differentiated twice."""

from dataclasses import dataclass

import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Trunk:
    """What all blocks but the last make of an image."""

    tokens: Tensor
    """(B, L, D): what enters the last block; the class token first."""
    attention: Tensor
    """(B, L, L): head-averaged attention, summed over the blocks so far."""
    grid: tuple[int, int]
    """Patch grid (h, w)."""


def embed_patches(visual: nn.Module, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """
    Embed patches at the image's own size: positional grid resized bilinearly (align_corners=False).

    Parameters
    ----------
    images : (B, 3, H, W) float32
        Normalised; H and W are multiples of the patch size.

    Returns
    -------
    tokens : (B, L, D), after `ln_pre`
    grid : (h, w)
    """
    x = visual.conv1(images)
    h, w = x.shape[-2:]
    x = x.flatten(2).transpose(1, 2)
    native_h, native_w = visual.grid_size
    positions = visual.positional_embedding
    if (h, w) != (native_h, native_w):
        native = positions[1:].T.reshape(1, -1, native_h, native_w)
        resized = functional.interpolate(native, (h, w), mode="bilinear", align_corners=False)
        positions = torch.cat([positions[:1], resized.flatten(2)[0].T])
    class_token = visual.class_embedding.expand(len(x), 1, -1)
    return visual.ln_pre(torch.cat([class_token, x], 1) + positions), (h, w)


def attend(attn: nn.MultiheadAttention, x: Tensor, n_queries: int | None = None) -> tuple[Tensor, Tensor]:
    """
    Self-attention in plain operations.

    Parameters
    ----------
    x : (B, L, D)
    n_queries : int, optional
        Compute the first tokens only.

    Returns
    -------
    out : (B, n_queries, D)
    weights : (B, n_queries, L), averaged over heads
    """
    B, L, D = x.shape
    n = n_queries or L
    q, k, v = functional.linear(x, attn.in_proj_weight, attn.in_proj_bias).chunk(3, -1)
    heads = attn.num_heads
    q = q[:, :n].reshape(B, n, heads, -1).transpose(1, 2) * (D // heads) ** -0.5
    k = k.reshape(B, L, heads, -1).permute(0, 2, 3, 1)
    v = v.reshape(B, L, heads, -1).transpose(1, 2)
    weights = (q @ k).softmax(-1)
    out = (weights @ v).transpose(1, 2).reshape(B, n, D)
    return attn.out_proj(out), weights.mean(1)


def run_trunk(visual: nn.Module, images: Tensor, with_attention: bool) -> Trunk:
    """
    Run all blocks but the last.

    Parameters
    ----------
    images : (B, 3, H, W) float32, normalised
    with_attention : bool
        Sum the attention maps for the affinity; without, the faster fused attention is used.
    """
    x, grid = embed_patches(visual, images)
    attention = x.new_zeros(())
    for block in visual.transformer.resblocks[:-1]:
        if with_attention:
            out, weights = attend(block.attn, block.ln_1(x))
            attention = attention + weights
            x = x + out
            x = x + block.mlp(block.ln_2(x))
        else:
            x = block(x)
    return Trunk(x, attention, grid)


def finish(visual: nn.Module, A: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """
    Run the rest of the tower from the target layer.

    Parameters
    ----------
    A : (B, L, D)
        Output of the last block's `ln_1`: where gradients are taken.
    tokens : (B, L, D)
        What entered the last block.

    Returns
    -------
    out : (B, L, D) after `ln_post`
    weights : (B, L, L), the last block's attention averaged over heads
    """
    block = visual.transformer.resblocks[-1]
    attended, weights = attend(block.attn, A)
    x = tokens + attended
    x = x + block.mlp(block.ln_2(x))
    return visual.ln_post(x), weights


def project(visual: nn.Module, pooled: Tensor) -> Tensor:
    """Project pooled tokens (B, D) to unit vectors (B, embed_dim)."""
    return functional.normalize(pooled @ visual.proj, dim=-1)


def encode_class_token(visual: nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """
    Encode images as g does.

    Parameters
    ----------
    images : (B, 3, native, native) float32, normalised

    Returns
    -------
    whole : (B, embed_dim)
        Class token of the whole tower ("all").
    skipped : (B, embed_dim)
        Class token after the last-but-one block ("all-but-last").
    class_token : (B, D)
        Class token of the whole tower, after `ln_post`.
    patch_tokens : (B, n, D)
        Patch tokens that enter the last block.
    """
    trunk = run_trunk(visual, images, with_attention=False)
    block = visual.transformer.resblocks[-1]
    class_token = trunk.tokens[:, 0]
    attended, _ = attend(block.attn, block.ln_1(trunk.tokens), n_queries=1)
    x = class_token + attended[:, 0]
    x = x + block.mlp(block.ln_2(x))
    x = visual.ln_post(x)
    return project(visual, x), project(visual, visual.ln_post(class_token)), x, trunk.tokens[:, 1:]


def normalise(images_uint8: Tensor) -> Tensor:
    """Turn (B, H, W, 3) uint8 into (B, 3, H, W) float32 with CLIP's mean and standard deviation."""
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN) * 255
    std = torch.tensor(open_clip.OPENAI_DATASET_STD) * 255
    return ((images_uint8.float() - mean) / std).permute(0, 3, 1, 2).contiguous()
