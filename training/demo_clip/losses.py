"""The losses: image and region contrast, evidence maps, refined maps, and helpers on patch tokens."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo_clip import rows
from demo_clip.targets import Softmax

_SHARPNESS = 3.0


def contrast(logits: Tensor, softmax: Softmax) -> Tensor:
    """Cross-entropy over the competing columns: logits (B, T) to a scalar."""
    log_probabilities = logits.masked_fill(~softmax.columns, -1e4).log_softmax(-1)
    return -(softmax.target * log_probabilities).sum(-1).mean()


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
    loss = F.binary_cross_entropy_with_logits(scaled, masks, reduction="none")
    inside = (loss * masks).sum(-1) / masks.sum(-1).clamp_min(1)
    outside = (loss * (1 - masks)).sum(-1) / (1 - masks).sum(-1).clamp_min(1)
    return (inside + outside).mean()


def map_loss(maps: Tensor, masks: Tensor) -> Tensor:
    """Ask a normalised map (n, h*w) to look like the soft mask."""
    return (soft_dice(maps, masks) + 2 * (maps - masks).abs().mean(-1)).mean()


class PatchHelpers(nn.Module):
    """Linear read-outs of kind, colour, shape and pattern on the tokens that enter the last block."""

    def __init__(self, width: int):
        super().__init__()
        kinds = rows.IS_CONCEPT & (rows.IS_SURFACE | rows.IS_MICROSCOPY)
        self.class_of = torch.full((4, rows.N_ROWS + 1), -1, dtype=torch.long)
        for family, is_member in enumerate((kinds, *rows.ATTRIBUTE_FAMILIES)):
            self.class_of[family, :-1][is_member] = torch.arange(int(is_member.sum()))
        n_kinds = int(kinds.sum())
        is_drawn_object = rows.IS_CONCEPT & ~kinds
        self.class_of[0, :-1][is_drawn_object] = n_kinds
        self.heads = nn.ModuleList(
            nn.Linear(width, n) for n in (n_kinds + 1, *(int(m.sum()) for m in rows.ATTRIBUTE_FAMILIES))
        )

    def forward(self, tokens: Tensor, dominant: Tensor, concept_rows: Tensor, attribute_rows: Tensor) -> Tensor:
        """
        Sum the cross-entropies of the four read-outs.

        Parameters
        ----------
        tokens : (B, h*w, D)
        dominant : (B, h*w) int64
            Which of its image's concepts each patch shows, -1 for none.
        concept_rows : (B, K) int64
        attribute_rows : (B, K, 3) int64
        """
        every = torch.cat([concept_rows[..., None], attribute_rows], -1)
        batch = torch.arange(len(tokens))[:, None]
        row = every[batch, dominant.clamp_min(0)].masked_fill(dominant[..., None] < 0, -1)
        total = tokens.new_zeros(())
        for family, head in enumerate(self.heads):
            target = self.class_of[family][row[..., family]]
            if (target >= 0).any():
                total = total + F.cross_entropy(head(tokens).flatten(0, 1), target.flatten(), ignore_index=-1)
        return total
