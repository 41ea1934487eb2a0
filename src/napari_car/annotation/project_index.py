"""What is known of the images of a project, image by image, without looking at pixels unless somebody checked some."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from napari_car.errors import CaRError
from napari_car.results import Verdict

from .document import read_document, read_records
from .document_json import LayerRecord
from .label_layer import LabelLayer
from .layer_reading import find_asked, find_checked, read_instances
from .project import ProjectImage

Progress = Literal["unprocessed", "automatic", "edited", "checked", "unreadable"]
"""Without labels; as the program wrote them; changed by a person; checked in all classes, as ``napari-car export
--only-checked`` has it; labels that cannot be read."""

Order = Literal["name", "doubt"]
Filter = Literal["all", "unprocessed", "uncertain", "absent", "edited", "checked"]
FILTERS: tuple[Filter, ...] = get_args(Filter)

_DOUBT: Mapping[Verdict, tuple[float, float]] = {"uncertain": (0.5, 1.0), "present": (0.0, 0.5), "absent": (0.0, 0.0)}
"""Doubt in a class of each verdict, at a score of 1 and of 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageState:
    """How far the work on an image is.

    Parameters
    ----------
    progress : {"unprocessed", "automatic", "edited", "checked", "unreadable"}
    n_present, n_uncertain, n_absent : int
        Classes by the verdict of the last run.
    doubt : float
        That of the most doubtful class, in [0, 1]: an uncertain class is more doubtful than one that is present, and
        the lower its score, the more. 0 once all classes are checked.
    problem : str
        Why the labels cannot be read; a sentence.
    """

    progress: Progress
    n_present: int = 0
    n_uncertain: int = 0
    n_absent: int = 0
    doubt: float = 0.0
    problem: str = ""

    @property
    def is_absent(self) -> bool:
        """Whether a run found none of the classes."""
        return self.n_absent > 0 and not self.n_present and not self.n_uncertain

    def passes(self, wanted: Filter) -> bool:
        """Tell whether a filter lets it through."""
        if wanted == "uncertain":
            return self.n_uncertain > 0 and self.progress != "checked"
        if wanted == "absent":
            return self.is_absent
        return wanted in ("all", self.progress)


def examine(image: ProjectImage) -> ImageState:
    """Return the state of an image of a project.

    Only the text of its document is read, and the pixels where a person has checked classes: a check holds as long as
    they stay as they were.
    """
    if not image.document.exists():
        return ImageState(progress="unprocessed")
    try:
        records, _ = read_records(image.document)
        is_checked = any(record.fields["provenance"].get("checked") for record in records)
        layers = read_document(image.document).layers if is_checked else ()
        progress = _progress(records, layers)
    except CaRError as error:
        return ImageState(progress="unreadable", problem=str(error))
    except (AttributeError, KeyError, TypeError, ValueError):  # provenance may hold anything
        return ImageState(progress="unreadable", problem=f"{image.document} does not say what its labels are.")
    rows = [row for record in records for row in _rows(record.fields["features"])]
    verdicts = [verdict for verdict, _ in rows]
    return ImageState(
        progress=progress,
        n_present=verdicts.count("present"),
        n_uncertain=verdicts.count("uncertain"),
        n_absent=verdicts.count("absent"),
        doubt=0.0 if progress == "checked" else max((_doubt(*row) for row in rows), default=0.0),
    )


def arrange(
    images: Iterable[ProjectImage], states: Mapping[str, ImageState], wanted: Filter, order: Order
) -> list[ProjectImage]:
    """Return the images that a filter lets through, in order; those of equal doubt as they come."""
    passed = [image for image in images if states[image.key].passes(wanted)]
    return passed if order == "name" else sorted(passed, key=lambda image: -states[image.key].doubt)


def _rows(features: Mapping[str, Any]) -> Iterable[tuple[Verdict, float]]:
    """Yield verdict and score of each class that a run was asked for."""
    columns = (features.get(name, ()) for name in ("verdict", "score"))
    for verdict, score in zip(*columns, strict=False):
        if verdict in _DOUBT:
            yield verdict, float(score) if isinstance(score, int | float) else 0.0


def _doubt(verdict: Verdict, score: float) -> float:
    """Return how doubtful a class is."""
    sure, unsure = _DOUBT[verdict]
    return sure + (unsure - sure) * (1 - min(max(score, 0.0), 1.0))


def _progress(records: Collection[LayerRecord], layers: Collection[LabelLayer]) -> Progress:
    """Tell how far the labels of a document are; without checked classes, its layers are not asked for."""
    if _are_all_checked(layers):
        return "checked"
    return "edited" if any(map(_is_edited, records)) else "automatic"


def _is_edited(record: LayerRecord) -> bool:
    """Tell whether a person has worked on a layer, as far as its record tells."""
    provenance = record.fields["provenance"]
    if not provenance.get("runs") or provenance.get("checked") or provenance.get("instances"):
        return True  # what no run made, a person did
    agreement = provenance.get("agreement") or ()
    return any(item.get("n_added") or item.get("n_removed") or item.get("n_unknown") for item in agreement)


def _are_all_checked(layers: Collection[LabelLayer]) -> bool:
    """Tell whether each class that is there, or was looked for, was checked, and stayed as it was."""
    wanted, checked = set[int](), set[int]()
    for layer in layers:
        labels, table = np.asarray(layer.labels, dtype=np.int32), read_instances(layer)
        wanted |= find_asked(layer) | (set(np.unique(table.semantic(labels)).tolist()) - {0})
        checked |= find_checked(layer, labels, table)
    return bool(wanted) and wanted <= checked
