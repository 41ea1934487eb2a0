"""Whose work the masks of results are: shown in the table and the layers, and marked as checked by a person."""

from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from .label_states import LabelStates
from .mask_column import note_states
from .result_navigation import ResultNavigation
from .result_rows import queries_of, rows_of_layer
from .results_panel import ResultsPanel


class ResultStates(QObject):
    """Follows the masks of the results that the table is about.

    Before any run, the table is about the layer of results that was opened, which this shows in it, too.

    Parameters
    ----------
    viewer : ViewerModel
    navigation : ResultNavigation
    panel : ResultsPanel
    parent : QObject, optional
    """

    said = Signal(str)
    """What was done; a sentence."""
    failed = Signal(str)
    """A sentence for the user."""

    def __init__(
        self, viewer: ViewerModel, navigation: ResultNavigation, panel: ResultsPanel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._navigation, self._panel = viewer, navigation, panel
        self._layers: dict[int, Labels] = {}
        self.labels = LabelStates(self)
        """Finds the states."""
        self.labels.changed.connect(self._show)
        self.labels.failed.connect(self.failed)
        panel.check_wanted.connect(self.toggle_check)
        for event in self._events:
            event.connect(self.follow)
        self.follow()

    def follow(self, _event: Any = None) -> None:
        """Follow the masks that are there now."""
        self._layers = self._navigation.layers_by_query()
        self.labels.watch(self._layers)
        self._show()

    def toggle_check(self, id_: int | None = None) -> None:
        """Mark the mask of a query, by default the chosen one, as checked, or take the mark back; say so."""
        id_ = self._panel.table.current_id if id_ is None else id_
        layer = self._layers.get(id_)
        if layer is None:
            self.failed.emit("No mask is chosen that could be checked: click on a row of the results first.")
            return
        name = next(entry["text"] for entry in queries_of(layer) if entry["id"] == id_)
        is_checked = self.labels.toggle_check(id_)
        self.said.emit(f"{name}: {'marked as checked' if is_checked else 'not marked as checked any more'}.")

    def close(self) -> None:
        """Let go of the viewer and its layers."""
        for event in self._events:
            event.disconnect(self.follow)
        self.labels.close()

    @property
    def _events(self) -> tuple[Any, ...]:
        """What tells that layers came, went, or are worked in."""
        layers = self._viewer.layers
        return layers.events.inserted, layers.events.removed, layers.selection.events.active

    def _show(self) -> None:
        """Show what is known of the masks."""
        masks, opened = self.labels.masks, self._navigation.opened_layer
        if not self._navigation.has_run:
            px_area = self._navigation.px_area()
            self._panel.show_opened(() if opened is None else rows_of_layer(opened, masks, px_area))
        self._panel.show_masks(masks)
        states = {id_: mask.state for id_, mask in masks.items()}
        for layer in set(self._layers.values()):
            note_states(layer, {id_: state for id_, state in states.items() if self._layers.get(id_) is layer})
