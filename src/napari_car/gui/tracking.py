"""Keep a label layer's ledger in step with the layer's undo history."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Labels

from napari_car.annotation.ledger import Entry, Ledger
from napari_car.annotation.proposal import Change

KEY = "napari-car"
"""Where a layer's metadata holds what this plugin knows of it."""


@dataclass(slots=True, eq=False)
class _Write:
    """One of the program's undo steps."""

    atom: tuple[Any, np.ndarray, Any]
    """What napari's history holds of it: indices, values before, values after."""
    entry: Entry
    is_applied: bool = True


class EditTracker:
    """The ledger of one label layer, which follows undo and redo of what the program wrote.

    Parameters
    ----------
    layer : Labels
    ledger : Ledger

    Notes
    -----
    napari (0.9) has no event for undo, and no public way to ask whether a step is undone. So the two private queues
    of the layer's history are looked at, never changed, whenever the layer is drawn, painted, or asked about here.
    """

    def __init__(self, layer: Labels, ledger: Ledger) -> None:
        self._layer = ref(layer)  # the layer outlives its tracker, not the other way round
        self._ledger = ledger
        self._writes: list[_Write] = []
        layer.events.set_data.connect(self._follow_history)
        layer.events.paint.connect(self._follow_history)

    @property
    def ledger(self) -> Ledger:
        """The ledger as of now."""
        self._follow_history()
        return self._ledger

    def write(self, change: Change) -> None:
        """Write into the layer, as one step that can be undone."""
        layer = self._layer()
        if layer is None or not len(change):
            return
        history = layer._undo_history
        before = history[-1] if history else None
        layer.data_setitem(change.indices, change.values)
        entry = self._ledger.write(change.indices, change.values)
        if history and history[-1] is not before:
            self._writes.append(_Write(history[-1][0], entry))

    def _follow_history(self) -> None:
        """Take back the writes that were undone, and repeat those that were redone."""
        layer = self._layer()
        if layer is None or not self._writes:
            return
        undone = {id(atom) for item in layer._redo_history for atom in item}
        done = {id(atom) for item in layer._undo_history for atom in item}
        for write in reversed(self._writes):
            if write.is_applied and not self._stands(write, layer, done, undone):
                self._ledger.take_back(write.entry)
                write.is_applied = False
        for write in self._writes:
            if not write.is_applied and id(write.atom) in done:
                self._ledger.repeat(write.entry)
                write.is_applied = True
        # What is in neither queue can be neither undone nor redone any more.
        self._writes = [write for write in self._writes if id(write.atom) in done | undone]

    @staticmethod
    def _stands(write: _Write, layer: Labels, done: set[int], undone: set[int]) -> bool:
        """Tell whether a write is applied; where the history has forgotten it, the layer's labels tell."""
        if id(write.atom) in done | undone:
            return id(write.atom) in done
        indices, before, after = write.atom
        now = np.asarray(layer.data[indices])
        return bool(np.count_nonzero(now == after) >= np.count_nonzero(now == before))


_trackers: WeakKeyDictionary[Labels, EditTracker] = WeakKeyDictionary()


def track(layer: Labels) -> EditTracker:
    """Return the tracker of a label layer; one that is not tracked yet has the ledger in its metadata.

    A layer that this program did not make, or whose ledger does not fit it any more, is a person's wherever it holds
    a label.
    """
    tracker = _trackers.get(layer)
    if tracker is not None and tracker.ledger.shape == layer.data.shape:
        return tracker
    notes = layer.metadata.setdefault(KEY, {})
    ledger = notes.get("ledger")
    if not isinstance(ledger, Ledger) or ledger.shape != layer.data.shape:
        labels = np.asarray(layer.data)
        ledger = notes["ledger"] = Ledger.restored(labels, labels != 0)
    _trackers[layer] = tracker = EditTracker(layer, ledger)
    return tracker
