"""What is true of a batch: columns and target distributions of its softmaxes, masks on the patch grid."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from demo_clip import rows
from demo_clip.architecture import PATCH_SIZE_PX
from demo_clip.batches import MAX_CONCEPTS, Batch

_HYPERNYM_WEIGHT = 0.1
"""Mass of a less exact background word beside the exact one, in f's softmax."""
_MIN_PATCH_SHARE = 0.55


@dataclass(frozen=True, slots=True)
class Softmax:
    """A softmax over some rows of the text table, per image."""

    columns: Tensor
    """(B, T) bool: rows that compete."""
    target: Tensor
    """(B, T) float32, sums to one over the columns; all zero where nothing can be asked."""


def coverage(labels: Tensor) -> Tensor:
    """
    Share of each patch that each of the image's concepts fills.

    Parameters
    ----------
    labels : (B, H, W) uint8

    Returns
    -------
    (B, MAX_CONCEPTS, h*w) float32
    """
    B, H, W = labels.shape
    h, w = H // PATCH_SIZE_PX, W // PATCH_SIZE_PX
    patches = labels.reshape(B, h, PATCH_SIZE_PX, w, PATCH_SIZE_PX).permute(0, 1, 3, 2, 4).reshape(B, h * w, -1)
    return torch.stack([(patches == label).float().mean(-1) for label in range(MAX_CONCEPTS)], 1)


def outline_shares(batch: Batch, cells: int) -> Tensor:
    """
    Share of each cell of each patch that objects fill.

    Returns
    -------
    (B, h*w, cells * cells) float32
    """
    is_object = torch.from_numpy((batch.concept_rows >= 0) & ~rows.IS_SURFACE.numpy()[batch.concept_rows])
    B, H, W = batch.labels.shape
    labels = torch.from_numpy(batch.labels).long().flatten(1)
    filled = is_object.gather(1, labels).float().reshape(B, 1, H, W)
    cell_px = PATCH_SIZE_PX // cells
    shares = torch.nn.functional.avg_pool2d(filled, cell_px)
    return torch.nn.functional.unfold(shares, cells, stride=cells).transpose(1, 2)


def presence(batch: Batch) -> Tensor:
    """
    Which rows are true of which of an image's concepts.

    Returns
    -------
    (B, MAX_CONCEPTS, T) bool, concepts and attributes
    """
    B = len(batch.images)
    truth = torch.zeros(B, MAX_CONCEPTS, rows.N_ROWS + 1, dtype=torch.bool)
    every = np.concatenate([batch.concept_rows[..., None], batch.attribute_rows], -1)
    index = torch.from_numpy(np.where(every < 0, rows.N_ROWS, every))
    truth.scatter_(2, index, True)
    return truth[..., :-1]


def sample_columns(rng: np.random.Generator, present: Tensor, is_microscopy: Tensor) -> Tensor:
    """
    Choose what competes: some of what is there, some of what is not, background queries, unknown texts.

    A fifth of the drawn scenes is asked for colours, shapes or patterns instead of coloured shapes.

    Parameters
    ----------
    present : (B, T) bool
    is_microscopy : (B,) bool

    Returns
    -------
    (B, T) bool
    """
    B, T = present.shape
    draw = torch.from_numpy(rng.random((B, T)))
    share = torch.from_numpy(rng.choice([0.06, 0.12, 0.3, 1.0], (B, 1), p=[0.25, 0.25, 0.25, 0.25]))
    share = torch.where(is_microscopy[:, None], share.clamp_min(0.3), share)
    own_domain = rows.IS_CONCEPT & (is_microscopy[:, None] == rows.IS_MICROSCOPY)
    other_domain = rows.IS_CONCEPT & (is_microscopy[:, None] != rows.IS_MICROSCOPY)
    columns = (own_domain & (draw < torch.where(present, 0.85, share))) | (other_domain & (draw < 0.05))
    for b in range(B):
        if not is_microscopy[b] and rng.random() < 0.2:
            family = rows.ATTRIBUTE_FAMILIES[rng.integers(len(rows.ATTRIBUTE_FAMILIES))]
            columns[b] = (columns[b] & (rows.IS_SURFACE | rows.IS_MICROSCOPY)) | family
    columns |= rows.IS_BACKGROUND & torch.from_numpy(rng.random((B, 1)) < 0.9)
    columns |= rows.IS_UNKNOWN & (draw < 0.5)
    for surface, background_rows in rows.TRUE_BACKGROUND_ROWS.items():
        same_word = [row for row in background_rows if rows.ROW_NAMES[row].endswith(" " + rows.ROW_NAMES[surface])]
        columns[:, same_word] &= ~columns[:, surface, None]
    return columns


