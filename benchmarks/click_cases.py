"""Objects with exact masks to click on: photographs from a folder, and drawn scenes with the masks of text queries."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from napari_car import Segmenter
from napari_car.presets import find_preset
from scenes.seeds import HELD_OUT_SEEDS, VALIDATION_SEEDS, make_trial

DAVIS_SHARES = (0.25, 0.75, 1.0)
"""Which frames of a sequence are taken; parameters were chosen by looking at the first and the middle one."""
SEEDS = {"held-out": HELD_OUT_SEEDS, "validation": VALIDATION_SEEDS}
VOID = 255


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One object."""

    name: str
    image: np.ndarray
    """(H, W, 3) uint8 RGB."""
    truth: np.ndarray
    """(H, W) bool."""
    is_counted: np.ndarray
    """(H, W) bool: False where the truth is not known."""
    start: np.ndarray | None = None
    """(H, W) bool: the mask to be corrected; None to begin with nothing."""


def read_davis(folder: Path) -> Iterator[Case]:
    """Read some frames of each DAVIS sequence."""
    for sequence in sorted((folder / "JPEGImages" / "480p").iterdir()):
        frames = sorted(sequence.glob("*.jpg"))
        for index in sorted({min(int(share * len(frames)), len(frames) - 1) for share in DAVIS_SHARES}):
            annotation = folder / "Annotations" / "480p" / sequence.name / f"{frames[index].stem}.png"
            truth = np.array(Image.open(annotation).convert("L")) > 127
            yield Case(
                name=f"{sequence.name}/{frames[index].stem}",
                image=np.array(Image.open(frames[index]).convert("RGB")),
                truth=truth,
                is_counted=np.ones_like(truth),
            )


def read_voc(folder: Path) -> Iterator[Case]:
    """Read each object of the VOC photographs, and each class of several objects."""
    for file in sorted((folder / "JPEGImages").glob("*.jpg")):
        image = np.array(Image.open(file).convert("RGB"))
        objects = np.array(Image.open(folder / "SegmentationObject" / f"{file.stem}.png"))
        classes = np.array(Image.open(folder / "SegmentationClass" / f"{file.stem}.png"))
        for kind, labels in (("object", objects), ("class", classes)):
            for label in np.setdiff1d(np.unique(labels), (0, VOID)):
                truth = labels == label
                is_several = len(np.setdiff1d(np.unique(objects[truth]), (0, VOID))) > 1
                if kind == "object" or is_several:
                    yield Case(name=f"{file.stem}/{kind} {label}", image=image, truth=truth, is_counted=labels != VOID)


def draw_scenes(which: str, n_scenes: int, *, from_query: bool) -> Iterator[Case]:
    """Draw scenes that the demo checkpoint was not trained on, and take each query that they show.

    Parameters
    ----------
    which : {"held-out", "validation"}
    n_scenes : int
    from_query : bool
        Begin with the mask that CaR finds for the query, which is empty if it is dropped; else with nothing.
    """
    segmenter = Segmenter("demo") if from_query else None
    config = find_preset("demo").config
    for seed in SEEDS[which][:n_scenes]:
        trial = make_trial(seed)
        found = segmenter.segment(trial.scene.image, trial.present, config) if segmenter else None
        for index, query in enumerate(trial.present):
            truth = trial.scene.mask(query)
            yield Case(
                name=f"{seed}/{query}",
                image=trial.scene.image,
                truth=truth,
                is_counted=np.ones_like(truth),
                start=found.mask(index) if found else None,
            )
