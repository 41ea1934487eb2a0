"""f during training: the gradient CAM and its affinity refinement, differentiable, for a batch of images."""

import numpy as np
import torch
from torch import Tensor, nn

from demo_clip.tower import Trunk, finish, project
from napari_car.core.affinity import draw_box_mask

_EPSILON = 1e-6
_SINKHORN_ROUNDS = 3
_AFFINITY_STEPS = 2


def min_max(maps: Tensor) -> Tensor:
    """Scale maps (..., n) to [0, 1] over the last axis."""
    low = maps.amin(-1, keepdim=True)
    return (maps - low) / (maps.amax(-1, keepdim=True) - low + _EPSILON)


def image_features(visual: nn.Module, trunk: Trunk) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """
    Run the last block on the trunk, with its target layer exposed.

    Returns
    -------
    A : (B, L, D), output of the last block's `ln_1`
    mean_feature : (B, embed_dim), from the mean over patch tokens
    class_feature : (B, embed_dim), from the class token
    attention : (B, L, L), mean over all blocks
    """
    A = visual.transformer.resblocks[-1].ln_1(trunk.tokens)
    if not A.requires_grad:
        A.requires_grad_()
    out, weights = finish(visual, A, trunk.tokens)
    n_blocks = len(visual.transformer.resblocks)
    return (
        A,
        project(visual, out[:, 1:].mean(1)),
        project(visual, out[:, 0]),
        (trunk.attention + weights) / n_blocks,
    )


def class_evidence(A: Tensor, probabilities: Tensor, queries: Tensor, create_graph: bool) -> Tensor:
    """
    CAM before its ReLU: sum_k alpha_k A_k with alpha the mean over patch tokens of d s_c / d A.

    Parameters
    ----------
    A : (B, L, D)
    probabilities : (B, T)
        Softmax over all texts, computed from A.
    queries : (B, Q) int64
        Column of each query.

    Returns
    -------
    (B, Q, h*w)
    """
    chosen = probabilities.gather(1, queries)
    maps = []
    for q in range(queries.shape[1]):
        (gradient,) = torch.autograd.grad(
            chosen[:, q].sum(),
            A,
            create_graph=create_graph,
            retain_graph=create_graph or q + 1 < queries.shape[1],
        )
        alpha = gradient[:, 1:].mean(1)
        maps.append(torch.einsum("bpd,bd->bp", A[:, 1:], alpha))
    return torch.stack(maps, 1)


def affinity(attention: Tensor) -> Tensor:
    """
    Affinity between patches (Eq. 7): Sinkhorn, symmetrised.

    Parameters
    ----------
    attention : (B, L, L), averaged over heads and blocks

    Returns
    -------
    (B, h*w, h*w)
    """
    W = attention[:, 1:, 1:]
    for _ in range(_SINKHORN_ROUNDS):
        W = W / W.sum(1, keepdim=True)
        W = W / W.sum(2, keepdim=True)
    return (W + W.transpose(1, 2)) / 2


def refine(cams: Tensor, patch_affinity: Tensor, grid: tuple[int, int], box_threshold: float) -> Tensor:
    """
    Spread each CAM over the affinity; its box mask is a constant for autograd.

    Parameters
    ----------
    cams : (B, Q, h*w) in [0, 1]
    patch_affinity : (B, h*w, h*w), applied twice
    grid : (h, w)

    Returns
    -------
    (B, Q, h*w) in [0, 1]
    """
    B, Q, _ = cams.shape
    plain = cams.detach().reshape(B, Q, *grid).numpy()
    boxes = np.stack([[draw_box_mask(plain[b, q], box_threshold) for q in range(Q)] for b in range(B)])
    spread = (cams * torch.from_numpy(boxes).flatten(2)).transpose(1, 2)
    for _ in range(_AFFINITY_STEPS):
        spread = patch_affinity @ spread
    return min_max(spread.transpose(1, 2))
