"""Evaluate an item of any benchmark, as a generator that can be stopped, and keep what came out."""

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_car.config import CaRConfig
from napari_car.results import Progress, Step

from .benchmarks.catalogue import Benchmark
from .benchmarks.referring import ReferringSample
from .benchmarks.semantic import SemanticBenchmark, SemanticSample
from .benchmarks.video import VideoSample
from .evaluated import Evaluated
from .items import ItemRecord
from .referring import evaluate_expressions
from .semantic import evaluate_image
from .store import ShardWriter
from .video import evaluate_video

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

Sample = SemanticSample | ReferringSample | VideoSample


def evaluate_item(
    segmenter: "Segmenter", benchmark: Benchmark, sample: Sample, config: CaRConfig
) -> Generator[Progress | Step, None, Evaluated]:
    """Evaluate an item of any benchmark; errors as for the function of its kind."""
    if isinstance(sample, SemanticSample):
        assert isinstance(benchmark, SemanticBenchmark)
        return (yield from evaluate_image(segmenter, benchmark, sample, config))
    if isinstance(sample, ReferringSample):
        return (yield from evaluate_expressions(segmenter, sample, config))
    return (yield from evaluate_video(segmenter, sample, config))


def count_queries(benchmark: Benchmark, sample: Sample) -> int:
    """Return how many queries are asked for an item at a time."""
    if isinstance(benchmark, SemanticBenchmark):
        return len(benchmark.queries)
    return len(sample.expressions) if isinstance(sample, ReferringSample) else 1


def keep(evaluated: Evaluated, writer: ShardWriter) -> ItemRecord:
    """Write an item and its prediction; OutputError if that fails."""
    mask = writer.write_mask(evaluated.record.key, evaluated.prediction)
    record = replace(evaluated.record, mask=mask)
    writer.add(record)
    return record
