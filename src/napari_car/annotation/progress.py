"""What a run is doing, in words and as a share of the whole."""

from dataclasses import dataclass

from napari_car.results import Progress, Step

from .survey import FrameEvent, FrameFinished, FrameStarted, Place

_IMAGE_SHARE, _RECURRENCE_SHARE, _PROPOSAL_SHARE = 0.1, 0.8, 0.3


@dataclass(frozen=True, slots=True)
class Status:
    """One line for the user.

    Parameters
    ----------
    text : str
        Such as ``Step 2, 3 of 5 queries left: checking masks, 1 of 3``.
    fraction : float
        Share of the run that is done, in [0, 1]. How many time steps will follow is not known, so each is given half of
        what is left; it never falls.
    """

    text: str
    fraction: float


class StatusLine:
    """Follows a survey and says where it is.

    Parameters
    ----------
    n_queries : int
        Queries of the run.
    """

    def __init__(self, n_queries: int) -> None:
        self._n_queries = self._n_left = n_queries
        self._within = 0.0
        self._place: Place | None = None

    def follow(self, event: FrameStarted | FrameEvent | FrameFinished) -> Status:
        """Return what to say after an event."""
        self._place = event.place
        if isinstance(event, FrameStarted):
            self._n_left, self._within = self._n_queries, 0.0
            return self._status("Reading the image", 0.0)
        if isinstance(event, FrameFinished):
            return self._status("Finished", 1.0)
        if isinstance(event.event, Step):
            return self._after_step(event.event)
        return self._status(self._describe(event.event), _share(event.event))

    def _after_step(self, step: Step) -> Status:
        """Say how many queries are left; groups that have had no step yet (mutual background) are counted as left."""
        self._n_left -= len(step.queries) - len(step.survivors)
        text = f"Step {step.index}: {self._left} left"
        return self._status(text, _before_step(step.index + 1))

    @property
    def _left(self) -> str:
        noun = "query" if self._n_queries == 1 else "queries"
        return f"{self._n_left} of {self._n_queries} {noun}"

    def _describe(self, progress: Progress) -> str:
        """Say what is being computed."""
        pieces = f"{progress.done} of {progress.total}"
        percent = round(100 * progress.done / max(1, progress.total))
        step = f"Step {progress.step}" + (f", {self._left} left" if progress.step > 1 else "")
        return {
            "texts": f"Reading the queries, {pieces}",
            "image": "Looking at the image",
            "proposals": f"{step}: proposing masks, {pieces}",
            "classification": f"{step}: checking masks, {pieces}",
            "refinement": f"Refining edges, {percent} %",
            "sam-image": "SAM looks at the image",
            "sam-masks": f"SAM finds objects, {percent} %",
        }[progress.stage]

    def _status(self, text: str, within: float) -> Status:
        """Put the frame before the text, where there are several."""
        assert self._place is not None
        self._within = max(self._within, within)
        number, total = self._place.number, self._place.total
        prefix = f"Part {number} of {total} · " if total > 1 else ""
        return Status(prefix + text, (number - 1 + self._within) / total)


def _share(progress: Progress) -> float:
    """Return the share of a frame that is done."""
    done = progress.done / max(1, progress.total)
    if progress.stage == "image":
        return _IMAGE_SHARE * done
    if progress.stage == "texts":
        return _IMAGE_SHARE
    if progress.stage == "refinement":
        return _IMAGE_SHARE + _RECURRENCE_SHARE + (1 - _IMAGE_SHARE - _RECURRENCE_SHARE) * done
    within = _PROPOSAL_SHARE * done if progress.stage == "proposals" else _PROPOSAL_SHARE + (1 - _PROPOSAL_SHARE) * done
    return _before_step(progress.step) + _RECURRENCE_SHARE * 0.5**progress.step * within


def _before_step(step: int) -> float:
    """Return the share of a frame that is done when a time step starts."""
    return _IMAGE_SHARE + _RECURRENCE_SHARE * (1 - 0.5 ** (step - 1))
