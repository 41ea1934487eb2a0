"""RefCOCO, RefCOCO+ and RefCOCOg: expressions for one object each, in images of COCO."""

from pathlib import Path
from typing import Literal

from napari_car.errors import ConfigError

from .coco_targets import TargetRule, read_samples
from .expressions import clean_expression
from .publication import Publication
from .rasters import Overlap
from .referring import ReferringBenchmark

Unit = Literal["object", "sentence"]
"""What is one item. ``object``: all expressions of an object, their masks merged, as in the authors' evaluation.
``sentence``: each expression, as the field usually counts."""

DataSet = Literal["refcoco", "refcoco+", "refcocog"]
_TITLES = {"refcoco": "RefCOCO", "refcoco+": "RefCOCO+", "refcocog": "RefCOCOg"}
SPLITS = {
    ("refcoco", "unc"): ("val", "testA", "testB", "train"),
    ("refcoco", "google"): ("val", "test", "train"),
    ("refcoco+", "unc"): ("val", "testA", "testB", "train"),
    ("refcocog", "umd"): ("val", "test", "train"),
    ("refcocog", "google"): ("val", "train"),
}
"""Splits by data set and by who split it."""


def open_refcoco(
    root: Path,
    *,
    data_set: DataSet = "refcoco",
    split_by: str = "unc",
    split: str = "val",
    unit: Unit = "object",
    overlap: Overlap = "released",
) -> ReferringBenchmark:
    """Open RefCOCO, RefCOCO+ or RefCOCOg.

    Parameters
    ----------
    root : Path
        Holds a folder for each data set, with ``refs(unc).p`` or its like and ``instances.json``, and
        ``images/mscoco/images/train2014``.
    data_set : {"refcoco", "refcoco+", "refcocog"}
    split_by : {"unc", "google", "umd"}
        Who split it; see :data:`SPLITS`.
    split : str
        One of :data:`SPLITS`.
    unit : {"object", "sentence"}
        What is one item.
    overlap : {"released", "union"}
        What pixels are that lie in several polygons of an object.

    Raises
    ------
    ConfigError
        If there is no such split.
    DocumentError
        If a file is missing or damaged, or holds anything that would have to be run.
    """
    title = _TITLES[data_set]
    splits = SPLITS.get((data_set, split_by), ())
    if split not in splits:
        known = "; ".join(f"{by}: {', '.join(names)}" for (which, by), names in SPLITS.items() if which == data_set)
        raise ConfigError(f"{title} has no split {split} by {split_by}; it has {known}.")
    publication = Publication(
        title=title,
        holds=f"{data_set}/refs({split_by}).p, {data_set}/instances.json and images/mscoco/images/train2014",
        site="github.com/lichengunc/refer, its images at cocodataset.org",
    )
    rule = TargetRule(clean=clean_expression, is_per_sentence=unit == "sentence", overlap=overlap)
    return ReferringBenchmark(
        name=data_set if data_set != "refcocog" else f"refcocog-{split_by}",
        title=title,
        site=publication.site,
        split=split,
        samples=read_samples(root, root / data_set / f"refs({split_by}).p", split, publication, rule),
    )
