"""Verdicts, groups of queries, and parameters of a new decision: rules that a run and its result share."""

import math
from collections.abc import Sequence
from typing import Any

from .config import CaRConfig, RecurrenceConfig
from .errors import ConfigError
from .presets import background_queries
from .queries import Query
from .results import QueryResult, SamAgreement, Step, Verdict


def split_groups(queries: list[Query], config: CaRConfig) -> list[list[int]]:
    """Return indices of queries that share a recurrence: all, or things and stuff apart (appendix E)."""
    if not config.mutual_background.enabled:
        return [list(range(len(queries)))]
    groups = [[i for i, query in enumerate(queries) if query.group == group] for group in ("thing", "stuff")]
    return [group for group in groups if group]


def group_background(group: Sequence[int], queries: Sequence[Query], config: CaRConfig) -> tuple[str, ...]:
    """Return the background queries of a group of queries, given by index: words of the lists, or the other group."""
    others = [query.text for i, query in enumerate(queries) if i not in group]
    in_stuff = queries[group[0]].group == "stuff"
    if others and (in_stuff or config.mutual_background.thing_background == "stuff"):
        return tuple(others)
    words = {word.casefold() for i in group for word in (queries[i].text, *queries[i].synonyms)}
    return background_queries(config.proposals, words)


def decide_verdict(score: float, survives: bool, rule: RecurrenceConfig) -> Verdict:
    """Return the verdict of a query from its last score."""
    if abs(score - rule.score_threshold) < rule.uncertain_margin:
        return "uncertain"
    return "present" if survives else "absent"


def decide_result(
    index: int, query: Query, steps: Sequence[Step], config: CaRConfig, agreement: SamAgreement | None
) -> QueryResult:
    """Collect what the time steps say about a query, which took part in at least one of them."""
    own = [step for step in steps if index in step.queries]
    scores = tuple(float(step.scores[step.queries.index(index)]) for step in own)
    survives = index in own[-1].survivors
    return QueryResult(
        query=query,
        id=index + 1,
        verdict=decide_verdict(scores[-1], survives, config.recurrence),
        has_mask=survives,
        scores=scores,
        dropped_at_step=None if survives else own[-1].index,
        sam=agreement,
    )


def reaches(score: float, rule: RecurrenceConfig) -> bool:
    """Return whether a stored score survives θ."""
    return score >= rule.score_threshold if rule.ties_survive else score > rule.score_threshold


def redecided(config: CaRConfig, score_threshold: float | None, mask_threshold: float | None, crf: bool) -> CaRConfig:
    """Return the parameters of a new decision; see :meth:`napari_car.segmentation.Segmentation.redecide`.

    Raises
    ------
    ConfigError
        If a threshold is out of range.
    """
    changes: dict[str, Any] = {} if crf else {"crf.backend": "none"}
    if score_threshold is not None:
        changes["recurrence.score_threshold"] = score_threshold
    if mask_threshold is not None:
        if not 0 < mask_threshold < 1:
            raise ConfigError(f"The mask threshold is {mask_threshold}, but must be between 0 and 1.")
        changes["prompts.mask_threshold"] = mask_threshold
        changes["crf.background_factor"] = math.log(mask_threshold) / math.log1p(-mask_threshold)
    return config.changed(changes)


def effective_mask_threshold(config: CaRConfig) -> float:
    """Return the η at which query and background are equally probable: η = (1 - η) ** background_factor.

    A new η is turned into a background factor by the same equation, so this is where a control for it starts.
    """
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if middle < (1 - middle) ** config.crf.background_factor else (low, middle)
    return (low + high) / 2
