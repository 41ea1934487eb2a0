"""What a run found: the table, the thresholds that can still be moved, and score maps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.correction.mask_state import MaskState
from napari_car.annotation.outcome import Outcome
from napari_car.config import CaRConfig
from napari_car.io import RGB

from .result_rows import PxArea, ResultRow, rows_of_summaries
from .results_table import ResultsTable
from .thresholds import ThresholdSliders

_EMPTY = "Nothing has been segmented yet. Type what to look for, then press Segment."
_CHECK, _UNCHECK = "Mark as checked", "Remove check mark"
_CHECK_TIP = (
    "Say that the mask of the chosen query is right as it is, even if it is empty (Ctrl+Shift+K). This is saved with "
    "the labels, and holds until the mask changes."
)
_WAITING = "Nothing is finished yet. The tab Why shows each time step as it comes."


class ResultsPanel(QWidget):
    """Table, thresholds, and buttons for the mask and the score map of the chosen query.

    Parameters
    ----------
    parent : QWidget, optional
    """

    chosen = Signal(int)
    """A person chose the query of this id."""
    map_wanted = Signal(int)
    """The score map of the query of this id is wanted."""
    check_wanted = Signal(int)
    """The mask of the query of this id is to be marked as checked, or not any more."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = QLabel(_EMPTY)
        self._empty.setWordWrap(True)
        self.table = ResultsTable()
        self.table.chosen.connect(self._on_chosen)
        self._masks: dict[int, MaskState] = {}
        self._check = QPushButton(_CHECK)
        self._check.setToolTip(_CHECK_TIP)
        self._check.clicked.connect(lambda: self.check_wanted.emit(self.table.current_id))
        self._map = QPushButton("Show score map")
        self._map.setToolTip("Add a layer that shows how strongly each pixel speaks for the chosen query.")
        self._map.clicked.connect(lambda: self.map_wanted.emit(self.table.current_id))
        self.thresholds = ThresholdSliders()
        self._of_rows: tuple[QWidget, ...] = (self.table, self._check)
        self._of_run: tuple[QWidget, ...] = (self._map, self.thresholds)
        buttons = QHBoxLayout()
        buttons.addWidget(self._check)
        buttons.addWidget(self._map)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._empty)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.thresholds)
        layout.setStretchFactor(self.table, 1)
        layout.addStretch(0)
        self._show_rows((), are_of_run=False)

    def show_outcome(
        self,
        outcome: Outcome,
        names: Mapping[int, str],
        colours: Mapping[int, RGB],
        n_pixels: int,
        px_area: PxArea,
    ) -> None:
        """Show findings under the names that queries have now; see :func:`rows_of_summaries`."""
        summaries = [replace(summary, text=names.get(summary.id, summary.text)) for summary in outcome.summaries()]
        self._show_rows(rows_of_summaries(summaries, colours, n_pixels, px_area), are_of_run=True)

    def show_opened(self, rows: Sequence[ResultRow]) -> None:
        """Show what is in a layer that no run of this window made, without what only a run knows."""
        self._show_rows(rows, are_of_run=False)

    def show_masks(self, masks: Mapping[int, MaskState]) -> None:
        """Show whose work the masks of these queries are; only these can be marked as checked."""
        self._masks = dict(masks)
        self.table.show_masks(masks)
        self._follow_choice()

    def set_running(self, is_running: bool) -> None:
        """Say what to wait for while a run goes on, and what to do while there is none."""
        self._empty.setText(_WAITING if is_running else _EMPTY)

    def start_from(self, config: CaRConfig) -> None:
        """Show the thresholds of a run."""
        self.thresholds.start_from(config)

    def choose(self, id_: int) -> None:
        """Select a query's row, without saying so."""
        self.table.choose(id_)
        self._follow_choice()

    def _on_chosen(self, id_: int) -> None:
        self._follow_choice()
        self.chosen.emit(id_)

    def _follow_choice(self) -> None:
        """Offer what can be done with the chosen query."""
        mask = self._masks.get(self.table.current_id)
        self._map.setEnabled(self.table.current_id > 0)
        self._check.setEnabled(mask is not None)
        self._check.setText(_UNCHECK if mask is not None and mask.state == "checked" else _CHECK)

    def _show_rows(self, rows: Sequence[ResultRow], *, are_of_run: bool) -> None:
        """Show the table or, while there is nothing in it, a sentence."""
        self._empty.setVisible(not rows)
        for part in self._of_rows:
            part.setVisible(bool(rows))
        for part in self._of_run:
            part.setVisible(bool(rows) and are_of_run)
        self.table.show_rows(rows)
        self._follow_choice()
