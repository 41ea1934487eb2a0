"""Figures of the paper, to be compared with.

Source: Sun et al., "CLIP as RNN: Segment Countless Visual Concepts without Training Endeavor", CVPR 2024, the
tables of its text and of its appendices.
"""

from dataclasses import dataclass
from typing import Literal

Metric = Literal["mIoU", "J&F", "J", "F"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A published figure, in percent."""

    split: str
    metric: Metric
    value: float
    with_sam: bool = False
    """Whether masks were replaced by those of SAM."""


def mean_iou(split: str, value: float, sam: float | None = None) -> tuple[Figure, ...]:
    """Return a mean IoU, and the one with SAM if there is any."""
    plain = Figure(split=split, metric="mIoU", value=value)
    return (plain,) if sam is None else (plain, Figure(split=split, metric="mIoU", value=sam, with_sam=True))
