"""Pictures of items of a benchmark: what was found beside what should have been."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Integer

from napari_car.errors import CaRError, DocumentError
from napari_car.evaluation.benchmarks.catalogue import Benchmark
from napari_car.evaluation.benchmarks.referring import ReferringSample
from napari_car.evaluation.benchmarks.semantic import SemanticBenchmark, SemanticSample
from napari_car.evaluation.benchmarks.truth import IGNORED
from napari_car.evaluation.benchmarks.video import VideoSample
from napari_car.evaluation.items import ItemRecord
from napari_car.evaluation.run import Sample
from napari_car.evaluation.store import EvaluationStore
from napari_car.io.colours import RGB, query_colours

from .evaluation_items import rank_frames
from .small_pictures import Picture, draw_small

NOT_SCORED_COLOUR: RGB = (128, 128, 128)

_N_FRAMES = 3
_OPACITY = 0.55
"""Stronger than elsewhere: it is the colours that are compared."""
_TARGET = 1
"""Label of the target of an expression."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A colour of a picture."""

    name: str
    colour: RGB


@dataclass(frozen=True, slots=True)
class ItemPictures:
    """The pictures of an item, or why there are none.

    Parameters
    ----------
    pairs : tuple of pairs of Picture
        Prediction and ground truth; several frames of a video.
    legend : tuple of LegendEntry
        What is seen in them: classes, or expressions.
    reason : str
        A sentence; empty if there are pictures.
    """

    pairs: tuple[tuple[Picture, Picture], ...] = ()
    legend: tuple[LegendEntry, ...] = ()
    reason: str = ""


class ItemPainter:
    """Draws items of one evaluation.

    Parameters
    ----------
    store : EvaluationStore
        Has the predictions.
    benchmark : Benchmark
        Has images and ground truth; one without items where these are not at hand.
    """

    def __init__(self, store: EvaluationStore, benchmark: Benchmark) -> None:
        self._store, self._benchmark = store, benchmark

    @cached_property
    def _samples(self) -> Mapping[str, Sample]:
        """Items by their names."""
        return {sample.key: sample for sample in self._benchmark.samples}

    @cached_property
    def colours(self) -> Mapping[int, RGB]:
        """Colours of classes by id: the same in all reports on a benchmark."""
        if not isinstance(self._benchmark, SemanticBenchmark):
            return {}
        classes = self._benchmark.classes
        return dict(zip((item.id for item in classes), query_colours(len(classes)), strict=True))

    def list_colours(self) -> list[RGB | None]:
        """Return the colours of all classes that are scored; None for the background."""
        has_background = isinstance(self._benchmark, SemanticBenchmark) and self._benchmark.has_background
        return [None] * has_background + list(self.colours.values())

    def draw(self, record: ItemRecord) -> ItemPictures:
        """Draw an item; what cannot be drawn is said in the result."""
        if not self._benchmark.samples:
            return ItemPictures(reason="There is no picture, since the folder of the data set was not named (--root).")
        try:
            sample = self._samples.get(record.key)
            if sample is None:
                raise DocumentError("The data set has no such item any more.")
            prediction = self._store.read_mask(record)
            if prediction is None:
                raise DocumentError("The prediction is gone, or cannot be read.")
            if isinstance(sample, SemanticSample):
                return self._draw_image(sample, prediction)
            if isinstance(sample, ReferringSample):
                return _draw_target(sample, prediction)
            return _draw_frames(sample, prediction, record)
        except CaRError as error:
            return ItemPictures(reason=f"There is no picture: {error}")

    def _draw_image(self, sample: SemanticSample, prediction: Integer[np.ndarray, "H W"]) -> ItemPictures:
        """Draw the classes of an image."""
        assert isinstance(self._benchmark, SemanticBenchmark)
        image, truth = sample.read_image(), sample.read_truth()
        seen = {int(id_) for id_ in (*np.unique(prediction), *np.unique(truth))}
        legend = {item.id: item.name for item in self._benchmark.classes if item.id in seen}
        colours = {id_: self.colours[id_] for id_ in legend}
        # Where background is not scored, most of an image would be grey.
        shows_void = IGNORED in seen and self._benchmark.has_background
        void = {IGNORED: NOT_SCORED_COLOUR} if shows_void else {}
        entries = [LegendEntry(name, colours[id_]) for id_, name in legend.items()]
        entries += [LegendEntry("not scored", NOT_SCORED_COLOUR)] * shows_void
        pair = (
            _draw("Prediction", image, prediction, colours),
            _draw("Ground truth", image, truth, colours | void),
        )
        return ItemPictures((pair,), tuple(entries))


_draw = partial(draw_small, opacity=_OPACITY)


def _draw_target(sample: ReferringSample, prediction: Integer[np.ndarray, "H W"]) -> ItemPictures:
    """Draw what expressions mean."""
    image, truth = sample.read_image(), sample.read_truth()
    colours = dict(zip([_TARGET], query_colours(1), strict=True))
    pair = (
        _draw("Prediction", image, prediction, colours),
        _draw("Ground truth", image, truth.astype(np.uint8), colours),
    )
    legend = [LegendEntry(" / ".join(f"“{text}”" for text in sample.expressions), colours[_TARGET])]
    return ItemPictures((pair,), tuple(legend))


def _draw_frames(sample: VideoSample, predictions: Integer[np.ndarray, "T H W"], record: ItemRecord) -> ItemPictures:
    """Draw the worst frame of a video, one in the middle, and the best one."""
    if predictions.ndim != 3 or len(predictions) != len(sample.frames):
        raise DocumentError("The prediction has another number of frames than the video.")
    name, texts = next(iter(sample.expressions.items()))
    colours = dict(zip(texts, query_colours(len(texts)), strict=True))
    ranked = rank_frames(record, name)
    places = sorted({round(place) for place in np.linspace(0, len(ranked) - 1, _N_FRAMES)})
    pairs, seen = [], set()
    for frame, value in (ranked[place] for place in places):
        image, truth = sample.read_frame(frame), sample.read_truth(frame)
        seen |= {int(id_) for id_ in np.unique(truth)}
        pairs.append(
            (
                _draw(f"Prediction, frame {frame + 1}, J&F {100 * value:.2f}", image, predictions[frame], colours),
                _draw(f"Ground truth, frame {frame + 1}", image, truth, colours | {IGNORED: NOT_SCORED_COLOUR}),
            )
        )
    legend = [LegendEntry(f"{id_}: “{text}”", colours[id_]) for id_, text in texts.items()]
    legend += [LegendEntry("not scored", NOT_SCORED_COLOUR)] * (IGNORED in seen)
    return ItemPictures(tuple(pairs), tuple(legend))
