"""Which classes a data set has, and what another program's names mean."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.sheet_entry import SheetEntry, quoted
from napari_car.errors import DocumentError, OutputError
from napari_car.queries import Query

from .labelled_image import LabelledImage


def classes_of(ontology: QuerySheet) -> dict[int, SheetEntry]:
    """Return the classes by id, ascending: all entries but the distractors, those that are switched off, too."""
    entries = sorted(ontology.entries, key=lambda entry: entry.id)
    return {entry.id: entry for entry in entries if entry.role == "query"}


def check_labels(image: LabelledImage, classes: Mapping[int, SheetEntry], class_ids: Iterable[int]) -> None:
    """Raise OutputError if an image holds a class that has no name."""
    unknown = sorted(set(class_ids) - set(classes))
    if unknown:
        raise OutputError(
            f"{image.name} has labels of class {unknown[0]}, which is none of the ontology: add a class with this id, "
            "or erase these labels."
        )


class ClassNames:
    """Ids of an ontology by the names that classes have in a data set; case and blanks do not count.

    Parameters
    ----------
    ontology : QuerySheet
    path : Path
        The file that holds the names; for messages.
    """

    def __init__(self, ontology: QuerySheet, path: Path) -> None:
        self._ids = {Query(entry.class_name).key: id_ for id_, entry in classes_of(ontology).items()}
        self._path = path

    def id_of(self, name: str) -> int:
        """Return the id of a class; DocumentError if there is none of this name."""
        try:
            return self._ids[Query(name).key]
        except KeyError:
            raise DocumentError(
                f"{self._path} has objects of the class {quoted(name)}, which is not in the ontology: add it first."
            ) from None
