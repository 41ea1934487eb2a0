"""The losses: image and region contrast, evidence maps, refined maps, and helpers on patch tokens."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from demo_clip import rows
from demo_clip.targets import Softmax
from scenes.vocabulary import DRAWN_OBJECTS

OUTLINE_CELLS = 4
_FAMILY_WEIGHTS = (1.0, 1.0, 2.0, 0.5)
"""Kind, colour, shape, pattern: shapes take longest to learn."""
_SHARPNESS = 3.0


def contrast(logits: Tensor, softmax: Softmax) -> Tensor:
    """Cross-entropy over the competing columns: logits (B, T) to a scalar."""
    log_probabilities = logits.masked_fill(~softmax.columns, -1e4).log_softmax(-1)
    return -(softmax.target * log_probabilities).sum(-1).mean()


def spread_texts(texts: Tensor, limits: Tensor) -> Tensor:
    """Push texts (T, embed_dim), unit vectors, apart where their cosine exceeds its limit (T, T)."""
    excess = functional.relu(texts @ texts.T - limits)
    return 10 * excess.pow(2).sum() / (limits < 1).sum()


def soft_dice(maps: Tensor, masks: Tensor) -> Tensor:
    """One minus the soft Dice coefficient over the last axis: (..., n) to (...)."""
    common = (maps * masks).sum(-1)
    return 1 - (2 * common + 1e-3) / ((maps**2).sum(-1) + (masks**2).sum(-1) + 1e-3)


def evidence_loss(evidence: Tensor, masks: Tensor) -> Tensor:
    """
    Ask the CAM before its ReLU to be positive on the object and negative elsewhere.

    Its scale is arbitrary (the CAM is min-max normalised), so it is measured in units of its own spread.

    Parameters
    ----------
    evidence, masks : (n, h*w)
        Masks as shares of each patch.
    """
    scaled = _SHARPNESS * evidence / (evidence.pow(2).mean(-1, keepdim=True).sqrt() + 1e-9)
    loss = functional.binary_cross_entropy_with_logits(scaled, masks, reduction="none")
    inside = (loss * masks).sum(-1) / masks.sum(-1).clamp_min(1)
    outside = (loss * (1 - masks)).sum(-1) / (1 - masks).sum(-1).clamp_min(1)
    return (inside + outside).mean()


def map_loss(maps: Tensor, masks: Tensor) -> Tensor:
    """Ask a normalised map (n, h*w) to look like the soft mask."""
    return (soft_dice(maps, masks) + 2 * (maps - masks).abs().mean(-1)).mean()


def _classes_of_rows() -> Tensor:
    """Class of each row in four families (kind, colour, shape, pattern), -1 for none: (4, N_ROWS + 1) int64."""
    kinds = rows.IS_CONCEPT & (rows.IS_SURFACE | rows.IS_MICROSCOPY)
    class_of = torch.full((4, rows.N_ROWS + 1), -1, dtype=torch.long)
    for family, is_member in enumerate((kinds, *rows.ATTRIBUTE_FAMILIES)):
        class_of[family, :-1][is_member] = torch.arange(int(is_member.sum()))
    class_of[0, :-1][rows.IS_CONCEPT & ~kinds] = int(kinds.sum())
    return class_of


def _classes_of_texts(class_of: Tensor) -> Tensor:
    """Class in each family of what a row's text names, -1 where it names none: (4, N_ROWS) int64."""
    classes = class_of[:, :-1].clone()
    for concept in DRAWN_OBJECTS:
        row = rows.ROW_OF[concept.name]
        for family, word in ((1, concept.colour), (2, concept.shape)):
            classes[family, row] = class_of[family, rows.ROW_OF[word]]
    return classes


