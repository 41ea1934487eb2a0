"""Numbers by which a data set calls its classes and objects, and the ids of an ontology."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from skimage.segmentation import relabel_sequential

from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.annotation.sheet_entry import MAX_ID, quoted
from napari_car.errors import DocumentError, QueryError
from napari_car.io.colours import RGB, query_colours
from napari_car.queries import SEPARATOR

from .class_names import ClassNames, check_labels, classes_of
from .labelled_image import LabelledImage


@dataclass(frozen=True, slots=True)
class FoundClass:
    """A class as a data set lists it.

    Parameters
    ----------
    number : int
        By which the data set calls it.
    name : str
    colour : RGB or None
        None if the data set has no colours.
    folder : str
        Name of its folder, in formats that have one per class.
    """

    number: int
    name: str
    colour: RGB | None = None
    folder: str = ""


def checked_classes(image: LabelledImage, ontology: QuerySheet) -> Int32[np.ndarray, "H W"]:
    """Return the class of each pixel; raise OutputError if one is none of the ontology's classes."""
    classes = image.semantic
    n_px = np.bincount(classes.ravel(), minlength=1)
    check_labels(image, classes_of(ontology), (np.flatnonzero(n_px[1:]) + 1).tolist())
    return classes


def number_objects(labels: Int32[np.ndarray, "H W"]) -> Int32[np.ndarray, "H W"]:
    """Return labels numbered from 1 without gaps, in their order; 0 stays."""
    dense, _, _ = relabel_sequential(labels)  # type: ignore[no-untyped-call]
    return np.asarray(dense, dtype=np.int32)


def make_ontology(found: Sequence[FoundClass]) -> QuerySheet:
    """Return an ontology of the classes of a data set.

    Their numbers become their ids as far as they can be ids and differ; the others get ids that are free.

    Raises
    ------
    DocumentError
        If a name cannot be used, two are the same, or there are more classes than ids.
    """
    if len(found) > MAX_ID:
        raise DocumentError(f"The data set has {len(found):,} classes, but an ontology holds at most {MAX_ID:,}.")
    kept: dict[int, FoundClass] = {}
    for row in found:
        if 1 <= row.number <= MAX_ID:
            kept.setdefault(row.number, row)
    top = max(kept, default=0)
    free = (id_ for id_ in (*range(top + 1, MAX_ID + 1), *range(1, top)) if id_ not in kept)
    entries = [
        _make_entry(row, row.number if kept.get(row.number) is row else next(free), row.colour or colour)
        for row, colour in zip(found, query_colours(len(found)), strict=True)
    ]
    try:
        return QuerySheet(tuple(entries), max((entry.id for entry in entries), default=0) + 1)
    except QueryError as error:
        raise DocumentError(f"The classes of the data set cannot be used: {error}") from error


def match_classes(found: Sequence[FoundClass], ontology: QuerySheet, path: Path) -> dict[int, int]:
    """Return the id in an ontology of each number in a data set, by name.

    Parameters
    ----------
    found : sequence of FoundClass
    ontology : QuerySheet
    path : Path
        Where the names stand; for messages.

    Raises
    ------
    DocumentError
        If the ontology has no class of a name.
    """
    names = ClassNames(ontology, path)
    return {row.number: names.id_of(row.name) for row in found}


def renumber(numbers: Int32[np.ndarray, "H W"], ids: Mapping[int, int], path: Path) -> Int32[np.ndarray, "H W"]:
    """Return ids of an ontology in the place of the numbers of a data set, or the other way round; 0 stays.

    Parameters
    ----------
    numbers : ndarray, (H, W), int32
    ids : mapping of int to int
        By number.
    path : Path
        The file in which the numbers are; for messages.

    Raises
    ------
    DocumentError
        If a number is of no class.
    """
    known = {0: 0, **ids}
    values, places = np.unique(numbers, return_inverse=True)
    for value in values.tolist():
        if value not in known:
            raise DocumentError(f"{path} holds pixels of class {value}, which is none of the data set's classes.")
    table = np.array([known[value] for value in values.tolist()], dtype=np.int32)
    return np.asarray(table[places].reshape(numbers.shape))


def _make_entry(row: FoundClass, id_: int, colour: RGB) -> SheetEntry:
    """Return an entry of a class; bars, which stand between synonyms, become slashes in what is looked for."""
    try:
        return SheetEntry(id=id_, text=row.name.replace(SEPARATOR, "/"), name=row.name, colour=colour)
    except QueryError as error:
        raise DocumentError(f"The data set's class {quoted(row.name)} cannot be used: {error}") from error
