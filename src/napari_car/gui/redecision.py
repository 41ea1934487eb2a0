"""New thresholds for a finished run, in a worker thread: a quick preview first, refined edges after it."""

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_car.annotation.frames import Frame
from napari_car.annotation.outcome import Finding, collect_findings
from napari_car.annotation.recorded_frame import Decision
from napari_car.annotation.survey import Grouping, paint_frame

from .image_results import Painted
from .latest_job import LatestJob

if TYPE_CHECKING:
    from napari_car.core.crf import DenseCRF
    from napari_car.segmentation import Segmentation

DELAY_MS = 60
"""A slider that is dragged asks for many thresholds; what is asked for within this time counts as one."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The result of a frame with new thresholds."""

    frame: Frame
    segmentation: "Segmentation"
    painted: Painted
    findings: tuple[Finding, ...]
    decision: Decision

    @property
    def is_refined(self) -> bool:
        """Whether the dense CRF has run; a preview comes without it."""
        return self.decision.crf


@dataclass(slots=True)
class _OpenCRF:
    """The dense CRF of the frame that was decided last: its lattices take longer to build than to use."""

    frame: Frame | None = None
    crf: "DenseCRF | None" = None

    def of(self, frame: Frame, result: "Segmentation") -> "DenseCRF | None":
        """Return the dense CRF of a frame; None where the run had none."""
        if result.config.crf.backend == "none":
            return None
        if self.crf is None or self.frame != frame:
            from napari_car.core.crf import open_crf  # loaded long since: the run needed it

            self.crf = None  # the old lattices go before the new ones come
            self.frame, self.crf = frame, open_crf(result.image, result.config.crf, result.provenance.f.device)
        return self.crf


class Redecision(QObject):
    """Decides frames anew; a request that comes while another is worked on replaces it.

    Parameters
    ----------
    parent : QObject, optional
    """

    decided = Signal(object)
    """A :class:`Decided`."""
    failed = Signal(str)
    """A sentence for the user."""
    idle = Signal()
    """Nothing is left to decide."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = _OpenCRF()
        self._job = LatestJob(_decide_frames, DELAY_MS, self)
        self._job.yielded.connect(self.decided)
        self._job.failed.connect(self.failed)
        self._job.idle.connect(self.idle)

    @property
    def is_busy(self) -> bool:
        """Whether something is wanted or worked on."""
        return self._job.is_busy

    def decide(
        self,
        results: "Sequence[tuple[Frame, Segmentation]]",
        score_threshold: float | None,
        mask_threshold: float | None,
        grouping: Grouping,
    ) -> None:
        """Ask for new thresholds.

        Parameters
        ----------
        results : sequence of Frame and Segmentation
            What the run found; the first one is previewed at once.
        score_threshold, mask_threshold : float or None
            θ and η; None: as in the run.
        grouping : {"together", "apart"}
        """
        self._job.ask(tuple(results), score_threshold, mask_threshold, grouping, self._open)

    def stop(self) -> None:
        """Forget what was asked for."""
        self._job.stop()

    def clear(self) -> None:
        """Stop, and forget the dense CRF of the last frame, since other results come."""
        self.stop()
        self._open = _OpenCRF()

    def close(self) -> None:
        """Stop, and say nothing any more."""
        self.clear()
        self._job.close()


def _decide_frames(
    results: "Sequence[tuple[Frame, Segmentation]]",
    score_threshold: float | None,
    mask_threshold: float | None,
    grouping: Grouping,
    opened: _OpenCRF,
    is_stopped: threading.Event,
) -> Generator[Decided, None, None]:
    """Decide frames anew: a preview of the first, then all with refined edges."""
    for number, (frame, result) in enumerate(results):
        has_crf = result.config.crf.backend != "none"
        decision = Decision(score_threshold=score_threshold, mask_threshold=mask_threshold)
        if number == 0 and has_crf:
            quick = result.redecide(score_threshold=score_threshold, mask_threshold=mask_threshold, crf=False)
            yield _decided(frame, quick, grouping, replace(decision, crf=False))
        if is_stopped.is_set():
            return
        deciding = result.redeciding(
            score_threshold=score_threshold, mask_threshold=mask_threshold, opened=opened.of(frame, result)
        )
        while not is_stopped.is_set():
            try:
                next(deciding)
            except StopIteration as end:
                yield _decided(frame, end.value, grouping, decision)
                break


def _decided(frame: Frame, result: "Segmentation", grouping: Grouping, decision: Decision) -> Decided:
    """Paint a result and count what was found."""
    painted = paint_frame(result, frame, grouping)
    return Decided(frame, result, painted, collect_findings(result, painted), decision)
