"""Drawn scenes with exact masks as a folder that `napari-car evaluate folder` reads."""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from napari_car.annotation.ontology_file import write_ontology
from napari_car.annotation.sheet import QuerySheet
from scenes.seeds import make_trial
from scenes.vocabulary import EVALUATED

NAMES = tuple(name for names in EVALUATED.values() for name in names)
"""The classes: all that scenes of either domain are evaluated for."""


def write_scenes(folder: Path, seeds: Iterable[int]) -> Path:
    """Write images, index masks and an ontology; what is none of the classes is background.

    Even seeds give drawn shapes, odd ones microscopy.
    """
    sheet, _ = QuerySheet().added_each(NAMES)
    write_ontology(folder / "ontology.toml", sheet)
    ids = {query.text: id_ for query, id_ in zip(sheet.queries, sheet.query_ids, strict=True)}
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for seed in seeds:
        scene = make_trial(seed).scene
        labels = np.zeros(scene.image.shape[:2], dtype=np.uint8)
        for region in scene.concepts:
            labels[region.mask] = ids.get(region.name, 0)
        Image.fromarray(scene.image).save(folder / "images" / f"scene-{seed}.png")
        Image.fromarray(labels).save(folder / "masks" / f"scene-{seed}.png")
    return folder
