"""Merge and cut the labels that a drawn line goes through."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Float, Integer
from numpy.typing import NDArray

from napari_car.annotation.frames import Box
from napari_car.annotation.proposal import Change

from .cutting import cut
from .instance_table import InstanceTable
from .relabelling import Relabelling, merge
from .several_labels import relabel_each

_SAMPLES_PER_PX = 4


def labels_along(labels: Integer[np.ndarray, "H W"], path: Float[np.ndarray, "K 2"]) -> tuple[int, ...]:
    """Return the labels that a line goes through, in its order, each once.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    path : ndarray, (K, 2), float
        Corners of the line, (row, col) in px; whole numbers are the centres of pixels. They may lie off the plane.
    """
    rows, columns = np.rint(_sample(np.asarray(path, dtype=np.float64).reshape(-1, 2))).astype(np.intp).T
    is_within = (rows >= 0) & (rows < labels.shape[0]) & (columns >= 0) & (columns < labels.shape[1])
    seen = labels[rows[is_within], columns[is_within]]
    return tuple(dict.fromkeys(seen[seen > 0].tolist()))


def merge_along(
    labels: Integer[np.ndarray, "H W"],
    path: Float[np.ndarray, "K 2"],
    instances: InstanceTable | None,
    *,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> tuple[Change | None, tuple[int, ...]]:
    """Give the labels that a line goes through the first one's id.

    Parameters
    ----------
    labels, path
        As for :func:`labels_along`.
    instances : InstanceTable or None
        Only labels of the first one's query are merged with it; None: all are.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    change : Change or None
        None if nothing changes.
    ids : tuple of int
        The labels that are one now, the first one first; empty if the line goes through none.
    """
    ids = labels_along(labels, path)
    if ids and instances is not None:
        ids = tuple(id_ for id_ in ids if instances.query_of(id_) == instances.query_of(ids[0]))
    return (merge(labels, ids, into=ids[0], protected=protected) if ids else None), ids


def cut_along(
    labels: Integer[np.ndarray, "H W"],
    path: Float[np.ndarray, "K 2"],
    ids: Collection[int],
    instances: InstanceTable,
    *,
    width_px: float,
    cuts_all: bool = False,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Relabelling:
    """Cut the first label that a line goes right through, or all of them.

    Parameters
    ----------
    labels, path
        As for :func:`labels_along`.
    ids : collection of int
        Labels in question, the first one first.
    instances : InstanceTable
        Gives no id that is on the plane; see :meth:`InstanceTable.beyond`.
    width_px : float
        As for :func:`.cutting.cut`.
    cuts_all : bool
        Whether all of them are cut.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Relabelling
        The smaller sides are new instances.
    """
    corners = np.asarray(path, dtype=np.float64).reshape(-1, 2)

    def cut_label(part: Integer[np.ndarray, "h w"], id_: int, box: Box, so_far: InstanceTable) -> Relabelling:
        return cut(part, id_, corners - [box.top, box.left], so_far, width_px=width_px)

    for some in [ids] if cuts_all else [[id_] for id_ in ids]:
        done = relabel_each(labels, some, instances, cut_label, protected=protected)
        if done.change is not None:
            return done
    return Relabelling(None, instances)


def _sample(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places along a line, so close that no pixel is missed by more than a corner."""
    pieces = [
        np.linspace(start, stop, int(np.ceil(np.hypot(*(stop - start)) * _SAMPLES_PER_PX)) + 1)
        for start, stop in zip(corners, corners[1:] if len(corners) > 1 else corners, strict=False)
    ]
    return np.concatenate(pieces) if pieces else np.empty((0, 2))
