"""From the masks of queries to instances, and back."""

from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Int32, Integer
from numpy.typing import NDArray

from napari_car.annotation.boxes import box_where, find_boxes
from napari_car.annotation.frames import Box
from napari_car.annotation.proposal import Change

from .connected_parts import Connectivity
from .instance_table import FIRST_ID, InstanceTable
from .objects import count_objects, find_objects
from .plane_edit import PlaneEdit
from .relabelling import Relabelling
from .watershed import Splitting


def to_instances(
    labels: Integer[np.ndarray, "H W"],
    query_ids: Collection[int],
    instances: InstanceTable,
    *,
    connectivity: Connectivity = 8,
    splitting: Splitting | None = None,
    earlier: Integer[np.ndarray, "H W"] | None = None,
) -> Relabelling:
    """Tell the objects of queries apart: each becomes an instance.

    What is an instance already stays one, with its id. Nothing is protected, since no pixel changes its query.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    query_ids : collection of int
        Ids of the queries.
    instances : InstanceTable
    connectivity : {8, 4}
        Whether pixels that touch at a corner are of one object.
    splitting : Splitting, optional
        When a connected part is several objects; each is one by default.
    earlier : ndarray, (H, W), int, optional
        Labels of the plane at an earlier time. Of their instances that are not on the plane any more, an object gets
        the id of the one that it overlaps most, if that is of the same query, so that ids stay when objects are told
        apart anew. No id is given twice; the largest overlap decides.

    Returns
    -------
    Relabelling
        Without a change if the plane holds none of the queries' labels.

    Raises
    ------
    QueryError
        If there are no ids left.
    """
    edit = PlaneEdit.around(labels, query_ids)
    found = []
    for query_id, box in edit.boxes.items():
        for part, objects in find_objects(labels[box.slices] == query_id, connectivity, splitting):
            found.append((query_id, part.moved(box.top, box.left), objects))
    n_objects = [int(objects.max()) for _, _, objects in found]
    starts = np.cumsum([0, *n_objects])
    queries = [query_id for (query_id, _, _), n in zip(found, n_objects, strict=True) for _ in range(n)]
    known: dict[int, int] = {} if earlier is None else _match(found, starts, earlier, labels, instances)
    new = [number for number in range(len(queries)) if number not in known]
    more, new_ids = instances.beyond(labels).added([queries[number] for number in new])
    id_of = np.zeros(len(queries), dtype=np.int32)
    id_of[new] = new_ids
    id_of[list(known)] = list(known.values())
    for (_, part, objects), start in zip(found, starts, strict=False):
        # The last object's id stands for outside, too, where nothing is painted.
        edit.paint(part, objects > 0, id_of[start + objects - 1])
    return Relabelling(edit.change(), more if new_ids else instances, new_ids)


def to_semantic(
    labels: Integer[np.ndarray, "H W"], instances: InstanceTable, query_ids: Collection[int] | None = None
) -> Change | None:
    """Give the instances of queries the ids of their queries, which loses what told them apart, and nothing else.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    instances : InstanceTable
        Labels that it does not know stay.
    query_ids : collection of int, optional
        Ids of the queries; all by default.

    Returns
    -------
    Change or None
        None if there are no instances, as on an empty plane.
    """
    box = box_where(labels, lambda band: band >= FIRST_ID)
    edit = PlaneEdit(labels, {} if box.is_empty else {FIRST_ID: box})
    semantic = instances.semantic(edit.labels(box))
    where = np.ones(semantic.shape, dtype=bool) if query_ids is None else np.isin(semantic, list(query_ids))
    edit.paint(box, where, semantic)
    return edit.change()


def count_instances(
    labels: Integer[np.ndarray, "H W"],
    query_ids: Collection[int],
    *,
    connectivity: Connectivity = 8,
    splitting: Splitting | None = None,
) -> dict[int, int]:
    """Return how many instances :func:`to_instances` would make of each query, which takes less time.

    Parameters are as there; queries of which there is nothing have 0.
    """
    boxes = find_boxes(labels, query_ids)
    counts = {id_: count_objects(labels[box.slices] == id_, connectivity, splitting) for id_, box in boxes.items()}
    return {id_: counts.get(id_, 0) for id_ in query_ids}


_MANY = 2**32  # more than there are labels

_Found = Sequence[tuple[int, Box, Int32[np.ndarray, "h w"]]]
"""Query, box and objects of each connected part."""


def _match(
    found: _Found,
    starts: NDArray[np.intp],
    earlier: Integer[np.ndarray, "H W"],
    labels: Integer[np.ndarray, "H W"],
    instances: InstanceTable,
) -> dict[int, int]:
    """Return earlier instances by the number of the object that covers most of them, each once."""
    is_there = set(np.unique(labels[labels >= FIRST_ID]).tolist())  # and those that were given again
    overlaps = []
    for (query_id, part, objects), start in zip(found, starts, strict=False):
        before = earlier[part.slices]
        both = (objects > 0) & (before >= FIRST_ID)
        pairs = objects[both].astype(np.int64) * _MANY + before[both]  # as one number, which is sorted faster
        overlaps += [
            (-n, int(start) + pair // _MANY - 1, pair % _MANY)
            for pair, n in zip(*(column.tolist() for column in np.unique(pairs, return_counts=True)), strict=True)
            if instances.query_ids.get(pair % _MANY) == query_id
        ]
    matched: dict[int, int] = {}
    for _, number, id_ in sorted(overlaps):
        if number not in matched and id_ not in is_there:
            matched[number] = id_
            is_there.add(id_)
    return matched