def spread(weights: Tensor, truth: Tensor, columns: Tensor, hypernym_weight: float) -> Softmax:
    """
    Turn weights of an image's concepts into a target distribution over the competing rows.

    A concept that is not asked for hands its weight to background queries that are true of it, else to the
    background queries that are never drawn.

    Parameters
    ----------
    weights : (B, MAX_CONCEPTS)
    truth : (B, MAX_CONCEPTS, T) bool
    columns : (B, T) bool
    hypernym_weight : float
        Share of a surface's weight for true background queries beside its own name.
    """
    asked = truth & columns[:, None]
    n_asked = asked.sum(-1, keepdim=True)
    target = torch.einsum("bk,bkt->bt", weights, asked / n_asked.clamp_min(1))
    unasked = weights * (n_asked[..., 0] == 0)
    null = columns & rows.IS_NEVER_DRAWN
    for surface, background_rows in rows.TRUE_BACKGROUND_ROWS.items():
        is_surface = truth[:, :, surface]
        own = (weights * is_surface * (n_asked[..., 0] > 0)).sum(1)
        other = (unasked * is_surface).sum(1)
        true_rows = torch.zeros(truth.shape[-1], dtype=torch.bool)
        true_rows[list(background_rows)] = True
        available = (columns & true_rows).float()
        available = available / available.sum(1, keepdim=True).clamp_min(1)
        target += available * (other + hypernym_weight * own)[:, None]
        if background_rows:
            unasked = unasked * ~is_surface
    target += unasked.sum(1, keepdim=True) * null / null.sum(1, keepdim=True).clamp_min(1)
    return Softmax(columns, target / target.sum(1, keepdim=True).clamp_min(1e-6) * (target.sum(1, keepdim=True) > 0.05))


def image_softmax(rng: np.random.Generator, batch: Batch, truth: Tensor) -> Softmax:
    """Ask for whole images: every concept that is asked for shares the mass."""
    is_microscopy = (truth & rows.IS_MICROSCOPY).any((1, 2))
    columns = sample_columns(rng, truth.any(1), is_microscopy)
    is_shown = torch.from_numpy(batch.concept_rows >= 0)
    asked = (truth & columns[:, None]).any(-1)
    weights = torch.where(asked, 1.0, 0.15) * is_shown
    return spread(weights, truth, columns, _HYPERNYM_WEIGHT)


def region_softmax(rng: np.random.Generator, region_truth: Tensor, truth: Tensor) -> Softmax:
    """
    Ask for regions.

    Parameters
    ----------
    region_truth : (B * R, MAX_CONCEPTS)
    truth : (B, MAX_CONCEPTS, T) bool
    """
    repeated = truth.repeat_interleave(len(region_truth) // len(truth), 0)
    is_microscopy = (repeated & rows.IS_MICROSCOPY).any((1, 2))
    columns = sample_columns(rng, repeated.any(1), is_microscopy)
    return spread(region_truth, repeated, columns, 0.0)


def dominant_concept(patch_coverage: Tensor) -> Tensor:
    """Which of its image's concepts fills most of each patch: (B, h*w) int64, -1 where none clearly does."""
    share, label = patch_coverage.max(1)
    return torch.where(share > _MIN_PATCH_SHARE, label, -1)
