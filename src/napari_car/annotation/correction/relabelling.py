"""Merge labels, and give labels or parts of them to another query."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Integer

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.frames import Box
from napari_car.annotation.proposal import Change
from napari_car.errors import PromptError

from .connected_parts import find_parts
from .instance_table import InstanceTable
from .plane_edit import PlaneEdit


@dataclass(frozen=True, slots=True, eq=False)
class Relabelling:
    """A change of labels by which instances may come into being.

    Parameters
    ----------
    change : Change or None
        None for nothing.
    instances : InstanceTable
        With the new instances.
    new_ids : tuple of int
        Their ids.
    """

    change: Change | None
    instances: InstanceTable
    new_ids: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, change: Change | None, before: InstanceTable, after: InstanceTable, new_ids: Collection[int]
    ) -> "Relabelling":
        """Return a relabelling with those new ids that were painted; protected pixels can be in the way of each."""
        if change is None:
            return cls(None, before)
        painted = set(np.unique(change.labels[change.where]).tolist())
        return cls(change, after, tuple(id_ for id_ in new_ids if id_ in painted))


def merge(
    labels: Integer[np.ndarray, "H W"],
    ids: Collection[int],
    *,
    into: int,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Give all pixels of some labels one label.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    ids : collection of int
        Labels that are merged; one that is not there adds nothing.
    into : int
        The label that they get; usually one of them.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Change or None
        None if nothing changes.
    """
    edit = PlaneEdit.around(labels, set(ids) - {into}, protected)
    for id_, box in edit.boxes.items():
        edit.paint(box, labels[box.slices] == id_, into)
    return edit.change()


def reassign(
    labels: Integer[np.ndarray, "H W"],
    id_: int,
    *,
    to: int,
    at: tuple[int, int] | None = None,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Change | None:
    """Give a label's pixels, or those of one of its connected parts, another label.

    Parameters
    ----------
    labels : ndarray, (H, W), int
        The plane; 0 is background.
    id_ : int
        The label.
    to : int
        The other label; 0 erases.
    at : tuple of int, optional
        Row and column of a pixel of the part that is meant; all of the label by default.
    protected : ndarray, (H, W), bool, optional
        Pixels that stay as they are.

    Returns
    -------
    Change or None
        None if nothing changes.

    Raises
    ------
    PromptError
        If the label is not at the pixel.
    """
    edit = PlaneEdit(labels, find_boxes(labels, [id_]), protected)
    for box in edit.boxes.values():
        edit.paint(box, find_label(labels, id_, box, at), to)
    return edit.change()


def reassign_to_query(
    labels: Integer[np.ndarray, "H W"],
    id_: int,
    query_id: int,
    instances: InstanceTable,
    *,
    at: tuple[int, int] | None = None,
    protected: Bool[np.ndarray, "H W"] | None = None,
) -> Relabelling:
    """Give a label, or one of its parts, to a query: what was told apart remains so, and else gets the query's id.

    Parameters
    ----------
    labels, id_, at, protected
        As for :func:`reassign`.
    query_id : int
        Of the query.
    instances : InstanceTable
        If the label is an instance, it gets a new id in it, since ids keep their meaning.

    Returns
    -------
    Relabelling

    Raises
    ------
    PromptError
        If the label is not at the pixel.
    QueryError
        If there are no ids left.
    """
    if instances.query_of(id_) == query_id:
        return Relabelling(None, instances)
    if id_ not in instances.query_ids:
        return Relabelling(reassign(labels, id_, to=query_id, at=at, protected=protected), instances)
    more, (new_id,) = instances.beyond(labels).added([query_id])
    change = reassign(labels, id_, to=new_id, at=at, protected=protected)
    return Relabelling.of(change, instances, more, (new_id,))


def find_label(
    labels: Integer[np.ndarray, "H W"], id_: int, box: Box, at: tuple[int, int] | None
) -> Bool[np.ndarray, "h w"]:
    """Return where a label, or its connected part at a pixel, is in the label's box.

    Raises
    ------
    PromptError
        If the label is not at the pixel.
    """
    own = np.asarray(labels[box.slices] == id_)
    if at is None:
        return own
    row, column = at[0] - box.top, at[1] - box.left
    if not (0 <= row < own.shape[0] and 0 <= column < own.shape[1] and own[row, column]):
        raise PromptError(f"Label {id_} is not at row {at[0]}, column {at[1]}: click into the part that is meant.")
    numbers = find_parts(own).numbers
    return np.asarray(numbers == numbers[row, column])
