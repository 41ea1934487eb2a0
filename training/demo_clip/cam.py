"""f during training: the gradient CAM and its affinity refinement, differentiable, for a batch of images."""

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from demo_clip.tower import Trunk, finish, project

_EPSILON = 1e-6
_SINKHORN_ROUNDS = 3


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
            chosen[:, q].sum(), A, create_graph=create_graph, retain_graph=create_graph or q + 1 < queries.shape[1]
        )
        alpha = gradient[:, 1:].mean(1)
        maps.append(torch.einsum("bpd,bd->bp", A[:, 1:], alpha))
    return torch.stack(maps, 1)


def affinity(attention: Tensor) -> Tensor:
    """
    Class-aware affinity (CAR.md section 2): Sinkhorn, symmetrised, squared.

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
    A = (W + W.transpose(1, 2)) / 2
    return A @ A


def box_mask(cam: np.ndarray, threshold: float) -> np.ndarray:
    """
    Union of the bounding boxes of a CAM's connected parts.

    Parameters
    ----------
    cam : (h, w) float32 in [0, 1]
    threshold : float
        Lambda, relative to the map's maximum.

    Returns
    -------
    (h, w) float32 of 0 and 1. The last row and column are never inside, as in the original.
    """
    h, w = cam.shape
    grey = (cam * 255).astype(np.uint8)
    binary = np.zeros_like(grey)
    while threshold > 0 and not binary.any():
        binary = (grey > int(threshold * int(grey.max()))).astype(np.uint8)
        threshold -= 0.1
    mask = np.zeros((h, w), np.float32)
    for contour in cv2.findContours(binary, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]:
        col, row, width, height = cv2.boundingRect(contour)
        mask[row : min(row + height, h - 1), col : min(col + width, w - 1)] = 1
    return mask


def refine(cams: Tensor, squared_affinity: Tensor, grid: tuple[int, int], box_threshold: float) -> Tensor:
    """
    Spread each CAM over the affinity; its box mask is a constant for autograd.

    Parameters
    ----------
    cams : (B, Q, h*w) in [0, 1]
    squared_affinity : (B, h*w, h*w)
    grid : (h, w)

    Returns
    -------
    (B, Q, h*w) in [0, 1]
    """
    B, Q, _ = cams.shape
    plain = cams.detach().reshape(B, Q, *grid).numpy()
    boxes = np.stack([[box_mask(plain[b, q], box_threshold) for q in range(Q)] for b in range(B)])
    sources = cams * torch.from_numpy(boxes).flatten(2)
    return min_max(torch.einsum("bij,bqj->bqi", squared_affinity, sources))
