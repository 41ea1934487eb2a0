"""Keep a label layer's ledger in step with the layer's undo history."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_car.annotation.ledger import Entry, Index, Ledger, compact
from napari_car.annotation.proposal import Change
from napari_car.errors import PromptError

from .layer_notes import notes_of

Atom = tuple[Index, NDArray[np.integer], NDArray[np.integer]]
"""A block, its labels before, and those after, as napari's history holds them."""


@dataclass(slots=True, eq=False)
class _Write:
    """One of the program's undo steps."""

    atoms: list[Atom]
    """What napari's history holds of it."""
    entries: list[Entry]
    is_applied: bool = True

    def is_among(self, atoms: set[int]) -> bool:
        """Tell whether it is one of those whose parts have these identities."""
        return id(self.atoms[0]) in atoms


class EditTracker:
    """The ledger of one label layer, which follows undo and redo of what the program wrote.

    Parameters
    ----------
    layer : Labels
    ledger : Ledger

    Notes
    -----
    napari (0.9) has no event for undo, and no public way to ask whether a step is undone. So the two private queues
    of the layer's history are looked at whenever the layer is drawn, painted, or asked about here.
    """

    def __init__(self, layer: Labels, ledger: Ledger) -> None:
        self._layer = ref(layer)  # the layer outlives its tracker, not the other way round
        self._ledger = ledger
        self._writes: list[_Write] = []
        self._n_writes = 0
        layer.events.set_data.connect(self._follow_history)
        layer.events.paint.connect(self._follow_history)

    @property
    def ledger(self) -> Ledger:
        """The ledger as of now."""
        self._follow_history()
        return self._ledger

    @property
    def version(self) -> Hashable:
        """Another one after each edit, undo and redo, so that what was computed of the labels can be kept till then."""
        self._follow_history()
        layer = self._layer()
        steps = () if layer is None else (layer._undo_history, layer._redo_history, layer._staged_history)
        atoms = tuple((len(queue), id(queue[-1]) if queue else 0) for queue in steps)
        return id(layer.data) if layer is not None else 0, atoms, self._n_writes

    def write(self, changes: Collection[Change]) -> None:
        """Write into the layer as the program, as one step that can be undone."""
        self._write(changes, changes)

    def convert(self, changes: Collection[Change]) -> None:
        """Give masks other ids, as one step that can be undone: a person's pixels stay one's, and no others become so.

        Parameters
        ----------
        changes : collection of Change
            By which no pixel gets another query: it becomes an instance of it, or is one no more.
        """
        layer, ledger = self._layer(), self.ledger
        if layer is not None:
            self._write(changes, [_spare_owner(change, layer.data, ledger) for change in changes])

    def _write(self, changes: Collection[Change], noted: Collection[Change]) -> None:
        """Write some changes into the layer, and others into the ledger."""
        layer = self._layer()
        if layer is not None and changes:
            atoms = write_blocks(layer, changes)
            entries = [self._ledger.write(change.index, change.labels, change.where) for change in noted]
            self._writes.append(_Write(atoms, entries))
            self._n_writes += 1

    def _follow_history(self) -> None:
        """Take back the writes that were undone, and repeat those that were redone."""
        layer = self._layer()
        if layer is None or not self._writes:
            return
        undone = {id(atom) for item in layer._redo_history for atom in item}
        done = {id(atom) for item in layer._undo_history for atom in item}
        for write in reversed(self._writes):
            if write.is_applied and not self._stands(write, layer, done, undone):
                for entry in reversed(write.entries):
                    self._ledger.take_back(entry)
                write.is_applied = False
        for write in self._writes:
            if not write.is_applied and write.is_among(done):
                for entry in write.entries:
                    self._ledger.repeat(entry)
                write.is_applied = True
        # What is in neither queue can be neither undone nor redone any more.
        self._writes = [write for write in self._writes if write.is_among(done | undone)]

    @staticmethod
    def _stands(write: _Write, layer: Labels, done: set[int], undone: set[int]) -> bool:
        """Tell whether a write is applied; where the history has forgotten it, the layer's labels tell."""
        if write.is_among(done | undone):
            return write.is_among(done)
        n_after = sum(np.count_nonzero(layer.data[index] == after) for index, _, after in write.atoms)
        n_before = sum(np.count_nonzero(layer.data[index] == before) for index, before, _ in write.atoms)
        return bool(n_after >= n_before)


def _spare_owner(change: Change, labels: NDArray[np.signedinteger], ledger: Ledger) -> Change:
    """Return what the ledger notes of a conversion, so that each pixel stays whose it is.

    A person's pixel stays one's as long as the ledger holds another label. Where it holds the very label that the pixel
    gets now, it notes the one that the pixel had: of the same query, and another one.
    """
    human, written = ledger.human(labels, change.index), ledger.automatic(change.index)
    noted = np.where(human, labels[change.index], change.labels).astype(np.int32)
    return Change(change.index, noted, change.where & (~human | (written == change.labels)))


def write_blocks(layer: Labels, changes: Collection[Change]) -> list[Atom]:
    """Write into a layer, as one step that can be undone; what is not noted in its ledger counts as a person's.

    Returns
    -------
    list of tuple
        What napari's history holds of it.

    Raises
    ------
    PromptError
        If the layer cannot hold the labels, since its numbers are small; nothing is written then.

    Notes
    -----
    The layer's public ``data_setitem`` lists each pixel, which takes twenty times the time and memory where whole
    planes are written. So what it does is done here, with blocks: they are put into the history as it does that, and
    written.
    """
    highest = np.iinfo(layer.data.dtype).max
    new = max((int(np.max(change.labels, initial=0, where=change.where)) for change in changes), default=0)
    if new > highest:
        raise PromptError(
            f"{layer.name} cannot hold label {new:,}, as its labels end at {highest:,}: convert it to int32 by a "
            "right-click in the layer list."
        )
    atoms = []
    with layer.block_history():
        for change in changes:
            before = layer.data[change.index]
            after = np.where(change.where, change.labels, before)
            atoms.append((change.index, compact(before), compact(after)))
            layer._save_history(atoms[-1])
            layer.data[change.index] = after
    layer.refresh(extent=False)
    return atoms


_trackers: WeakKeyDictionary[Labels, EditTracker] = WeakKeyDictionary()


def track(layer: Labels) -> EditTracker:
    """Return the tracker of a label layer; one that is not tracked yet has the ledger in its metadata.

    A layer that this program did not make, or whose ledger does not fit it any more, is a person's wherever it holds
    a label.
    """
    tracker = _trackers.get(layer)
    if tracker is not None and tracker.ledger.shape == layer.data.shape:
        return tracker
    notes = notes_of(layer)
    ledger = notes.get("ledger")
    if not isinstance(ledger, Ledger) or ledger.shape != layer.data.shape:
        labels = np.asarray(layer.data)
        ledger = notes["ledger"] = Ledger.restored(labels, labels != 0)
    _trackers[layer] = tracker = EditTracker(layer, ledger)
    return tracker
