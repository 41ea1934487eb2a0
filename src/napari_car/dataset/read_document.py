"""An image of a data set, as it was read, becomes a document."""

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.sheet import QuerySheet

from .format import ReadImage


def make_document(found: ReadImage, sheet: QuerySheet, image_name: str) -> Document:
    """Return the labels of an image as a document of one layer.

    All that is labelled counts as a person's. A class of which there are several objects gets an instance for each.

    Parameters
    ----------
    found : ReadImage
    sheet : QuerySheet
        The ontology that its classes are of.
    image_name : str
        What the image is called in napari.
    """
    labels, table = tell_apart(found)
    provenance = {"kind": "labels", "image": image_name, "queries": sheet.to_dict()["entries"]}
    if table.query_ids:
        provenance["instances"] = table.to_dict()
    layer = LabelLayer(
        name=f"{image_name} labels",
        labels=labels,
        colours=sheet.colours,
        features={"index": [0, *sheet.names], "class": ["background", *sheet.names.values()]},
        provenance=provenance,
    )
    return Document(layers=(layer,))


def tell_apart(found: ReadImage) -> tuple[Int32[np.ndarray, "H W"], InstanceTable]:
    """Return labels, and the instances among them: of each class of which there are several objects."""
    if found.objects is None:
        return found.classes, InstanceTable()
    pairs, inverse = np.unique(np.stack([found.classes.ravel(), found.objects.ravel()]), axis=1, return_inverse=True)
    class_ids = pairs[0]
    n_objects = np.bincount(class_ids)
    is_instance = (class_ids > 0) & (n_objects[class_ids] > 1)
    table, ids = InstanceTable().added(class_ids[is_instance].tolist())
    label_of = class_ids.astype(np.int32)
    label_of[is_instance] = ids
    return label_of[inverse.ravel()].reshape(found.classes.shape), table
