"""How many objects there are of each query on a plane, counted in a worker thread."""

import threading
from collections.abc import Collection, Generator, Mapping

import numpy as np
from jaxtyping import Integer
from qtpy.QtWidgets import QWidget

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.instances import count_instances
from napari_car.annotation.correction.watershed import Splitting

from .latest_job import LatestJob
from .sentence import Sentence, warned

DELAY_MS = 250
"""Edits within this time are counted once."""


class InstanceCounts(Sentence):
    """Says how many instances there are, and would be, of each query.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Objects on this plane", parent)
        self._names: Mapping[int, str] = {}
        self._job = LatestJob(_count, DELAY_MS, self)
        self._job.yielded.connect(self._show)
        self._job.failed.connect(lambda reason: self.say(warned(reason)))

    def ask(
        self,
        labels: Integer[np.ndarray, "H W"],
        query_ids: Collection[int] | None,
        instances: InstanceTable,
        splitting: Splitting | None,
        names: Mapping[int, str],
    ) -> None:
        """Count the objects of a plane soon.

        Parameters
        ----------
        labels : ndarray, (H, W), int
            The plane.
        query_ids : collection of int or None
            Queries in question; None for all that are there.
        instances : InstanceTable
        splitting : Splitting or None
            When what touches is several objects; None: never.
        names : mapping of int to str
            Of the queries.
        """
        self._names = names
        self._job.ask(labels, query_ids, instances, splitting)

    def forget(self) -> None:
        """Say nothing."""
        self._job.stop()
        self.say("")

    def close_job(self) -> None:
        """Stop counting for good."""
        self._job.close()

    def _show(self, counts: Mapping[int, int]) -> None:
        """Say what was counted."""
        parts = [f"{self._names.get(id_, f'label {id_}')}: {n:,}" for id_, n in counts.items() if n]
        self.say(f"Objects on this plane: {', '.join(parts) or 'none'}")


def _count(
    labels: Integer[np.ndarray, "H W"],
    query_ids: Collection[int] | None,
    instances: InstanceTable,
    splitting: Splitting | None,
    is_stopped: threading.Event,
) -> Generator[dict[int, int], None, None]:
    """Count the instances of each query, and those that would be made of the rest of it."""
    boxes = find_boxes(labels)
    counts: dict[int, int] = {}
    for id_, box in boxes.items():
        query_id = instances.query_of(id_)
        if is_stopped.is_set():
            return
        if query_id < FIRST_ID and (query_ids is None or query_id in query_ids):
            is_one = query_id != id_
            n_objects = 1 if is_one else count_instances(labels[box.slices], [id_], splitting=splitting)[id_]
            counts[query_id] = counts.get(query_id, 0) + n_objects
    yield counts
