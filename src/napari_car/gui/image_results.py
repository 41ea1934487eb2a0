"""The results of one image: written where nothing stands yet, proposed where something does."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Int32
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_car.annotation.frames import Frame
from napari_car.annotation.outcome import QuerySummary
from napari_car.annotation.proposal import Change, Proposal, ProposalSummary, ProposedPlane
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import TOGETHER

from .layer_notes import KEY, instances_of
from .proposal_layer import ProposalLayer
from .result_layers import add_result, describe_queries, lay_over, results_of
from .sources import ImageSource
from .tracking import track

Painted = Mapping[int, Int32[np.ndarray, "H W"]]


OTHER_LABELS = (
    "Labels of another list of queries are left alone, and these are in a layer of their own: List > Take over the "
    "queries of the labels goes on with the others."
)


class ImageResults:
    """Result layers of one image and the proposal for them.

    A frame in which nothing stands and nobody painted is written at once, as one undo step. Elsewhere the new labels
    are a proposal, shown as outlines, until it is accepted, as one undo step for each layer, or discarded.

    Parameters
    ----------
    viewer : ViewerModel
    image : Image
    source : ImageSource
        The image as it was captured for the run.
    sheet : QuerySheet
        Names and colours.
    """

    def __init__(self, viewer: ViewerModel, image: Image, source: ImageSource, sheet: QuerySheet) -> None:
        self.image, self.source = image, source
        self._viewer, self.sheet = viewer, sheet
        self._asked, self._asked_sheet = frozenset(sheet.query_ids), sheet
        self._proposals: dict[int, Proposal] = {}
        self._shown = ProposalLayer(viewer, source)
        self._record: dict[str, Any] | None = None
        self._written: list[Labels] = []
        for layer in self.layers.values():
            lay_over(layer, source)
        has_others = len(results_of(viewer, image, source.axes.shape)) > len(self.layers)
        self.notes = (OTHER_LABELS,) if has_others else ()
        """What a person should know of the choice of layers, in sentences."""

    @property
    def layers(self) -> dict[int, Labels]:
        """Result layers that are in the viewer now."""
        return results_of(self._viewer, self.image, self.source.axes.shape, self.sheet)

    @property
    def has_proposal(self) -> bool:
        """Whether something waits to be accepted or discarded."""
        return bool(self._proposals)

    def put(self, frame: Frame, painted: Painted, *, propose: bool = False) -> None:
        """Write the labels of a frame, or propose them.

        Parameters
        ----------
        frame : Frame
        painted : mapping of int to ndarray
            Label maps by layer; see :class:`napari_car.annotation.survey.FrameFinished`.
        propose : bool
            Propose even where nothing stands.
        """
        layers = self.layers
        for key, labels in painted.items():
            layer = layers.get(key)
            if layer is None:
                if key and not labels.any():
                    continue  # a query of its own gets a layer when it is found
                layer = self._add(key)
            if propose or not self._is_untouched(layer, frame):
                self._propose(key, layer, ProposedPlane(frame, labels))
            else:
                self._write(layer, self._fill(frame, labels))
        self._show()

    def describe(self, sheet: QuerySheet, summaries: Iterable[QuerySummary] = ()) -> None:
        """Put names, colours and findings into all layers, and into those to come."""
        self.sheet = sheet
        summaries = tuple(summaries)
        for layer in self.layers.values():
            describe_queries(layer, sheet, summaries)
        self._shown.colour(sheet.colours)

    def note_run(self, record: dict[str, Any]) -> None:
        """Keep the record of a run: at once with what it wrote, with the rest when that is accepted."""
        for layer in self._written:
            layer.metadata[KEY].setdefault("runs", []).append(record)
        self._written.clear()
        self._record = record

    def summary(self) -> ProposalSummary:
        """Tell what accepting would do."""
        return ProposalSummary.total(proposal.summary for proposal in self._proposals.values())

    def accept(self, *, protect: bool = True) -> None:
        """Write the proposal, each layer in one undo step.

        Parameters
        ----------
        protect : bool
            Leave a person's pixels alone; off: they are replaced, and can be had back by undo.
        """
        pending = self._pending(protect=protect)
        self.discard()
        for layer, changes in pending:
            if changes:
                self._write(layer, changes)
        if self._record is not None and self._written:
            self.note_run(self._record)

    def discard(self) -> None:
        """Forget the proposal."""
        self._proposals.clear()
        self._show()

    def on_proposal_removed(self, callback: Callable[[], None]) -> None:
        """Call back when a person deletes the layer of the proposal, which discards it."""

        def discarded() -> None:
            self._proposals.clear()
            callback()

        self._shown.removed = discarded

    def close(self) -> None:
        """Take the proposal's layer out of the viewer, and let go of it."""
        self._proposals.clear()
        self._shown.close()

    def _propose(self, key: int, layer: Labels, plane: ProposedPlane) -> None:
        """Propose a plane, unless it would change nothing, not even a person's pixels."""
        proposal = self._proposals.setdefault(key, Proposal(self._asked))
        proposal.put(plane, layer.data, self.source.axes, track(layer).ledger, instances_of(layer))
        if not len(proposal):
            del self._proposals[key]

    def _fill(self, frame: Frame, labels: Int32[np.ndarray, "H W"]) -> tuple[Change, ...]:
        """Return the change that writes the labels of a frame where nothing stands."""
        axes = self.source.axes
        block = axes.plane_of(labels)
        return (Change(axes.index(frame.plane, frame.kept), block, block != 0),) if labels.any() else ()

    def _pending(self, *, protect: bool) -> list[tuple[Labels, tuple[Change, ...]]]:
        """Return the change of each layer; one that was removed is made anew, since its labels were asked for."""
        layers = self.layers
        pending = []
        for key, proposal in self._proposals.items():
            layer = layers.get(key) or self._add(key)
            changes = proposal.changes(
                layer.data, self.source.axes, track(layer).ledger, instances_of(layer), protect=protect
            )
            pending.append((layer, changes))
        return pending

    def _add(self, key: int) -> Labels:
        """Add a result layer; a query that was removed from the list since the run began has its name of then."""
        sheet = self.sheet if key in (TOGETHER, *self.sheet.names) else self._asked_sheet
        return add_result(self._viewer, self.source, self.image, key, sheet)

    def _write(self, layer: Labels, changes: Collection[Change]) -> None:
        """Write changes, and remember that the present run wrote into the layer."""
        track(layer).write(changes)
        if layer not in self._written:
            self._written.append(layer)

    def _is_untouched(self, layer: Labels, frame: Frame) -> bool:
        """Tell whether a frame holds no label and nothing of a person's."""
        index = self.source.axes.index(frame.plane, frame.kept)
        return not np.any(layer.data[index]) and not track(layer).ledger.human(layer.data, index).any()

    def _show(self) -> None:
        """Show the outlines of what is proposed."""
        planes = [plane for proposal in self._proposals.values() for plane in proposal.planes]
        self._shown.show(planes, self.sheet.colours)
