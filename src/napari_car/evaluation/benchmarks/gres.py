"""GRES on gRefCOCO: expressions for one object, several, or none, in images of COCO."""

from pathlib import Path
from typing import Literal

from napari_car.errors import ConfigError

from .coco_targets import TargetRule, read_samples
from .publication import Publication
from .referring import ReferringBenchmark

Targets = Literal["union", "first"]
"""What is to be found where several objects are meant. ``union``: all of them, as the publishers score it.
``first``: only the first that is named, with the rule ``released`` for its polygons, as in the authors' evaluation."""

SPLITS = ("val", "testA", "testB", "train")

GREFCOCO = Publication(
    title="gRefCOCO",
    holds="grefcoco/grefs(unc).p or grefs(unc).json, grefcoco/instances.json and images/mscoco/images/train2014",
    site="henghuiding.github.io/GRES, its images at cocodataset.org",
)


def open_gres(root: Path, *, split: str = "val", targets: Targets = "union") -> ReferringBenchmark:
    """Open gRefCOCO; each expression is an item.

    Expressions stay as they are written. The publishers' JSON is read where there is no pickle.

    Parameters
    ----------
    root : Path
        Holds ``grefcoco`` and ``images``.
    split : str
        One of :data:`SPLITS`.
    targets : {"union", "first"}
        What is to be found where several objects are meant.

    Raises
    ------
    ConfigError
        If there is no such split.
    DocumentError
        If a file is missing or damaged, or holds anything that would have to be run.
    """
    if split not in SPLITS:
        raise ConfigError(f"gRefCOCO has no split {split}; it has {', '.join(SPLITS)}.")
    folder = root / "grefcoco"
    refs_file = folder / "grefs(unc).p"
    if not refs_file.is_file() and refs_file.with_suffix(".json").is_file():
        refs_file = refs_file.with_suffix(".json")
    rule = TargetRule(
        clean=str,
        is_per_sentence=True,
        overlap="released" if targets == "first" else "union",
        first_only=targets == "first",
    )
    return ReferringBenchmark(
        name="gres",
        title=GREFCOCO.title,
        site=GREFCOCO.site,
        split=split,
        samples=read_samples(root, refs_file, split, GREFCOCO, rule),
    )
