"""Labels of one image of a data set, for a list of queries that is there already."""

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_car.annotation.document import Document
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.errors import DocumentError

from .class_adoption import adopt_classes
from .class_numbers import renumber
from .format import Reader, ReadImage
from .image_names import OneImage
from .read_document import make_document
from .recognition import find_data_set


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """What is to be imported.

    Parameters
    ----------
    path : Path
        Of the data set, or of a file in it.
    fmt : Reader or None
        None: it is found out.
    sheet : QuerySheet
        The list of queries.
    title : str
        What the image is called in napari.
    names : frozenset of str
        What it may be called in the data set.
    size_px : tuple of int
        Height and width that labels must have.
    number : int or None
        Its place among the images of the data set, if a person has chosen it; None: the one that is called so.
    only_present : bool
        Whether the list gets only those classes of which the image has labels; else all of the data set.
    """

    path: Path
    fmt: Reader | None
    sheet: QuerySheet
    title: str
    names: frozenset[str]
    size_px: tuple[int, int]
    number: int | None = None
    only_present: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """The images of a data set are being read; `choice` knows how far that is."""

    fmt: Reader
    choice: OneImage


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuestion:
    """It is not clear which image of the data set is meant.

    Parameters
    ----------
    fmt : Reader
    names : tuple of str
        Of all images; empty: there are none.
    matches : tuple of int
        Places of those that are called as the image that is open; none or several.
    """

    fmt: Reader
    names: tuple[str, ...]
    matches: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedLabels:
    """The labels of the image.

    Parameters
    ----------
    fmt : Reader
    name : str
        Of the image in the data set.
    document : Document
        Of one layer, with ids of the list.
    sheet : QuerySheet
        The list, with what was added.
    added : tuple of SheetEntry
    n_objects : int
        Number of labels that are there, instances among them.
    n_classes : int
        Number of classes that are there.
    """

    fmt: Reader
    name: str
    document: Document
    sheet: QuerySheet
    added: tuple[SheetEntry, ...]
    n_objects: int
    n_classes: int


def import_labels(
    request: LabelRequest, is_stopped: threading.Event
) -> Iterator[Reading | ImageQuestion | ImportedLabels]:
    """Read the labels of one image of a data set.

    Parameters
    ----------
    request : LabelRequest
    is_stopped : threading.Event
        Ends it early, by ReadingStopped.

    Yields
    ------
    Reading
        First.
    ImageQuestion or ImportedLabels
        Last.

    Raises
    ------
    DocumentError
        If it is no data set, cannot be read, or the labels have another size than the image.
    QueryError
        If the list cannot take a class.
    MissingExtraError
        If a library that the format needs is not installed.
    ReadingStopped
        If it was.
    """
    fmt, source = find_data_set(request.path, request.fmt)
    choice = OneImage(request.names, request.number, is_stopped)
    yield Reading(fmt, choice)
    own = fmt.read_ontology(source)
    found = list(fmt.read(source, own, choice))
    matches = choice.matches
    if len(matches) != 1:
        yield ImageQuestion(fmt=fmt, names=tuple(choice.names), matches=matches)
        return
    image = dict(zip(choice.taken, found, strict=True))[matches[0]]
    yield _adopt(request, fmt, source, own, image)


def _adopt(request: LabelRequest, fmt: Reader, source: Path, own: QuerySheet, image: ReadImage) -> ImportedLabels:
    """Return labels with the ids of the list."""
    if image.classes.shape != request.size_px:
        raise DocumentError(
            f"{image.name} has {_say_size(image.classes.shape)} in the data set, but {request.title} has "
            f"{_say_size(request.size_px)}: open the image that the labels were made for."
        )
    present = np.unique(image.classes)
    present = present[present > 0]
    adoption = adopt_classes(request.sheet, own, present.tolist(), only_present=request.only_present)
    renamed = dataclasses.replace(image, classes=renumber(image.classes, adoption.ids, source))
    document = make_document(renamed, adoption.sheet, request.title)
    return ImportedLabels(
        fmt=fmt,
        name=image.name,
        document=document,
        sheet=adoption.sheet,
        added=adoption.added,
        n_objects=int(np.count_nonzero(np.unique(np.asarray(document.layers[0].labels)))),
        n_classes=int(np.count_nonzero(np.unique(renamed.classes))),
    )


def _say_size(size_px: tuple[int, ...]) -> str:
    """Return a size in words."""
    return f"{size_px[0]} x {size_px[1]} px"
