"""What a run found: the table, the thresholds that can still be moved, and score maps."""

from collections.abc import Mapping
from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.outcome import Outcome
from napari_car.config import CaRConfig
from napari_car.io import RGB

from .results_table import ResultsTable
from .thresholds import ThresholdSliders

_EMPTY = "Nothing has been segmented yet. Type what to look for, then press Segment."
_WAITING = "Nothing is finished yet. The tab Why shows each time step as it comes."


class ResultsPanel(QWidget):
    """Table, thresholds, and a button for the score map of the chosen query.

    Parameters
    ----------
    parent : QWidget, optional
    """

    chosen = Signal(int)
    """A person chose the query of this id."""
    map_wanted = Signal(int)
    """The score map of the query of this id is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = QLabel(_EMPTY)
        self._empty.setWordWrap(True)
        self.table = ResultsTable()
        self.table.chosen.connect(self._on_chosen)
        self._map = QPushButton("Show score map")
        self._map.setToolTip("Add a layer that shows how strongly each pixel speaks for the chosen query.")
        self._map.clicked.connect(lambda: self.map_wanted.emit(self.table.current_id))
        self.thresholds = ThresholdSliders()
        self._details = (self.table, self._map, self.thresholds)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._empty)
        for widget in self._details:
            layout.addWidget(widget)
        layout.setStretchFactor(self.table, 1)
        layout.addStretch(0)
        self._show_details(False)

    def show_outcome(
        self,
        outcome: Outcome,
        names: Mapping[int, str],
        colours: Mapping[int, RGB],
        n_pixels: int,
        px_area: tuple[float, str],
    ) -> None:
        """Show findings under the names that queries have now; see :meth:`ResultsTable.show_summaries`."""
        summaries = [replace(summary, text=names.get(summary.id, summary.text)) for summary in outcome.summaries()]
        self._show_details(bool(summaries))
        self.table.show_summaries(summaries, colours, n_pixels, px_area)
        self._map.setEnabled(self.table.current_id > 0)

    def set_running(self, is_running: bool) -> None:
        """Say what to wait for while a run goes on, and what to do while there is none."""
        self._empty.setText(_WAITING if is_running else _EMPTY)

    def start_from(self, config: CaRConfig) -> None:
        """Show the thresholds of a run."""
        self.thresholds.start_from(config)

    def choose(self, id_: int) -> None:
        """Select a query's row, without saying so."""
        self.table.choose(id_)
        self._map.setEnabled(self.table.current_id > 0)

    def _on_chosen(self, id_: int) -> None:
        self._map.setEnabled(True)
        self.chosen.emit(id_)

    def _show_details(self, are_there: bool) -> None:
        """Show the table or, while there is nothing in it, a sentence."""
        self._empty.setVisible(not are_there)
        for widget in self._details:
            widget.setVisible(are_there)
