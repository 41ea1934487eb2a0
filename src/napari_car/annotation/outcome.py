"""What a survey found, query by query, over all its frames."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int32

from napari_car.results import Verdict

from .frames import Frame

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one query in one frame.

    Parameters
    ----------
    id : int
        Label of the query.
    text : str
    verdict : {"present", "uncertain", "absent"}
    score : float
        Last score, in [0, 1].
    dropped_at_step : int or None
    area_px : int
        Pixels of the label among those kept of the frame.
    """

    id: int
    text: str
    verdict: Verdict
    score: float
    dropped_at_step: int | None
    area_px: int


@dataclass(frozen=True, slots=True)
class QuerySummary:
    """What was found for one query in all frames.

    Parameters
    ----------
    id : int
    text : str
    verdict : {"present", "uncertain", "absent"}
        The best of all frames: present before uncertain before absent.
    score : float
        The highest, in [0, 1].
    dropped_at_step : int or None
        Time step that dropped it; None if it survived somewhere, or if frames differ.
    area_px : int
        Sum over frames.
    n_found, n_frames : int
        Frames with at least one pixel of it, and all frames.
    is_covered : bool
        Whether it survived somewhere, but others that are more certain, or that fit the pixels better, left it none.
    largest : Frame
        Where it covers most pixels; the first frame if nowhere.
    """

    id: int
    text: str
    verdict: Verdict
    score: float
    dropped_at_step: int | None
    area_px: int
    n_found: int
    n_frames: int
    is_covered: bool
    largest: Frame


MAX_SAID = 3
"""Queries that were not found, and notes, that a sentence names; all are in the table and in the record."""

_RANK: Mapping[Verdict, int] = {"present": 0, "uncertain": 1, "absent": 2}


def collect_findings(result: "Segmentation", painted: Mapping[int, Int32[np.ndarray, "H W"]]) -> tuple[Finding, ...]:
    """Return what was found in a frame, query by query.

    Parameters
    ----------
    result : Segmentation
        With the ids of the list of queries.
    painted : mapping of int to ndarray, int32
        Label maps of the frame's kept pixels.
    """
    n_labels = 1 + max((query.id for query in result.queries), default=0)
    areas = np.zeros(n_labels, dtype=np.int64)
    for labels in painted.values():
        areas += np.bincount(labels.ravel(), minlength=n_labels)
    return tuple(
        Finding(query.id, query.text, query.verdict, query.score, query.dropped_at_step, int(areas[query.id]))
        for query in result.queries
    )


class Outcome:
    """Findings of a survey by frame; a frame that comes again replaces the earlier one."""

    def __init__(self) -> None:
        self._frames: dict[Frame, dict[int, Finding]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def copy(self) -> "Outcome":
        """Return an outcome of the same findings that can be changed by itself."""
        outcome = Outcome()
        outcome._frames = dict(self._frames)
        return outcome

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Frames that are finished, in the order in which they came."""
        return tuple(self._frames)

    def put(self, frame: Frame, findings: Iterable[Finding]) -> None:
        """Add or replace the findings of a frame."""
        self._frames[frame] = {finding.id: finding for finding in findings}

    def findings(self, frame: Frame) -> tuple[Finding, ...]:
        """Return what was found in one frame, in the order of the queries."""
        return tuple(self._frames[frame].values())

    def summaries(self) -> tuple[QuerySummary, ...]:
        """Return one summary for each query, in the order in which they were first asked."""
        ids = dict.fromkeys(id_ for findings in self._frames.values() for id_ in findings)
        return tuple(self._summary(id_) for id_ in ids)

    def _summary(self, id_: int) -> QuerySummary:
        """Sum one query up."""
        own = dict(self._of(id_))
        findings = list(own.values())
        steps = {finding.dropped_at_step for finding in findings}
        area_px = sum(finding.area_px for finding in findings)
        return QuerySummary(
            id=id_,
            text=findings[-1].text,
            verdict=min((finding.verdict for finding in findings), key=_RANK.__getitem__),
            score=max(finding.score for finding in findings),
            dropped_at_step=next(iter(steps)) if len(steps) == 1 else None,
            area_px=area_px,
            n_found=sum(finding.area_px > 0 for finding in findings),
            n_frames=len(findings),
            is_covered=not area_px and None in steps,
            largest=max(own, key=lambda frame: own[frame].area_px),
        )

    def _of(self, id_: int) -> Iterator[tuple[Frame, Finding]]:
        """Yield the findings of a query with their frames."""
        for frame, findings in self._frames.items():
            if id_ in findings:
                yield frame, findings[id_]


def describe_outcome(outcome: Outcome, notes: Iterable[str] = ()) -> str:
    """Say what a run found, and what was changed on the user's behalf.

    Parameters
    ----------
    outcome : Outcome
    notes : iterable of str
        Sentences, of all frames; each is said once.
    """
    summaries = outcome.summaries()
    n_found = sum(summary.n_found > 0 for summary in summaries)
    absent = [summary.text for summary in summaries if not summary.n_found and not summary.is_covered]
    covered = [summary.text for summary in summaries if summary.is_covered]
    sentences = [f"Found {n_found} of {len(summaries)}."]
    if absent:
        sentences.append(f"Not found: {_listed(absent)}.")
    if covered:
        sentences.append(f"Recognised, but covered by other labels: {_listed(covered)}.")
    return " ".join([*sentences, *list(dict.fromkeys(notes))[:MAX_SAID]])


def _listed(texts: list[str]) -> str:
    """Name some and count the rest."""
    more = f" and {len(texts) - MAX_SAID} more" if len(texts) > MAX_SAID else ""
    return ", ".join(texts[:MAX_SAID]) + more
