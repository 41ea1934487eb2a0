"""The benchmarks by name: how each is opened, with which preset it was run, and what the paper says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from napari_car.errors import ConfigError

from .ade import open_ade, open_ade_847
from .class_data import ClassSet, load_class_data
from .coco_object import open_coco_object
from .context import open_context, open_context_459
from .folder import open_folder
from .gres import SPLITS as GRES_SPLITS
from .gres import open_gres
from .published import Figure, Metric, mean_iou
from .ref_davis import open_ref_davis
from .refcoco import SPLITS as REFCOCO_SPLITS
from .refcoco import DataSet, open_refcoco
from .referring import ReferringBenchmark
from .semantic import SemanticBenchmark
from .video import VideoBenchmark
from .voc import open_voc

Kind = Literal["semantic", "referring", "video"]
Benchmark = SemanticBenchmark | ReferringBenchmark | VideoBenchmark

_UNITS, _OVERLAPS = ("object", "sentence"), ("released", "union")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkEntry:
    """A benchmark before its files are looked at."""

    name: str
    """What users type."""
    title: str
    """What tables call it."""
    kind: Kind
    splits: tuple[str, ...]
    """The first is the default."""
    preset: str
    """Name of the preset that it is run with."""
    opener: Callable[..., Benchmark]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of each option that the opener takes; none: any value."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """How many items a split has as published, as far as that is known: with fewer, figures cannot be compared."""
    figures: tuple[Figure, ...] = ()
    """What the paper says."""
    released_options: Mapping[str, str] = field(default_factory=dict)
    """Options with which the authors' evaluation made the figures, where these are not the defaults."""

    def open(self, root: Path, *, split: str | None = None, **options: Any) -> Benchmark:
        """Open the benchmark: lists and annotations are read, images and masks are not.

        Parameters
        ----------
        root : Path
            Folder of the data set; see the function of each benchmark.
        split : str, optional
            None: the first of :attr:`splits`.
        **options
            See :attr:`choices` and the function of each benchmark.

        Raises
        ------
        ConfigError
            If there is no such split or option.
        DocumentError
            If files are missing or damaged; the text says what is expected, and where it comes from.
        """
        split = self.splits[0] if split is None else split
        if split not in self.splits:
            raise ConfigError(f"{self.title} has no split {split}; it has {', '.join(self.splits)}.")
        for option, value in options.items():
            if option not in self.choices:
                raise ConfigError(f"{self.title} has no option {option}.")
            if self.choices[option] and value not in self.choices[option]:
                raise ConfigError(f"{option} cannot be {value!r}; choose one of {', '.join(self.choices[option])}.")
        return self.opener(root.expanduser(), split=split, **options)

    def figure(self, split: str, metric: Metric, *, with_sam: bool = False) -> float | None:
        """Return a figure of the paper in percent, None if it has none."""
        return next(
            (
                item.value
                for item in self.figures
                if (item.split, item.metric, item.with_sam) == (split, metric, with_sam)
            ),
            None,
        )


def _refcoco(
    name: str,
    title: str,
    data_set: DataSet,
    split_by: str,
    values: tuple[float, ...],
    sizes: tuple[int, ...] = (),
) -> BenchmarkEntry:
    """Return one of the three data sets; figures and numbers of objects are of its first splits."""
    splits = REFCOCO_SPLITS[data_set, split_by]
    return BenchmarkEntry(
        name=name,
        title=title,
        kind="referring",
        splits=splits,
        preset=data_set,
        opener=partial(open_refcoco, data_set=data_set, split_by=split_by),
        choices={"unit": _UNITS, "overlap": _OVERLAPS},
        sizes=dict(zip(splits, sizes, strict=False)),
        figures=tuple(
            figure for split, value in zip(splits, values, strict=False) for figure in mean_iou(split, value)
        ),
    )


def _published(split: str, class_set: ClassSet) -> dict[str, int]:
    """Return the number of images of the split that the paper used."""
    return {split: load_class_data(class_set).n_images}


_VOC_SPLITS, _CONTEXT_SPLITS, _FOLDER_SPLITS = (
    ("val", "train", "trainval"),
    ("val", "train"),
    ("validation", "training"),
)

