"""Classes of the published benchmarks, as data: ``class_data.json`` beside this module names its sources."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from napari_car.queries import Query

from .semantic import BenchmarkClass
from .truth import BACKGROUND, IGNORED, TruthCode

ClassSet = Literal["voc", "coco_object", "context_59", "context_459", "ade_150", "ade_847"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassData:
    """Classes of a benchmark, and how its masks hold them."""

    classes: tuple[BenchmarkClass, ...]
    """By id, from 1."""
    stuff_order: tuple[int, ...]
    """Ids of the stuff classes in the order in which they are asked for."""
    n_images: int
    """Of the split that the paper used."""
    added: int
    """What is added to a value of the file to make it an id."""
    void_values: tuple[int, ...]
    """Values of the file that are not scored."""
    above_is_void: bool
    """Whether all values above the classes' are not scored either; else there may be none."""

    def truth_code(self, stored_as: str, *, has_background: bool) -> TruthCode:
        """Return what the values of the masks stand for.

        Parameters
        ----------
        stored_as : str
            How the masks are stored, for a sentence.
        has_background : bool
            Whether value 0 is scored as background, where it stands for no class.
        """
        labels = {0: BACKGROUND if has_background else IGNORED}
        labels |= {item.id - self.added: item.id for item in self.classes}
        labels |= dict.fromkeys(self.void_values, IGNORED)
        return TruthCode(labels=labels, stored_as=stored_as, unlisted=IGNORED if self.above_is_void else None)


@cache
def load_class_data(class_set: ClassSet) -> ClassData:
    """Return the classes of a benchmark; Context-60 and Context-59 share them, so do VOC-21 and VOC-20."""
    record = load_record()["benchmarks"][class_set]
    classes = tuple(
        BenchmarkClass(
            id=item["id"],
            name=item["name"],
            query=Query(item.get("query", item["name"]), group=item.get("group", "thing")),
        )
        for item in record["classes"]
    )
    return ClassData(
        classes=classes,
        stuff_order=tuple(record["stuff_order"]),
        n_images=record["n_images"],
        added=record["added"],
        void_values=tuple(record["void_values"]),
        above_is_void=record["above_is_void"],
    )


def load_record() -> dict[str, Any]:
    """Return all of the file, with the sources of each benchmark, and what is odd about its names and groups."""
    record: dict[str, Any] = json.loads(files(__package__).joinpath("class_data.json").read_text(encoding="utf-8"))
    return record