class Helpers(nn.Module):
    """
    Linear read-outs that are dropped after training.

    On the tokens that enter the last block: kind, colour, shape and pattern of what the patch shows, its outline
    inside the patch, centre and extent of the object. On prompted images: the same four families on the class
    token, and on patch tokens whether they lie in the region pointed at. On texts: the families they name.
    """

    def __init__(self, width: int, embed_dim: int):
        super().__init__()
        self.class_of = _classes_of_rows()
        sizes = [int(classes.max()) + 1 for classes in self.class_of]
        self.patch_heads = nn.ModuleList(nn.Linear(width, n) for n in sizes)
        self.region_heads = nn.ModuleList(nn.Linear(width, n) for n in sizes)
        self.text_heads = nn.ModuleList(nn.Linear(embed_dim, n) for n in sizes)
        self.text_classes = _classes_of_texts(self.class_of)
        self.outline_head = nn.Linear(width, OUTLINE_CELLS**2)
        self.geometry_head = nn.Linear(width, 4)
        self.pointed_head = nn.Linear(width, 1)

    def ask_patches(self, tokens: Tensor, dominant: Tensor, every: Tensor, outline: Tensor, geometry: Tensor) -> Tensor:
        """
        Sum the losses of the read-outs on patch tokens.

        Parameters
        ----------
        tokens : (B, h*w, D)
        dominant : (B, h*w) int64
            Which of its image's concepts each patch shows, -1 for none.
        every : (B, K, 4) int64
            Rows of each of the image's concepts: itself, colour, shape, pattern; -1 for none.
        outline : (B, h*w, OUTLINE_CELLS**2)
            Share of each cell of the patch that objects fill.
        geometry : (B, h*w, 4)
            See `batches.Batch.geometry`.
        """
        is_object = geometry.isfinite().all(-1)
        loss = self._ask_families(self.patch_heads, tokens, dominant, every)
        loss = loss + functional.binary_cross_entropy_with_logits(self.outline_head(tokens), outline)
        return loss + functional.smooth_l1_loss(self.geometry_head(tokens)[is_object], geometry[is_object], beta=0.3)

    def ask_regions(
        self, class_tokens: Tensor, patch_tokens: Tensor, shown: Tensor, every: Tensor, pointed: Tensor
    ) -> Tensor:
        """
        Sum the losses of the read-outs on prompted images: what the region shows, and where it is.

        Parameters
        ----------
        class_tokens : (B, D)
        patch_tokens : (B, n, D)
        shown : (B,) int64
            Which of its image's concepts the region shows, -1 for none.
        every : (B, K, 4) int64
        pointed : (B, n)
            Share of each patch that the region fills.
        """
        loss = self._ask_families(self.region_heads, class_tokens[:, None], shown[:, None], every)
        where = functional.binary_cross_entropy_with_logits(self.pointed_head(patch_tokens)[..., 0], pointed)
        return loss + 2 * where

    def ask_texts(self, texts: Tensor) -> Tensor:
        """
        Sum the cross-entropies of the read-outs on texts (N_ROWS, embed_dim): each word must leave its trace.

        A repulsion cannot do this: between equal embeddings it has no direction.
        """
        total = texts.new_zeros(())
        for classes, head in zip(self.text_classes, self.text_heads, strict=True):
            total = total + functional.cross_entropy(10 * head(texts), classes, ignore_index=-1)
        return total

    def _ask_families(self, heads: nn.ModuleList, tokens: Tensor, label: Tensor, every: Tensor) -> Tensor:
        """Sum the cross-entropies of the four families over tokens (B, n, D) with labels (B, n)."""
        row = every[torch.arange(len(tokens))[:, None], label.clamp_min(0)].masked_fill(label[..., None] < 0, -1)
        total = tokens.new_zeros(())
        for family, head in enumerate(heads):
            target = self.class_of[family][row[..., family]]
            if (target >= 0).any():
                loss = functional.cross_entropy(head(tokens).flatten(0, 1), target.flatten(), ignore_index=-1)
                total = total + _FAMILY_WEIGHTS[family] * loss
        return total
