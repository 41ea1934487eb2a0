"""Whose work the mask of each query is, kept up to date while label layers are edited."""

import threading
from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.correction.mask_state import MaskState, examine_masks

from .latest_job import LatestJob
from .layer_notes import checked_of, instances_of, set_checked
from .tracking import track

DELAY_MS = 200
"""Edits within this time are looked at together."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What states depend on, to be compared."""

    edits: Hashable
    query_ids: tuple[int, ...]
    checked: Mapping[int, str]
    instances: InstanceTable

    @classmethod
    def of(cls, layer: Labels, query_ids: tuple[int, ...]) -> "_Version":
        """Return that of a layer as it is now."""
        return cls(track(layer).version, query_ids, checked_of(layer), instances_of(layer))


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A layer whose masks are to be looked at; the worker does not touch the layer itself."""

    layer: Labels
    version: _Version
    automatic: np.ndarray
    labels: np.ndarray


class LabelStates(QObject):
    """Follows the masks of queries, and knows which of them a person has marked as checked.

    States are found in a worker thread, after edits, undo, redo and runs, and only of layers that have changed. Pixels
    that are painted meanwhile do no harm, since they are asked about again. What a script writes into a layer's data is
    noticed at the next edit.

    Parameters
    ----------
    parent : QObject, optional
    """

    changed = Signal()
    """:attr:`masks` has changed."""
    failed = Signal(str)
    """A sentence for the user."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers: dict[int, Labels] = {}
        self._versions: dict[Labels, _Version] = {}
        self._unknown: set[Labels] = set()
        self._masks: dict[int, MaskState] = {}
        self._job = LatestJob(_examine_layers, DELAY_MS, self)
        self._job.yielded.connect(self._on_yielded)
        self._job.failed.connect(self.failed)

    @property
    def masks(self) -> Mapping[int, MaskState]:
        """The masks of queries, by id, as far as they are known."""
        return dict(self._masks)

    @property
    def is_busy(self) -> bool:
        """Whether something is looked at."""
        return self._job.is_busy

    def watch(self, layers: Mapping[int, Labels]) -> None:
        """Follow these masks and no others.

        Parameters
        ----------
        layers : mapping of int to Labels
            By id of a query, the layer that its mask is in.
        """
        before, self._layers = self._layers, dict(layers)
        old, new = set(before.values()), set(layers.values())
        for layer in old - new:
            layer.events.paint.disconnect(self._look)
            layer.events.set_data.disconnect(self._look)
            self._versions.pop(layer, None)
        for layer in new - old:
            layer.events.paint.connect(self._look)
            layer.events.set_data.connect(self._look)
        self._unknown &= new
        gone = [id_ for id_ in self._masks if layers.get(id_) is not before.get(id_)]
        for id_ in gone:
            del self._masks[id_]
        self._look()
        if gone:
            self.changed.emit()

    def toggle_check(self, id_: int) -> bool:
        """Mark the mask of a query, as it is now, as checked; if it is marked as it is now, take the mark back.

        Returns
        -------
        bool
            Whether it is marked now.

        Raises
        ------
        KeyError
            If its mask is not followed.
        """
        layer = self._layers[id_]
        digest = digest_labels(np.asarray(layer.data), [id_], instances_of(layer))[id_]
        checked = dict(checked_of(layer))
        if checked.get(id_) == digest:
            del checked[id_]
        else:
            checked[id_] = digest
            if id_ in self._masks:  # the worker will say the same a little later
                self._masks[id_] = replace(self._masks[id_], state="checked", is_outdated=False)
        set_checked(layer, checked)
        self._look()
        self.changed.emit()
        return id_ in checked

    def close(self) -> None:
        """Stop, say nothing any more, and let go of all layers."""
        self.watch({})
        self._job.close()

    def _look(self, _event: Any = None) -> None:
        """Ask about the layers that have changed; this is called at each redraw."""
        has_news = False
        for layer in dict.fromkeys(self._layers.values()):
            query_ids = tuple(id_ for id_, other in self._layers.items() if other is layer)
            version = _Version.of(layer, query_ids)
            if self._versions.get(layer) != version:
                self._versions[layer] = version
                self._unknown.add(layer)
                has_news = True
        if has_news:
            self._job.ask([self._task(layer) for layer in self._unknown])
        elif not self._unknown:
            self._job.stop()

    def _task(self, layer: Labels) -> _Task:
        """Return what the worker needs to know of a layer."""
        return _Task(layer, self._versions[layer], track(layer).ledger.automatic(), np.asarray(layer.data))

    def _on_yielded(self, found: tuple[_Task, Mapping[int, MaskState]]) -> None:
        """Take over what was found of a layer, unless it has changed since."""
        task, masks = found
        if self._versions.get(task.layer) == task.version:
            self._unknown.discard(task.layer)
            self._masks |= masks
            self.changed.emit()


def _examine_layers(
    tasks: Sequence[_Task], is_stopped: threading.Event
) -> Generator[tuple[_Task, Mapping[int, MaskState]], None, None]:
    """Find the states of one layer after another."""
    for task in tasks:
        if is_stopped.is_set():
            return
        version = task.version
        yield (
            task,
            examine_masks(task.automatic, task.labels, version.query_ids, version.checked, version.instances),
        )
