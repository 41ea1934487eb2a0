"""Class-aware attention-based affinity (CAA) of CLIP-ES: paper, appendix B, Eq. 7 and 8."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from torch import Tensor


def attention_affinity(attention: Float[Tensor, "L L"], n_sinkhorn_rounds: int = 3) -> Float[Tensor, "hw hw"]:
    """Turn attention into a symmetric affinity between patches (Eq. 7).

    Parameters
    ----------
    attention : Tensor, (L, L)
        Attention averaged over heads and blocks, class token first.
    n_sinkhorn_rounds : int
        Rounds of normalisation by column sums, then by row sums.

    Returns
    -------
    Tensor, (hw, hw)
        A = (D + D^T) / 2 with D = Sinkhorn(W), W = attention among patch tokens.
    """
    doubly_stochastic = attention[1:, 1:]
    for _ in range(n_sinkhorn_rounds):
        doubly_stochastic = doubly_stochastic / doubly_stochastic.sum(dim=0, keepdim=True)
        doubly_stochastic = doubly_stochastic / doubly_stochastic.sum(dim=1, keepdim=True)
    return (doubly_stochastic + doubly_stochastic.T) / 2


def spread_by_affinity(
    affinity: Float[Tensor, "hw hw"],
    cams: Float[Tensor, "N h w"],
    box_masks: Bool[Tensor, "N h w"],
    n_steps: int = 2,
) -> Float[Tensor, "N h w"]:
    """Refine class activation maps by attention from inside their boxes (Eq. 8).

    The box mask B_c weighs the columns of A^t, so (B_c * A^t) vec(M_c) = A^t (B_c * vec(M_c)), and A^t is never formed.

    Parameters
    ----------
    affinity : Tensor, (hw, hw)
        From :func:`attention_affinity`.
    cams : Tensor, (N, h, w), in [0, 1]
        M_c, one per query.
    box_masks : Tensor, (N, h, w), bool
        B_c, from :func:`draw_box_mask`.
    n_steps : int
        t.

    Returns
    -------
    Tensor, (N, h, w)
        Not normalised; zero where no box was found.
    """
    spread = (cams * box_masks).flatten(1).T
    for _ in range(n_steps):
        spread = affinity @ spread
    return spread.T.reshape(cams.shape)


def find_boxes(cam: Float[np.ndarray, "h w"], box_threshold: float) -> list[tuple[int, int, int, int]]:
    """Draw one box around each contour of a thresholded map.

    Parameters
    ----------
    cam : ndarray, (h, w), float32 in [0, 1]
        Class activation map on the patch grid.
    box_threshold : float
        λ, relative to the map's maximum; lowered by 0.1 until something remains.

    Returns
    -------
    list of (x0, y0, x1, y1)
        Exclusive ends that stop one short of the last row and column, as in CLIP-ES. Empty for an empty map.
    """
    height, width = cam.shape
    levels: UInt8[np.ndarray, "h w"] = (cam * 255).astype(np.uint8)
    binary = np.zeros_like(levels)
    while not binary.any():
        _, binary = cv2.threshold(levels, int(box_threshold * int(levels.max())), 255, cv2.THRESH_BINARY)
        if box_threshold <= 0:
            break
        box_threshold -= 0.1
    contours, _ = cv2.findContours(binary, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours:
        x, y, box_width, box_height = cv2.boundingRect(contour)
        boxes.append((x, y, min(x + box_width, width - 1), min(y + box_height, height - 1)))
    return boxes


def draw_box_mask(cam: Float[np.ndarray, "h w"], box_threshold: float) -> Bool[np.ndarray, "h w"]:
    """Return B_c, the union of the boxes of :func:`find_boxes`."""
    mask = np.zeros(cam.shape, dtype=bool)
    for x0, y0, x1, y1 in find_boxes(cam, box_threshold):
        mask[y0:y1, x0:x1] = True
    return mask
