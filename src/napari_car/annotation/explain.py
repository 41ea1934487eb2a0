"""Why a query was kept or dropped: each time step of the recurrence, ready to be shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from napari_car.config import CaRConfig, RecurrenceConfig
from napari_car.decisions import group_background, reaches, split_groups
from napari_car.io.colours import RGB
from napari_car.queries import Group, Query, clean_expressions
from napari_car.results import Step

from .thumbnails import PromptPainter, shrink, shrink_map, thumbnail_size_px, tint_mask

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation

_CLOSE = 0.01


@dataclass(frozen=True, slots=True)
class Rival:
    """What the mask of a query looks like most, apart from the query itself.

    Parameters
    ----------
    text : str
        Another query, or a background word.
    probability : float
        In [0, 1], as the score of the query.
    is_background : bool
        Whether it is a background word.
    """

    text: str
    probability: float
    is_background: bool

    @property
    def name(self) -> str:
        """Its name in a sentence: ``"wall"``, ``the background word "wall"``."""
        return f'the background word "{self.text}"' if self.is_background else f'"{self.text}"'


@dataclass(frozen=True, slots=True, eq=False)
class QueryView:
    """One query in one time step.

    Parameters
    ----------
    query : int
        Index into the queries of the run.
    text : str
    score : float
        How sure the mask classifier is that the mask shows this query, in [0, 1].
    survives : bool
        Whether it goes on to the next time step.
    rival : Rival or None
        The strongest one; None if nothing competes.
    share : float
        Share of the image that the mask covers, in [0, 1].
    reason : str
        A sentence that says why it was kept or dropped.
    score_map : ndarray, (h, w), uint8
        Its map, 0 to 255; drawn by :meth:`StepView.mask_thumbnail`.
    prompted_thumbnail : ndarray, (h, w, 3), uint8
        What the mask classifier saw, RGB.
    """

    query: int
    text: str
    score: float
    survives: bool
    rival: Rival | None
    share: float
    reason: str
    score_map: UInt8[np.ndarray, "h w"]
    prompted_thumbnail: UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, slots=True, eq=False)
class StepView:
    """One time step.

    Parameters
    ----------
    index : int
        t, from 1.
    group : {"thing", "stuff"} or None
        Which queries it is about, where things and stuff are segmented apart.
    rows : tuple of QueryView
        In the order of the step's queries.
    thumbnail : ndarray, (h, w, 3), uint8
        The image, RGB.
    mask_threshold, score_threshold : float
        η and θ.
    """

    index: int
    group: Group | None
    rows: tuple[QueryView, ...]
    thumbnail: UInt8[np.ndarray, "h w 3"]
    mask_threshold: float
    score_threshold: float

    @property
    def heading(self) -> str:
        """One line: ``Step 1 — 5 queries, 2 dropped``."""
        n_dropped = sum(not row.survives for row in self.rows)
        step = {"thing": "Things, step", "stuff": "Stuff, step", None: "Step"}[self.group]
        count = "1 query" if len(self.rows) == 1 else f"{len(self.rows)} queries"
        whole = "" if len(self.rows) == 1 else "all "
        outcome = {0: f"{whole}kept", len(self.rows): f"{whole}dropped"}.get(n_dropped, f"{n_dropped} dropped")
        return f"{step} {self.index} — {count}, {outcome}"

    def mask_thumbnail(self, row: QueryView, colour: RGB) -> UInt8[np.ndarray, "h w 3"]:
        """Return the image, dimmed, with the mask of a query in its colour, RGB."""
        return tint_mask(self.thumbnail, row.score_map, self.mask_threshold, colour)


def explain_step(
    step: Step, image: UInt8[np.ndarray, "H W 3"], queries: Sequence[Query], config: CaRConfig
) -> StepView:
    """Make a time step ready to be shown.

    It draws every prompted image anew, so it belongs into a worker thread.

    Parameters
    ----------
    step : Step
    image : ndarray, (H, W, 3), uint8
        The image at the size it was worked on, RGB.
    queries : sequence of Query
        All queries of the run.
    config : CaRConfig
        Parameters of the run.
    """
    asked = _as_asked(queries, config)
    group = next(group for group in split_groups(asked, config) if step.queries[0] in group)
    competitors = group_background(group, asked, config) if config.classifier.background else ()
    name = asked[group[0]].group if config.mutual_background.enabled else None
    painter = PromptPainter(image, config.mutual_background.stuff_prompts if name == "stuff" else config.prompts.kinds)
    size_px = thumbnail_size_px(step.proposals.size_px, len(step.queries))
    columns = [asked[query].text for query in step.queries] + list(competitors)
    rivals = [rival_of(step, row, columns, {query.text for query in asked}) for row in range(len(step.queries))]
    rows = tuple(
        _explain_query(step, row, columns[row], rival, painter, size_px, config) for row, rival in enumerate(rivals)
    )
    return StepView(
        index=step.index,
        group=name,
        rows=rows,
        thumbnail=shrink(image, size_px),
        mask_threshold=config.prompts.mask_threshold,
        score_threshold=config.recurrence.score_threshold,
    )


def explain_run(segmentation: "Segmentation", config: CaRConfig | None = None) -> tuple[StepView, ...]:
    """Make all time steps of a finished run ready to be shown, in a worker thread.

    Parameters
    ----------
    segmentation : Segmentation
    config : CaRConfig, optional
        Parameters with which it was run, if its thresholds were decided anew since: the steps are those of the run.
    """
    queries = [result.query for result in segmentation.queries]
    return tuple(
        explain_step(step, segmentation.image, queries, config or segmentation.config) for step in segmentation.steps
    )


def rival_of(step: Step, row: int, columns: Sequence[str], queries: Collection[str]) -> Rival | None:
    """Return what the mask in a row looks like most, apart from its own query; None if nothing competes.

    Parameters
    ----------
    step : Step
    row : int
    columns : sequence of str
        Texts of all columns of the similarity.
    queries : collection of str
        Texts of all queries of the run; other columns are background words.
    """
    others = [column for column in range(len(columns)) if column != row]
    if not others:
        return None
    best = max(others, key=lambda column: step.similarity[row, column])
    return Rival(columns[best], float(step.similarity[row, best]), columns[best] not in queries)


def say_reason(
    text: str, score: float, survives: bool, rival: Rival | None, share: float, rule: RecurrenceConfig
) -> str:
    """Return the sentence that says why a query was kept or dropped; parameters as in :class:`QueryView`."""
    mask = "Its mask" if share > 0 else "Its mask is empty, and the whole image"
    is_outdone = rival is not None and rival.probability > score
    if survives and not reaches(score, rule):
        least, own = _told_apart(rule.score_threshold, score)
        return f"{mask} scores {own}, which is below {least}; it was kept because the best query always is."
    if rival is None:
        return f'{mask} can only look like "{text}": nothing competes with it.'
    other, own = _told_apart(rival.probability, score)
    if is_outdone and not survives:
        return f'{mask} looks more like {rival.name} ({other}) than "{text}" ({own}).'
    if not survives:
        least, own = _told_apart(rule.score_threshold, score)
        needed = f"at least {least}" if rule.ties_survive else f"more than {least}"
        return (
            f'{mask} looks most like "{text}", but {own} is too low: {needed} is needed. Next: {rival.name} ({other}).'
        )
    if is_outdone:
        least, _ = _told_apart(rule.score_threshold, score)
        return f'{mask} looks even more like {rival.name} ({other}) than "{text}" ({own}), but {least} is enough.'
    if rival.probability < _CLOSE:
        return f'{mask} looks like "{text}" ({own}); nothing else comes close.'
    return f'{mask} looks like "{text}" ({own}); next comes {rival.name} ({other}).'


def _explain_query(
    step: Step,
    row: int,
    text: str,
    rival: Rival | None,
    painter: PromptPainter,
    size_px: tuple[int, int],
    config: CaRConfig,
) -> QueryView:
    """Explain one row of a time step."""
    mask = step.proposals[row] > np.float32(config.prompts.mask_threshold)
    share = np.count_nonzero(mask) / mask.size
    score, survives = float(step.scores[row]), bool(step.survives[row])
    return QueryView(
        query=step.queries[row],
        text=text,
        score=score,
        survives=survives,
        rival=rival,
        share=share,
        reason=say_reason(text, score, survives, rival, share, config.recurrence),
        score_map=shrink_map(step.proposals.maps[row], size_px),
        prompted_thumbnail=shrink(painter.draw(mask), size_px),
    )


def _as_asked(queries: Sequence[Query], config: CaRConfig) -> list[Query]:
    """Return the queries as the segmenter asks them: referring expressions are cleaned."""
    return clean_expressions(queries) if config.mode == "referring" else list(queries)


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with two decimals, or up to four where they would look the same."""
    pairs = [(f"{one:.{digits}f}", f"{other:.{digits}f}") for digits in (2, 3, 4)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
