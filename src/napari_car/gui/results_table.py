"""The table of results: for each query a verdict, a score, an area, and whose work its mask is."""

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_car.annotation.correction.label_state import LabelState
from napari_car.annotation.correction.mask_state import MaskState, describe_mask
from napari_car.io import RGB

from .result_rows import ResultRow

COLUMNS = ("Query", "Verdict", "Score", "Area", "Mask")
_MASK = COLUMNS.index("Mask")
_ID = Qt.ItemDataRole.UserRole
_SHORT: Mapping[LabelState, str] = {"automatic": "auto", "edited": "edited", "checked": "checked"}


class ResultsTable(QTableWidget):
    """Shows what was found; clicking a row chooses its query.

    Parameters
    ----------
    parent : QWidget, optional
    """

    chosen = Signal(int)
    """A person chose a row; the id of its query."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self._rows: tuple[ResultRow, ...] = ()
        self._masks: dict[int, MaskState] = {}
        self.setHorizontalHeaderLabels(COLUMNS)
        self.setAccessibleName("Results")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        vertical, header = self.verticalHeader(), self.horizontalHeader()
        assert vertical is not None and header is not None  # noqa: PT018
        vertical.hide()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        side = self.fontMetrics().height()
        self.setIconSize(QSize(side, side))
        self.itemSelectionChanged.connect(self._choose)

    def show_rows(self, rows: Sequence[ResultRow]) -> None:
        """Show these results and no others; the chosen row stays chosen."""
        if tuple(rows) == self._rows:
            return
        chosen, self._rows = self.current_id, tuple(rows)
        with QSignalBlocker(self):
            self.setRowCount(len(rows))
            for number, row in enumerate(rows):
                self._fill(number, row)
        self.choose(chosen)

    def show_masks(self, masks: Mapping[int, MaskState]) -> None:
        """Show whose work the masks of these queries are; of other queries nothing is said."""
        self._masks = dict(masks)
        with QSignalBlocker(self):
            for number, row in enumerate(self._rows):
                self._fill_mask(number, row.id)

    @property
    def current_id(self) -> int:
        """Id of the chosen query; 0 if none is."""
        rows = {index.row() for index in self.selectedIndexes()}
        item = self.item(min(rows), 0) if rows else None
        return int(item.data(_ID)) if item is not None else 0

    def choose(self, id_: int) -> None:
        """Select the row of a query, without saying so."""
        with QSignalBlocker(self):
            self.clearSelection()
            for row in range(self.rowCount()):
                item = self.item(row, 0)
                if item is not None and item.data(_ID) == id_:
                    self.selectRow(row)

    def _fill(self, number: int, row: ResultRow) -> None:
        """Write one row."""
        texts = (row.text, row.verdict, row.score, row.share)
        tips = (row.text, row.meaning, _SCORE_TIP, row.area)
        for column, (text, tip) in enumerate(zip(texts, tips, strict=True)):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            item.setData(_ID, row.id)
            if column > 1:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column == 0 and row.colour is not None:
                item.setIcon(_swatch(row.colour, self.iconSize()))
            self.setItem(number, column, item)
        self._fill_mask(number, row.id)

    def _fill_mask(self, number: int, id_: int) -> None:
        """Write whose work a mask is."""
        mask, item = self._masks.get(id_), QTableWidgetItem()
        item.setData(_ID, id_)
        if mask is not None:
            item.setText(_SHORT[mask.state])
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            item.setToolTip(describe_mask(mask))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, mask.state)
        self.setItem(number, _MASK, item)

    def _choose(self) -> None:
        """Say which query was chosen."""
        if self.current_id:
            self.chosen.emit(self.current_id)


_SCORE_TIP = (
    "How sure the mask classifier is that the mask shows this query rather than another query or a background word: "
    "0 to 1. It says nothing about how good the outline is."
)


def _swatch(colour: RGB, size: QSize) -> QIcon:
    """Return a square of a colour."""
    pixmap = QPixmap(size)
    pixmap.fill(QColor(*colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # as it is: Qt would mix in the colour of the selection
    return icon
