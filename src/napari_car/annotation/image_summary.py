"""What the label document of one image holds, in numbers: for reports on projects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from jaxtyping import Int32

from napari_car.errors import DocumentError
from napari_car.queries import Query
from napari_car.results import Verdict

from .correction.agreement import Agreement
from .correction.instance_table import FIRST_ID, InstanceTable
from .correction.label_state import LabelState
from .correction.mask_state import examine_masks
from .document import Document
from .label_layer import Colour, LabelLayer
from .layer_reading import read_checked, read_instances, read_ledger
from .run_facts import Making, computing_time_s, read_making
from .sheet import QuerySheet


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassInImage:
    """A class in one image.

    Parameters
    ----------
    name : str
    colour : tuple of int
    verdict : {"present", "uncertain", "absent"} or None
        What the program said last; None if it was not asked.
    score : float or None
        The last one, in [0, 1].
    state : {"automatic", "edited", "checked"}
    agreement : Agreement
        Of its automatic mask with the one that is there now.
    n_objects : int
        Labels of it: each instance is one, and so is all of it that was not told apart.
    """

    name: str
    colour: Colour
    verdict: Verdict | None
    score: float | None
    state: LabelState
    agreement: Agreement
    n_objects: int

    @property
    def area_px(self) -> int:
        """Pixels that it has now."""
        return self.agreement.n_now

    @property
    def is_in_doubt(self) -> bool:
        """Whether the program was uncertain, and no person has changed or checked its mask since."""
        return self.verdict == "uncertain" and self.state == "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSummary:
    """The labels of one image.

    Parameters
    ----------
    key : str
        Its name in the project.
    n_px : int
        Pixels of the image, of all planes of a stack.
    classes : mapping of int to ClassInImage
        Those that were looked for, and those that are there, by id.
    is_edited : bool
        Whether a person has painted, or told objects apart.
    is_reviewed : bool
        Whether a person has edited it, or checked a class.
    is_checked : bool
        Whether a person has checked all classes that are there, or were looked for.
    n_unknown : int
        Pixels that a person changed and of which it is not known what the program wrote; agreements leave them out.
    makings : tuple of Making
        One per run.
    computed_s : float
        Computing time of all runs.
    spent_s : float
        Time that people have worked on it, as far as that was measured.
    saved : str
        When its labels were saved last, in ISO 8601; empty if that is not known.
    """

    key: str
    n_px: int
    classes: Mapping[int, ClassInImage]
    is_edited: bool
    is_reviewed: bool
    is_checked: bool
    n_unknown: int
    makings: tuple[Making, ...]
    computed_s: float
    spent_s: float
    saved: str

    @property
    def agreement(self) -> Agreement:
        """The agreement of all its classes together."""
        return pool(found.agreement for found in self.classes.values())

    @property
    def in_doubt(self) -> tuple[ClassInImage, ...]:
        """Classes of which nobody has said yet whether the program was right, lowest score first."""
        doubtful = [found for found in self.classes.values() if found.is_in_doubt]
        return tuple(sorted(doubtful, key=lambda found: found.score or 0.0))


def pool(agreements: Iterable[Agreement]) -> Agreement:
    """Return the sums of agreements; pixels that are not known are those of whole layers, and left out."""
    parts = list(agreements)
    names = ("n_automatic", "n_corrected", "n_both", "n_human", "n_now")
    return Agreement(**{name: sum(getattr(part, name) for part in parts) for name in names})


def summarise_image(key: str, document: Document, ontology: QuerySheet) -> ImageSummary:
    """Count what a document holds; of several layers, the counts are sums.

    Parameters
    ----------
    key : str
        Name of the image.
    document : Document
    ontology : QuerySheet
        Names and colours of the classes.

    Raises
    ------
    DocumentError
        If its labels are not those of the ontology, or what is noted of them cannot be read.
    """
    layers = [_read_layer(layer, ontology) for layer in document.layers]
    if not layers:
        raise DocumentError("The document holds no labels.")
    classes: dict[int, ClassInImage] = {}
    for found in layers:
        for id_, own in found.classes.items():
            classes[id_] = _joined(classes[id_], own) if id_ in classes else own
    runs: list[Mapping[str, Any]] = []
    for found in layers:
        runs += [run for run in found.runs if run not in runs]  # layers that were written together carry the same ones
    is_edited = any(found.is_edited for found in layers)
    return ImageSummary(
        key=key,
        n_px=max(found.n_px for found in layers),
        classes=classes,
        is_edited=is_edited,
        is_reviewed=is_edited or any(found.state == "checked" for found in classes.values()),
        is_checked=bool(classes) and all(found.state == "checked" for found in classes.values()),
        n_unknown=sum(found.n_unknown for found in layers),
        makings=tuple(map(read_making, runs)),
        computed_s=sum(map(computing_time_s, runs)),
        spent_s=document.spent_s,
        saved=document.saved,
    )


@dataclass(frozen=True, slots=True)
class _LayerSummary:
    """The labels of one layer."""

    n_px: int
    classes: Mapping[int, ClassInImage]
    is_edited: bool
    n_unknown: int
    runs: list[Mapping[str, Any]]


def _read_layer(layer: LabelLayer, ontology: QuerySheet) -> _LayerSummary:
    """Count what a layer holds."""
    labels = np.asarray(layer.labels[...], dtype=np.int32)
    table = read_instances(layer)
    names = _read_queries(layer, ontology)
    counts = _count_objects(layer, labels, table)
    ids = sorted(names.keys() | counts.keys())
    ledger = read_ledger(layer)
    states = examine_masks(ledger.automatic(), labels, ids, read_checked(layer), table)
    said = _read_verdicts(layer)
    names = layer.class_names | names | {entry.id: entry.class_name for entry in ontology.entries}
    classes = {
        id_: ClassInImage(
            name=names.get(id_, f"label {id_}"),
            colour=ontology.colours.get(id_, layer.colour_of(id_)),
            verdict=said.get(id_, (None, None))[0],
            score=said.get(id_, (None, None))[1],
            state=states[id_].state,
            agreement=states[id_].agreement,
            n_objects=counts.get(id_, 0),
        )
        for id_ in ids
    }
    return _LayerSummary(
        n_px=labels.size,
        classes=classes,
        is_edited=bool(table.query_ids) or bool(ledger.human(labels).any()),
        n_unknown=max((state.agreement.n_unknown for state in states.values()), default=0),
        runs=[run for run in _listed(layer.provenance.get("runs")) if isinstance(run, Mapping)],
    )


def _joined(first: ClassInImage, second: ClassInImage) -> ClassInImage:
    """Return a class of two layers: the verdict of the upper one, checked if either is."""
    upper = first if second.verdict is None else second
    order: Sequence[LabelState] = get_args(LabelState)
    return ClassInImage(
        name=upper.name,
        colour=upper.colour,
        verdict=upper.verdict,
        score=upper.score,
        state=max(first.state, second.state, key=order.index),
        agreement=pool((first.agreement, second.agreement)),
        n_objects=first.n_objects + second.n_objects,
    )


def _read_queries(layer: LabelLayer, ontology: QuerySheet) -> dict[int, str]:
    """Return the texts of the classes that a layer is of; DocumentError if the ontology has others for their ids."""
    known = ontology.names
    texts = {}
    for entry in _listed(layer.provenance.get("queries")):
        fields = entry if isinstance(entry, Mapping) else {}
        id_, text = fields.get("id"), fields.get("text")
        if not (isinstance(id_, int) and 0 < id_ < FIRST_ID and isinstance(text, str)):
            raise DocumentError(f'The queries of the layer "{layer.name}" cannot be read.')
        if id_ in known and Query(known[id_]).key != Query(text).key:
            raise DocumentError(
                f'Its labels call class {id_} "{text}", the ontology "{known[id_]}": labels of another list cannot be '
                "counted with it."
            )
        if fields.get("role", "query") == "query":
            texts[id_] = text
    return texts


def _count_objects(layer: LabelLayer, labels: Int32[np.ndarray, "..."], table: InstanceTable) -> dict[int, int]:
    """Return the number of labels of each class that is there; DocumentError if a label is of no known class."""
    counts: dict[int, int] = {}
    for label in np.unique(labels[labels != 0]).tolist():
        id_ = table.query_of(label)
        if not 0 < id_ < FIRST_ID:
            raise DocumentError(f'The layer "{layer.name}" holds the label {label}, of which no class is known.')
        counts[id_] = counts.get(id_, 0) + 1
    return counts


def _read_verdicts(layer: LabelLayer) -> dict[int, tuple[Verdict, float | None]]:
    """Return what the program said of each class, and its score, as far as the table of labels tells."""
    columns = [layer.features.get(name, ()) for name in ("index", "verdict", "score")]
    columns[2] = columns[2] or [None] * len(columns[0])
    rows = zip(*columns, strict=False)
    return {
        int(id_): (verdict, float(score) if isinstance(score, int | float) else None)
        for id_, verdict, score in rows
        if isinstance(id_, int | float) and verdict in get_args(Verdict)
    }


def _listed(value: Any) -> Iterator[Any]:
    """Yield the items of a list; none of what is no list."""
    return iter(value if isinstance(value, list | tuple) else ())
