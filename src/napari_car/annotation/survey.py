"""Run a segmenter over frames: tiles of large images, planes of stacks and time series.

Importing this loads no torch, so that a window can show its controls before.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Int32, UInt8
from numpy.typing import NDArray

from napari_car.config import CaRConfig
from napari_car.queries import Query, clean_expression
from napari_car.results import Progress, Step

from .frames import Frame
from .outcome import Finding, collect_findings
from .slice_states import SliceStates

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation
    from napari_car.segmenter import Segmenter

Rendering = tuple[NDArray[np.uint8], tuple[str, ...]]
Grouping = Literal["together", "apart"]
"""Whether the masks of all queries are one label map, or each query has one of its own."""

TOGETHER = 0
"""Key of the label map that holds all queries; others are keyed by the id of their query."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which frame of a survey is worked on.

    Parameters
    ----------
    number, total : int
        The frame's number from 1, and how many there are.
    frame : Frame
    """

    number: int
    total: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class FrameStarted:
    """A frame is rendered and about to be segmented."""

    place: Place
    image: UInt8[np.ndarray, "H W 3"]
    """The frame as it is worked on, RGB; smaller than its box if that is large."""


@dataclass(frozen=True, slots=True)
class FrameEvent:
    """Something happened within a frame."""

    place: Place
    event: Progress | Step


@dataclass(frozen=True, slots=True)
class FrameFinished:
    """A frame is segmented."""

    place: Place
    segmentation: "Segmentation"
    """Its result, with the ids of the list of queries; masks have the size of the frame's box."""
    painted: Mapping[int, Int32[np.ndarray, "H W"]]
    """Label maps of the frame's kept pixels: under :data:`TOGETHER`, or one under each query's id."""
    findings: tuple[Finding, ...]
    """What was found, query by query."""


Survey = Generator[FrameStarted | FrameEvent | FrameFinished, None, None]


def survey_frames(
    segmenter: "Segmenter",
    frames: Sequence[Frame],
    render: Callable[[Frame], Rendering],
    queries: Sequence[Query],
    ids: Sequence[int],
    config: CaRConfig,
    grouping: Grouping = "together",
) -> Survey:
    """Segment frames one after another.

    Parameters
    ----------
    segmenter : Segmenter
    frames : sequence of Frame
    render : callable
        Returns a frame's pixels as RGB uint8, (h, w, 3), and notes of what was changed on the user's behalf.
    queries : sequence of Query
        Without duplicates.
    ids : sequence of int
        Label of each query, at least 1.
    config : CaRConfig
        Slices that follow each other are frames of a video if ``config.video`` says so.
    grouping : {"together", "apart"}
        How masks are painted.

    Yields
    ------
    FrameStarted, FrameEvent, FrameFinished
        In this order for each frame; closing the generator anywhere stops the run, and what is finished is finished.

    Raises
    ------
    CaRError
        As :meth:`Segmenter.run <napari_car.segmenter.Segmenter.run>`.
    """
    # Imported here, in a worker thread: torch takes seconds to load.
    from napari_car.io.bounds import bounded

    states = SliceStates(config)
    for number, frame in enumerate(frames, start=1):
        place = Place(number, len(frames), frame)
        rendered, notes = render(frame)
        image, size_notes = bounded(rendered, config.compute.max_side_px)
        yield FrameStarted(place, image)
        run = segmenter.run(image, queries, config, states.of(frame))
        while True:
            try:
                yield FrameEvent(place, next(run))
            except StopIteration as end:
                result: Segmentation = end.value
                break
        result = label_by_list(result, queries, ids).noted((*notes, *size_notes)).sized(frame.box.size_px)
        painted = paint_frame(result, frame, grouping)
        yield FrameFinished(place, result, painted, collect_findings(result, painted))


def label_by_list(result: "Segmentation", queries: Sequence[Query], ids: Sequence[int]) -> "Segmentation":
    """Return a result with the labels that queries have in the list that they come from.

    Expressions that differ by a quotation mark only are one to the segmenter; it keeps the label of the first.
    """
    as_asked = clean_expression if result.config.mode == "referring" else str
    id_of: dict[str, int] = {}
    for query, id_ in zip(queries, ids, strict=True):
        id_of.setdefault(Query(as_asked(query.text)).key, id_)
    return result.labelled([id_of[found.query.key] for found in result.queries])


def paint_frame(
    result: "Segmentation", frame: Frame, grouping: Grouping = "together"
) -> dict[int, Int32[np.ndarray, "H W"]]:
    """Return the label maps of a frame's kept pixels, keyed as in :attr:`FrameFinished.painted`.

    With ``apart`` every query has one, empty if nothing was found, so that an earlier mask of it is cleared.
    """
    kept = frame.kept.relative_to(frame.box).slices
    if grouping == "together":
        return {TOGETHER: result.label_map[kept]}
    return {
        query.id: result.mask(index)[kept].astype(np.int32) * np.int32(query.id)
        for index, query in enumerate(result.queries)
    }
