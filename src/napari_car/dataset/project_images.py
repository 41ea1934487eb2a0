"""The images of a project as a data set."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project, ProjectImage
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import CaRError, DocumentError, QueryError
from napari_car.io.slugs import unique_slugs
from napari_car.queries import Query

from .labelled_image import LabelledImage, Split
from .split import Fractions, split_images


class ProjectImages(Mapping[str, LabelledImage]):
    """Labelled images of a project, by name; each is read from its document when it is asked for.

    Parameters
    ----------
    project : Project
    only_checked : bool
        Leave out images of which a person has not marked all classes that are there, or were looked for, as checked.
    with_empty : bool
        Take images without any label, too: they show trainers what is no object.
    fractions : Fractions, optional
        Shares of training, validation and test; all is for training by default.
    seed : int
        Of the division.

    Raises
    ------
    ImageError
        If the project has no images.
    """

    def __init__(
        self,
        project: Project,
        *,
        only_checked: bool = False,
        with_empty: bool = True,
        fractions: Fractions | None = None,
        seed: int = 0,
    ) -> None:
        self._ontology = project.ontology
        self._project = project
        images = project.images()
        names = unique_slugs(
            [PurePosixPath(image.key).with_suffix("").as_posix().replace("/", " ") for image in images]
        )
        self._images: dict[str, ProjectImage] = {}
        self.unlabelled: list[str] = []
        """Images that have no labels yet."""
        self.unchecked: list[str] = []
        """Images that were left out since a person has not checked them."""
        self.empty: list[str] = []
        """Images that were left out since nothing is labelled in them."""
        self.failed: list[tuple[str, CaRError]] = []
        """Images whose labels cannot be used, and why."""
        classes: dict[str, list[int]] = {}
        for name, image in zip(names, images, strict=True):
            found = self._look_at(name, image)
            if found is None:
                continue
            class_ids = np.unique(found.semantic).tolist()
            if only_checked and not found.is_checked:
                self.unchecked.append(image.key)
            elif class_ids == [0] and not with_empty:
                self.empty.append(image.key)
            else:
                self._images[name] = image
                classes[name] = [id_ for id_ in class_ids if id_]
        self._splits: dict[str, Split] = dict.fromkeys(classes, "train")
        if fractions is not None:
            self._splits = split_images(classes, fractions, seed)

    def __getitem__(self, name: str) -> LabelledImage:
        """Return an image with its labels as they are now; DocumentError if they cannot be read any more."""
        image = self._images[name]
        document, _ = self._project.load(image)
        if document is None:
            raise DocumentError(f"The labels of {image.key} are gone.")
        return replace(label_image(name, image, document, self._ontology), split=self._splits[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)

    def _look_at(self, name: str, image: ProjectImage) -> LabelledImage | None:
        """Return an image, or note why it is left out."""
        try:
            document, _ = self._project.load(image)
            if document is not None:
                return label_image(name, image, document, self._ontology)
            self.unlabelled.append(image.key)
        except CaRError as error:
            self.failed.append((image.key, error))
        return None


def label_image(name: str, image: ProjectImage, document: Document, ontology: QuerySheet) -> LabelledImage:
    """Return an image with the labels of a document; of several layers, the higher ones lie on top.

    Parameters
    ----------
    name : str
        Of the image in the data set.
    image : ProjectImage
    document : Document
    ontology : QuerySheet

    Raises
    ------
    DocumentError
        If it holds labels of more than one plane, of layers that differ in size, or of other classes.
    """
    labels: Int32[np.ndarray, "H W"] | None = None
    table = InstanceTable()
    checked: set[int] = set()
    asked: set[int] = set()
    for layer in document.layers:
        if len(layer.shape) != 2 or (labels is not None and layer.shape != labels.shape):
            raise DocumentError(
                f"{image.document} holds labels of the shape {layer.shape}: data sets are of single planes."
            )
        _check_classes(image, layer, ontology)
        own = np.asarray(layer.labels, dtype=np.int32)
        own_table = _read_table(layer)
        asked |= {entry["id"] for entry in layer.provenance.get("queries", []) if entry.get("role") == "query"}
        checked |= _find_checked(layer, own, own_table)
        moved, table = _with_new_ids(own, own_table, table)
        labels = moved if labels is None else np.where(moved != 0, moved, labels)
    if labels is None:
        raise DocumentError(f"{image.document} holds no labels.")
    present = set(np.unique(table.semantic(labels)).tolist()) - {0}
    return LabelledImage(
        name=name,
        image=image.path,
        labels=labels,
        instances=table,
        absent=frozenset(checked - present),
        is_checked=bool(asked | present) and (asked | present) <= checked,
    )


def _check_classes(image: ProjectImage, layer: LabelLayer, ontology: QuerySheet) -> None:
    """Raise DocumentError if an id of a layer has another name in the ontology, or none there."""
    names = ontology.names
    for entry in layer.provenance.get("queries", []):
        name = names.get(entry["id"])
        if name is not None and Query(name).key != Query(entry["text"]).key:
            raise DocumentError(
                f'{image.document} calls class {entry["id"]} "{entry["text"]}", the ontology "{name}": labels of '
                "another list cannot be exported with it."
            )


def _read_table(layer: LabelLayer) -> InstanceTable:
    """Return the instances of a layer."""
    fields = layer.provenance.get("instances")
    try:
        return InstanceTable() if fields is None else InstanceTable.from_dict(fields)
    except QueryError as error:
        raise DocumentError(f'The instances of the layer "{layer.name}" cannot be read: {error}') from error


def _find_checked(layer: LabelLayer, labels: Int32[np.ndarray, "H W"], table: InstanceTable) -> set[int]:
    """Return the classes whose labels are still as they were when a person checked them."""
    checked = {int(id_): digest for id_, digest in layer.provenance.get("checked", {}).items()}
    now = digest_labels(labels, list(checked), table)
    return {id_ for id_, digest in checked.items() if now[id_] == digest}


def _with_new_ids(
    labels: Int32[np.ndarray, "H W"], own: InstanceTable, table: InstanceTable
) -> tuple[Int32[np.ndarray, "H W"], InstanceTable]:
    """Return labels whose instances have ids in another table, which so grows."""
    if not table.query_ids or not own.query_ids:
        return labels, own if own.query_ids else table
    more, new_ids = table.added(own.query_ids.values())
    moved = labels.copy()
    for old, new in zip(own.query_ids, new_ids, strict=True):
        moved[labels == old] = new
    return moved, more
