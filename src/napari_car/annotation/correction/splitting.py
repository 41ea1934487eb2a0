"""Split objects of one label that touch."""

import numpy as np
from jaxtyping import Bool, Integer

from napari_car.annotation.boxes import find_boxes

from .instance_table import InstanceTable
from .objects import find_objects
from .plane_edit import PlaneEdit
from .relabelling import Relabelling, find_label
from .watershed import Splitting


def split_touching(
    labels: Integer[np.ndarray, "H W"],
    id_: int,
    instances: InstanceTable,
    splitting: Splitting,
    *,
    at: tuple[int, int] | None = None,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Relabelling:
    """Split the connected parts of a label into the objects that they are made of.

    Of each part, the largest object keeps the label; the others become new instances of the same query. Parts that are
    one object stay as they are.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    id_ : int
        The label.
    instances : InstanceTable
    splitting : Splitting
        When a part counts as several objects.
    at : tuple of int, optional
        Row and column of a pixel of the part that is meant; all parts by default.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Relabelling
        Without a change if each part is one object, as on an empty plane.

    Raises
    ------
    PromptError
        If the label is not at the pixel.
    QueryError
        If there are no ids left.
    """
    edit = PlaneEdit(labels, find_boxes(labels, [id_]), protected)
    found = []
    for box in edit.boxes.values():
        meant = find_label(labels, id_, box, at)
        found += [(part.moved(box.top, box.left), objects) for part, objects in find_objects(meant, 8, splitting)]
    n_new = sum(int(objects.max()) - 1 for _, objects in found)
    if not n_new:
        return Relabelling(None, instances)
    more, new_ids = instances.beyond(labels).added([instances.query_of(id_)] * n_new)
    become = iter(new_ids)
    for part, objects in found:
        n_objects = int(objects.max())
        largest = np.bincount(objects[objects > 0]).argmax()
        label_of = [0, *(id_ if number == largest else next(become) for number in range(1, n_objects + 1))]
        edit.paint(part, objects > 0, np.array(label_of, dtype=np.int32)[objects])
    return Relabelling.of(edit.change(), instances, more, new_ids)
