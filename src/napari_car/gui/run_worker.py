"""The run in a worker thread: networks, frames, and what the window is told on the way."""

import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_car.annotation.engine import Engine, NetworkRequest, lent
from napari_car.annotation.explain import StepView, explain_step
from napari_car.annotation.frames import Frame
from napari_car.annotation.label_image import with_distractors
from napari_car.annotation.progress import Status, StatusLine
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import (
    FrameEvent,
    FrameFinished,
    FrameStarted,
    Grouping,
    Place,
    Rendering,
    survey_frames,
)
from napari_car.config import CaRConfig, VideoConfig
from napari_car.io import RGB
from napari_car.results import Step

from .sources import ImageSource

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunRequest:
    """All that a run needs, captured in the window's thread.

    Parameters
    ----------
    source : ImageSource
    frames : tuple of Frame
        At least one.
    sheet : QuerySheet
        With at least one enabled query.
    config : CaRConfig
        Without the list's distractors, which are added here.
    preset : str
        What ``config`` was changed from.
    networks : NetworkRequest
    grouping : {"together", "apart"}
    as_video : bool
        Whether slices take over what was found in the slice before.
    """

    source: ImageSource
    frames: tuple[Frame, ...]
    sheet: QuerySheet
    config: CaRConfig
    preset: str
    networks: NetworkRequest
    grouping: Grouping = "together"
    as_video: bool = False

    @property
    def effective_config(self) -> CaRConfig:
        """See :func:`in_window`."""
        return in_window(self.config, self.sheet, as_video=self.as_video)

    def colours(self, sheet: QuerySheet) -> dict[int, RGB]:
        """Return the colours of the run's queries by their index, as a list has them now."""
        colours = self.sheet.colours | sheet.colours
        return {index: colours[id_] for index, id_ in enumerate(self.sheet.query_ids)}


def in_window(config: CaRConfig, sheet: QuerySheet, *, as_video: bool = False) -> CaRConfig:
    """Return parameters with the list's distractors, as they are used in the program with the window.

    Nothing is taken over from slice to slice unless they are a video; then queries are carried, and the other
    parameters of videos apply.

    The dense CRF is the one in torch where the choice is left to the program: pydensecrf would stop the window while it
    computes.
    """
    video = replace(config.video, carry_queries=True) if as_video else VideoConfig()
    config = replace(with_distractors(config, sheet), video=video)
    return config.changed({"crf.backend": "torch"}) if config.crf.backend == "auto" else config


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A time step, ready to be shown."""

    place: Place
    view: StepView


WorkerEvent = Status | FrameStarted | StepSeen | FrameFinished


def run_request(request: RunRequest, engine: Engine, is_stopped: threading.Event) -> Generator[WorkerEvent, None, None]:
    """Run a request; ends early, between two pieces of work, once ``is_stopped`` is set.

    The event outlives the worker's signals, so that a run whose window is gone is stopped as well.
    """
    for _ in engine.waiting():
        if is_stopped.is_set():
            return
        yield Status("Waiting for the run of another window", 0.0)
    with lent(engine):
        if not engine.is_loaded(request.networks):
            yield Status("Loading the networks", 0.0)
        events = _run_on(engine.segmenter(request.networks), request)
        # Asked before each piece of work, not after: one batch of a large network takes seconds.
        while not is_stopped.is_set() and (event := next(events, None)) is not None:
            yield event


def _run_on(segmenter: "Segmenter", request: RunRequest) -> Generator[WorkerEvent, None, None]:
    """Run a request on loaded networks."""
    config, sheet, source = request.effective_config, request.sheet, request.source

    def render(frame: Frame) -> Rendering:
        rgb, notes = source.render(frame, config.compute.max_side_px)
        return rgb, (*source.notes, *notes)

    survey = survey_frames(
        segmenter,
        request.frames,
        render,
        sheet.queries,
        sheet.query_ids,
        config,
        request.grouping,
    )
    line = StatusLine(len(sheet.queries))
    image = None
    for event in survey:
        if isinstance(event, FrameStarted):
            image = event.image
        if isinstance(event, FrameEvent):
            if isinstance(event.event, Step) and image is not None:
                yield StepSeen(event.place, explain_step(event.event, image, sheet.queries, config))
        else:
            yield event
        yield line.follow(event)
