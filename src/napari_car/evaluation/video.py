"""Evaluate expressions for objects in videos."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int32

from napari_car.config import CaRConfig
from napari_car.core.labels import paint_labels, painting_order
from napari_car.queries import Query
from napari_car.results import Progress, Step
from napari_car.video import VideoState

from .benchmarks.truth import IGNORED
from .benchmarks.video import VideoSample
from .evaluated import Evaluated, Stopwatch
from .metrics.flicker import FlickerTally
from .metrics.video import VideoTally
from .referring import merge_survivors

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

LabelMap = Int32[np.ndarray, "H W"]


class VideoCounts:
    """Tallies of a video, frame by frame.

    Parameters
    ----------
    sequence : str
        Its name, or also that of an annotator.
    object_ids : tuple of int
        Objects that are looked for.
    """

    def __init__(self, sequence: str, object_ids: tuple[int, ...]) -> None:
        self._sequence, self._object_ids = sequence, object_ids
        self.video, self.flicker = VideoTally(), FlickerTally()
        self._before: tuple[LabelMap, LabelMap] | None = None

    def update(self, frame: int, labels: LabelMap, truth: LabelMap) -> None:
        """Count a frame; frames come in order.

        Parameters
        ----------
        frame : int
            Its place in the video, from 0.
        labels, truth : ndarray, (H, W), int32
            Object ids; in the truth, :data:`~.benchmarks.truth.IGNORED` does not count.
        """
        void = truth == IGNORED
        for id_ in self._object_ids:
            self.video.update(self._sequence, str(id_), frame, labels == id_, truth == id_, void=void)
            if self._before is not None:
                labels_before, truth_before = self._before
                self.flicker.update(
                    self._sequence,
                    str(id_),
                    frame,
                    previous=labels_before == id_,
                    current=labels == id_,
                    previous_truth=truth_before == id_,
                    current_truth=truth == id_,
                )
        self._before = labels, truth

    def to_dict(self) -> dict[str, Any]:
        """Return both tallies as JSON can hold them."""
        return {"video": self.video.to_dict(), "flicker": self.flicker.to_dict()}


def evaluate_video(
    segmenter: "Segmenter", sample: VideoSample, config: CaRConfig
) -> Generator[Progress | Step, None, Evaluated]:
    """Follow the objects of a video by their expressions, and compare each frame.

    Each expression is asked by itself, and ``config.video`` says what a frame takes over from the one before. The masks
    of one annotator's expressions are painted into one label map in ascending order of score, since DAVIS's masks do
    not overlap, and are scored by themselves.

    Parameters
    ----------
    segmenter : Segmenter
    sample : VideoSample
        With expressions.
    config : CaRConfig
        With mode "referring".

    Yields
    ------
    Progress, Step
        As :meth:`napari_car.Segmenter.run` does.

    Raises
    ------
    ImageError, DocumentError
        If a frame or its mask cannot be read.
    """
    watch = Stopwatch()
    counts = {name: VideoCounts(sample.key, tuple(texts)) for name, texts in sample.expressions.items()}
    states = {(name, id_): VideoState() for name, texts in sample.expressions.items() for id_ in texts}
    first: list[LabelMap] = []
    with watch.whole():
        for frame in range(len(sample.frames)):
            image, truth = sample.read_frame(frame), sample.read_truth(frame)
            for name, texts in sample.expressions.items():
                masks, scores = [], []
                for id_, text in texts.items():
                    result = yield from segmenter.run(image, [Query(text)], config, states[name, id_])
                    watch.note(result)
                    watch.n_frames += 1
                    masks.append(merge_survivors(result))
                    scores.append(result.queries[0].score)
                order = painting_order(scores, [False] * len(scores))
                ids = list(texts)
                labels = paint_labels([masks[i] for i in order], [ids[i] for i in order], truth.shape)
                counts[name].update(frame, labels, truth)
                if name == next(iter(sample.expressions)):
                    first.append(labels)
    tallies = {name: own.to_dict() for name, own in counts.items()}
    return watch.evaluated(sample.key, tallies, str(segmenter.f.device), np.stack(first))
