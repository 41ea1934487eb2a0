"""The labels of a document as one map, of which each plane is an image of a data set."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.document import Document
from napari_car.annotation.frames import Box
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.layer_reading import find_asked, find_checked, read_instances
from napari_car.annotation.project import ProjectImage
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError
from napari_car.io.find import is_zarr
from napari_car.queries import Query

from .labelled_image import LabelledImage
from .stored_image import ImagePart, StoredImage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DocumentLabels:
    """The labels of a document as one map.

    Parameters
    ----------
    labels : ndarray, (..., H, W), int32
        Ids of classes, or of instances; planes of a stack before rows and columns.
    instances : InstanceTable
    asked : frozenset of int
        Classes that were looked for.
    checked : frozenset of int
        Classes whose labels a person has checked.
    stored : StoredImage
        The file of the image.
    """

    labels: Int32[np.ndarray, "*axes H W"]
    instances: InstanceTable
    asked: frozenset[int]
    checked: frozenset[int]
    stored: StoredImage

    def check_stack(self) -> None:
        """Raise ImageError if there are several planes, but not those of the image's file."""
        if self.labels.ndim > 2:
            self._part((0,) * (self.labels.ndim - 2)).find_stack_axes()

    def plane(self, name: str, image: ProjectImage, index: tuple[int, ...]) -> LabelledImage:
        """Return a plane under a name; of an image that is no stack, the index is empty.

        Raises
        ------
        DocumentError
            If there is no such plane any more.
        ImageError
            If its labels are not those of classes.
        """
        shape = self.labels.shape
        if len(index) != len(shape) - 2 or any(place >= size for place, size in zip(index, shape, strict=False)):
            raise DocumentError(f"The labels of {image.key} have other planes than before: export them again.")
        labels = self.labels[index]
        present = frozenset(np.unique(self.instances.semantic(labels)).tolist()) - {0}
        wanted = self.asked | present
        return LabelledImage(
            name=name,
            image=image.path,
            labels=labels,
            instances=self.instances,
            absent=self.checked - present,
            is_checked=bool(wanted) and wanted <= self.checked,
            part=self._part(index) if index or is_zarr(image.path) else None,
        )

    def _part(self, index: tuple[int, ...]) -> ImagePart:
        """Return what of the file a plane is."""
        shape = self.labels.shape
        return ImagePart(self.stored, shape, index, Box(0, 0, *shape[-2:]))


def merge_layers(image: ProjectImage, document: Document, ontology: QuerySheet) -> DocumentLabels:
    """Return the labels of a document; of several layers, the higher ones lie on top.

    Parameters
    ----------
    image : ProjectImage
    document : Document
    ontology : QuerySheet

    Raises
    ------
    DocumentError
        If it holds no labels, those of layers that differ in shape, or of other classes.
    """
    labels: Int32[np.ndarray, "*axes H W"] | None = None
    table = InstanceTable()
    checked: set[int] = set()
    asked: set[int] = set()
    for layer in document.layers:
        if labels is not None and layer.shape != labels.shape:
            raise DocumentError(
                f"{image.document} holds layers of labels of the shapes {labels.shape} and {layer.shape}: data sets "
                "take layers of one shape."
            )
        _check_classes(image, layer, ontology)
        own = np.asarray(layer.labels, dtype=np.int32)
        own_table = read_instances(layer)
        asked |= find_asked(layer)
        checked |= find_checked(layer, own, own_table)
        moved, table = _with_new_ids(own, own_table, table)
        labels = moved if labels is None else np.where(moved != 0, moved, labels)
    if labels is None:
        raise DocumentError(f"{image.document} holds no labels.")
    return DocumentLabels(
        labels=labels,
        instances=table,
        asked=frozenset(asked),
        checked=frozenset(checked),
        stored=StoredImage(image.path),
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


def _with_new_ids(
    labels: Int32[np.ndarray, "*axes H W"], own: InstanceTable, table: InstanceTable
) -> tuple[Int32[np.ndarray, "*axes H W"], InstanceTable]:
    """Return labels whose instances have ids in another table, which so grows."""
    if not table.query_ids or not own.query_ids:
        return labels, own if own.query_ids else table
    more, moved = table.adopted(labels, own)
    return moved, more
