"""Records of evaluations, made by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from napari_car.config import CaRConfig
from napari_car.evaluation.benchmarks.semantic import BenchmarkClass
from napari_car.evaluation.items import ItemRecord
from napari_car.evaluation.metrics.confusion import ConfusionMatrix
from napari_car.evaluation.metrics.presence import PresenceTally
from napari_car.evaluation.run_header import RunHeader
from napari_car.evaluation.scored_classes import ScoredClasses
from napari_car.queries import Query
from napari_car.results import CheckpointIdentity

NETWORK = CheckpointIdentity("demo", "ViT", "ab" * 32, "float32", "cpu")

CLASSES = ScoredClasses(
    classes=(
        BenchmarkClass(id=3, name="leaf", query=Query("leaf", ("leaves",), "stuff", ("a big {}",))),
        BenchmarkClass(id=300, name="cell", query=Query("cell")),
    ),
    stuff_order=(3,),
    has_background=True,
    background_words=("soil",),
)

HEADER = RunHeader(
    benchmark="folder",
    split="all",
    options={"ignored": "none"},
    n_items=2,
    preset="demo",
    config=CaRConfig(),
    f=NETWORK,
    g=NETWORK,
    sam=None,
    versions={"napari-car": "1.0"},
    title="plots",
    scored=CLASSES,
)


def header_of(benchmark: str, split: str, **changes: Any) -> RunHeader:
    """Return the record of an evaluation of a published benchmark."""
    return replace(HEADER, benchmark=benchmark, split=split, options={}, **changes)


def count_image(key: str, truth: list[int], found: list[int]) -> dict[str, Any]:
    """Return the counts of an image of both classes, whose labels are rows of the matrix."""
    confusion, presence = ConfusionMatrix(3), PresenceTally()
    confusion.update(np.array(truth), np.array(found))
    presence.update(key, asked=["3", "300"], present=["3"], found=["300"])
    return {"confusion": confusion.to_dict(), "presence": presence.to_dict()}


def record_of(key: str, counts: Mapping[str, Any], **changes: Any) -> ItemRecord:
    """Return what was noted of an item."""
    values: dict[str, Any] = {"seconds": {"proposals": 0.5, "all": 1.0}, "memory_mb": 100.0, "n_steps": 2}
    return ItemRecord(key=key, counts=counts, **(values | changes))
