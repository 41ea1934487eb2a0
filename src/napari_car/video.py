"""Frames of a video: what one takes over from those before it, and what is said while they are segmented."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from .config import CaRConfig
from .core.proposals import ImageFeatures
from .decisions import decide_result
from .queries import Query
from .results import Progress, QueryResult, SamAgreement, Step
from .segmentation import Segmentation

FrameRun = Generator[Progress | Step, None, Segmentation]


@dataclass(frozen=True, slots=True)
class VideoEvent:
    """Something happened within a frame; between two events a run can be stopped.

    Parameters
    ----------
    frame : int
        Index of the frame, from 0.
    event : Progress or Step
    """

    frame: int
    event: Progress | Step


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A frame is segmented.

    Parameters
    ----------
    frame : int
        Index of the frame, from 0.
    segmentation : Segmentation
    """

    frame: int
    segmentation: Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class _LastFrame:
    """What is known of the frame before."""

    image: UInt8[np.ndarray, "H W 3"]
    queries: tuple[Query, ...]
    config: CaRConfig
    results: tuple[QueryResult, ...]
    maps: dict[int, Float[np.ndarray, "h w"]]
    """Last proposals of survivors, by index of the query; empty without smoothing."""
    n_since_all: int
    """How many frames before it all queries were asked for."""


class VideoState:
    """What a frame of a video takes over from those before it: as much as one frame needs, however many there were.

    One state goes with one video and one segmenter, through all frames in their order. What does not fit is forgotten:
    after other queries or parameters, a frame of another size, or a cut, the next frame is a first one.
    """

    def __init__(self) -> None:
        self._last: _LastFrame | None = None
        self._encoded: tuple[UInt8[np.ndarray, "H W 3"], ImageFeatures] | None = None

    def begin(self, image: UInt8[np.ndarray, "H W 3"], queries: tuple[Query, ...], config: CaRConfig) -> None:
        """Begin a frame: forget what it cannot take over."""
        last = self._last
        if (
            last is None
            or (last.queries, last.config) != (queries, config)
            or _is_cut(last.image, image, config.video.cut_above)
        ):
            self._last = self._encoded = None

    def features(self, image: UInt8[np.ndarray, "H W 3"], reuse_below: float) -> ImageFeatures | None:
        """Return the features that were computed last, if they serve for an image as well.

        Identical images are left to the segmenter, which knows several by their pixels.
        """
        if not reuse_below or self._encoded is None or mean_difference(self._encoded[0], image) > reuse_below:
            return None
        return self._encoded[1]

    def keep_features(self, image: UInt8[np.ndarray, "H W 3"], features: ImageFeatures, reuse_below: float) -> None:
        """Keep features that may serve later; the image may be a buffer into which the next frame is decoded."""
        self._encoded = (image.copy(), features) if reuse_below else None

    def first_queries(self, group: Sequence[int], *, has_background: bool) -> tuple[int, ...]:
        """Return h_0 of a recurrence.

        Parameters
        ----------
        group : sequence of int
            Indices of the queries that share it.
        has_background : bool
            Whether a single query has anything to be told apart from.

        Returns
        -------
        tuple of int
            The group's survivors of the last frame; the whole group where queries are not carried, where it is time to
            ask for all again, and where what survived is nothing or cannot be asked for alone.
        """
        last = self._last
        if last is None or not last.config.video.carry_queries or self._asks_again(last):
            return tuple(group)
        carried = tuple(i for i in group if last.results[i].has_mask)
        return carried if len(carried) > 1 or (carried and has_background) else tuple(group)

    def smoothed(self, step: Step, smoothing: float) -> Step:
        """Return the last time step of a recurrence with proposals smoothed over frames, exponentially.

        A query without a proposal in the last frame keeps its own.
        """
        before = {} if self._last is None else self._last.maps
        if not before:
            return step
        weight = np.float32(smoothing)
        maps = step.proposals.maps.copy()
        for row, query in enumerate(step.queries):
            if query in before:
                maps[row] = weight * before[query] + (1 - weight) * maps[row]
        return replace(step, proposals=replace(step.proposals, maps=maps))

    def end(
        self,
        image: UInt8[np.ndarray, "H W 3"],
        queries: tuple[Query, ...],
        config: CaRConfig,
        steps: Sequence[Step],
        agreements: Mapping[int, SamAgreement],
    ) -> tuple[QueryResult, ...]:
        """End a frame: return what was found, and keep what the next may take over.

        A run that is stopped before has changed nothing.
        """
        last, asked = self._last, {i for step in steps for i in step.queries}
        results = tuple(
            decide_result(i, query, steps, config, agreements.get(i))
            if last is None or i in asked  # only what a frame before has dropped is left out
            else replace(last.results[i], frames_ago=last.results[i].frames_ago + 1)
            for i, query in enumerate(queries)
        )
        n_since_all = 0 if last is None or len(asked) == len(queries) else last.n_since_all + 1
        maps = _last_proposals(steps, results) if config.video.smoothing else {}
        self._last = _LastFrame(image.copy(), queries, config, results, maps, n_since_all)
        return results

    @staticmethod
    def _asks_again(last: _LastFrame) -> bool:
        """Tell whether all queries are due."""
        return 0 < last.config.video.ask_again_every <= last.n_since_all + 1


def follow_frames(
    frames: Iterable[NDArray[Any]],
    run: Callable[[NDArray[Any]], FrameRun],
) -> Iterator[VideoEvent | VideoFrame]:
    """Run frames one after another; each is asked for when its turn has come."""
    for number, frame in enumerate(frames):
        segmentation = yield from _follow(number, run(frame))
        yield VideoFrame(number, segmentation)
        del segmentation  # not to be kept while the next frame is segmented


def _follow(
    number: int, run: Generator[Progress | Step, None, Segmentation]
) -> Generator[VideoEvent, None, Segmentation]:
    """Name the frame of each event; return the result."""
    while True:
        try:
            event = next(run)
        except StopIteration as end:
            return cast("Segmentation", end.value)
        yield VideoEvent(number, event)


def mean_difference(one: UInt8[np.ndarray, "H W 3"], other: UInt8[np.ndarray, "H W 3"]) -> float:
    """Return the mean absolute difference of two images in grey levels; infinite if their sizes differ."""
    return float(cv2.absdiff(one, other).mean()) if one.shape == other.shape else float("inf")


def _is_cut(before: UInt8[np.ndarray, "H W 3"], image: UInt8[np.ndarray, "H W 3"], cut_above: float) -> bool:
    """Tell whether an image shows another scene, or has another size."""
    return mean_difference(before, image) > (cut_above or 255.0)


def _last_proposals(steps: Iterable[Step], results: Sequence[QueryResult]) -> dict[int, Float[np.ndarray, "h w"]]:
    """Return copies of the survivors' last proposals; those of a step share the memory of all of its queries."""
    last: dict[int, Float[np.ndarray, "h w"]] = {}
    for step in steps:
        last |= dict(zip(step.queries, step.proposals.maps, strict=True))
    return {query: proposal.copy() for query, proposal in last.items() if results[query].has_mask}