_ALL = (
    BenchmarkEntry(
        name="voc",
        title="VOC-21",
        kind="semantic",
        splits=_VOC_SPLITS,
        preset="voc",
        opener=open_voc,
        sizes=_published("val", "voc"),
        figures=mean_iou("val", 67.6, sam=70.2),
    ),
    BenchmarkEntry(
        name="voc-20",
        title="VOC-20",
        kind="semantic",
        splits=_VOC_SPLITS,
        preset="voc",
        opener=partial(open_voc, background=False),
        sizes=_published("val", "voc"),
        figures=mean_iou("val", 91.4),
    ),
    BenchmarkEntry(
        name="coco-object",
        title="COCO Object",
        kind="semantic",
        splits=("val2017", "train2017"),
        preset="coco",
        opener=open_coco_object,
        sizes=_published("val2017", "coco_object"),
        figures=mean_iou("val2017", 36.6, sam=37.6),
    ),
    BenchmarkEntry(
        name="context-60",
        title="Context-60",
        kind="semantic",
        splits=_CONTEXT_SPLITS,
        preset="context",
        opener=open_context,
        sizes=_published("val", "context_59"),
        figures=mean_iou("val", 30.5, sam=31.1),
    ),
    BenchmarkEntry(
        name="context-59",
        title="Context-59",
        kind="semantic",
        splits=_CONTEXT_SPLITS,
        preset="context",
        opener=partial(open_context, background=False),
        sizes=_published("val", "context_59"),
        figures=mean_iou("val", 39.5),
    ),
    BenchmarkEntry(
        name="context-459",
        title="Context-459",
        kind="semantic",
        splits=_FOLDER_SPLITS,
        preset="context-459",
        opener=open_context_459,
        sizes=_published("validation", "context_459"),
        figures=mean_iou("validation", 13.9),
    ),
    BenchmarkEntry(
        name="ade-150",
        title="ADE-150",
        kind="semantic",
        splits=_FOLDER_SPLITS,
        preset="ade",
        opener=open_ade,
        sizes=_published("validation", "ade_150"),
        figures=mean_iou("validation", 17.7),
    ),
    BenchmarkEntry(
        name="ade-847",
        title="ADE-847",
        kind="semantic",
        splits=_FOLDER_SPLITS,
        preset="ade",
        opener=open_ade_847,
        sizes=_published("validation", "ade_847"),
        figures=mean_iou("validation", 8.1),
    ),
    _refcoco("refcoco", "RefCOCO", "refcoco", "unc", (33.57, 35.36, 30.51), (3811, 1975, 1810)),
    _refcoco("refcoco+", "RefCOCO+", "refcoco+", "unc", (34.22, 36.03, 31.02), (3805, 1975, 1798)),
    _refcoco("refcocog-umd", "RefCOCOg (UMD)", "refcocog", "umd", (36.67, 36.57), (2573, 5023)),
    _refcoco("refcocog-google", "RefCOCOg (Google)", "refcocog", "google", (36.63,)),
    BenchmarkEntry(
        name="gres",
        title="GRES",
        kind="referring",
        splits=GRES_SPLITS,
        preset="gres",
        opener=open_gres,
        choices={"targets": ("union", "first")},
        figures=mean_iou("val", 16.8),
        released_options={"targets": "first"},
    ),
    BenchmarkEntry(
        name="ref-davis",
        title="Ref-DAVIS 2017",
        kind="video",
        splits=("val", "train"),
        preset="refcoco",  # no released configuration is for videos: this one is the nearest
        opener=open_ref_davis,
        choices={
            "seen": ("all", "first-frame", "full-video"),
            "annotations": ("Annotations", "Annotations_unsupervised"),
        },
        sizes={"val": 30, "train": 60},
        figures=(
            Figure(split="val", metric="J&F", value=30.34),
            Figure(split="val", metric="J", value=28.15),
            Figure(split="val", metric="F", value=32.53),
        ),
    ),
    BenchmarkEntry(
        name="folder",
        title="Folder",
        kind="semantic",
        splits=("all",),
        preset="annotate",
        opener=open_folder,
        choices={"ontology": (), "ignored": ()},
    ),
)

BENCHMARKS: MappingProxyType[str, BenchmarkEntry] = MappingProxyType({entry.name: entry for entry in _ALL})
"""All benchmarks by name."""


def find_benchmark(name: str) -> BenchmarkEntry:
    """Return a benchmark by name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"Unknown benchmark {name!r}; choose one of {', '.join(BENCHMARKS)}.")
    return BENCHMARKS[name]
