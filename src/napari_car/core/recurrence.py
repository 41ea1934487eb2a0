"""CLIP as RNN: the recurrence over text queries (paper, section 3.2 and Algorithm 1)."""

from collections.abc import Collection, Generator
from itertools import count

import numpy as np
from jaxtyping import Bool, Float, UInt8

from napari_car.config import PromptKind, RecurrenceConfig
from napari_car.results import Progress, Proposals, Step

from .classifier import MaskClassifier
from .prompts import draw_prompts
from .proposals import MaskProposalGenerator


def recur(
    x: UInt8[np.ndarray, "H W 3"],
    h: tuple[int, ...],
    f: MaskProposalGenerator,
    g: MaskClassifier,
    kinds: Collection[PromptKind],
    mask_threshold: float,
    rule: RecurrenceConfig,
) -> Generator[Progress | Step, None, None]:
    """Drop the queries that do not match their mask, until none is dropped.

    Parameters
    ----------
    x : ndarray, (H, W, 3), uint8
        The image, RGB.
    h : tuple of int
        h_0: indices of the text queries.
    f, g
        Mask proposal generator and mask classifier, bound to the image and to all queries.
    kinds : collection of str
        Visual prompts v.
    mask_threshold : float
        η.
    rule : RecurrenceConfig
        θ and when to stop.

    Yields
    ------
    Progress
        Between pieces of work, where a run may be stopped.
    Step
        One per time step; the last one's survivors and proposals are the result.
    """
    y: Proposals | None = None
    for t in count(1):
        if y is None or len(h) > 1 or f.can_contrast_one:
            y = yield from f.propose_masks(h, t)  # Eq. 3
        x_prompted = draw_prompts(x, y.masks(mask_threshold), kinds)  # Eq. 4
        similarity = yield from g.classify_masks(x_prompted, h, t)  # Eq. 5
        scores = np.diagonal(similarity).copy()
        survives = surviving(scores, rule)  # Eq. 6
        step = Step(t, h, y, similarity, scores, survives)
        yield step
        is_stable = bool(survives.all()) and t >= rule.min_steps
        if is_stable or not survives.any() or t == rule.max_steps:
            return
        h, y = step.survivors, y.select(survives)


def surviving(scores: Float[np.ndarray, " N"], rule: RecurrenceConfig) -> Bool[np.ndarray, " N"]:
    """Apply σ, the thresholding function (Eq. 6), to the scores of a time step."""
    threshold = np.float32(rule.score_threshold)
    survives = scores >= threshold if rule.ties_survive else scores > threshold
    if rule.keep_best and not survives.any():
        survives[scores.argmax()] = True
    return survives
