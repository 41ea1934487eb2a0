"""The table of results: for each query a verdict, a score and an area."""

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_car.annotation.outcome import QuerySummary
from napari_car.io import RGB

COLUMNS = ("Query", "Verdict", "Score", "Area")
_MARKS = {"present": "✓", "uncertain": "?", "absent": "✗"}
_ID = Qt.ItemDataRole.UserRole
_MEANINGS = {
    "present": "Its mask was recognised as showing it.",
    "uncertain": "Its score is close to the threshold: look at the image.",
    "absent": "Its mask looks more like something else, so it was dropped.",
}


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

    def show_summaries(
        self, summaries: Sequence[QuerySummary], colours: Mapping[int, RGB], n_pixels: int, px_area: tuple[float, str]
    ) -> None:
        """Show these results and no others; the chosen row stays chosen.

        Parameters
        ----------
        summaries : sequence of QuerySummary
        colours : mapping of int to RGB
            By id.
        n_pixels : int
            Pixels of all frames, of which areas are shares.
        px_area : float and str
            Area of a pixel and its unit; the unit is empty where pixels have no size.
        """
        chosen = self.current_id
        with QSignalBlocker(self):
            self.setRowCount(len(summaries))
            for row, summary in enumerate(summaries):
                self._fill(row, summary, colours.get(summary.id), n_pixels, px_area)
        self.choose(chosen)

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

    def _fill(
        self, row: int, summary: QuerySummary, colour: RGB | None, n_pixels: int, px_area: tuple[float, str]
    ) -> None:
        """Write one row."""
        texts = (summary.text, verdict_text(summary), f"{summary.score:.2f}", _share(summary, n_pixels))
        tips = (summary.text, _MEANINGS[summary.verdict], _SCORE_TIP, _area(summary, px_area))
        for column, (text, tip) in enumerate(zip(texts, tips, strict=True)):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            item.setData(_ID, summary.id)
            if column > 1:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column == 0 and colour is not None:
                item.setIcon(_swatch(colour, self.iconSize()))
            self.setItem(row, column, item)

    def _choose(self) -> None:
        """Say which query was chosen."""
        if self.current_id:
            self.chosen.emit(self.current_id)


_SCORE_TIP = (
    "How sure the mask classifier is that the mask shows this query rather than another query or a background word: "
    "0 to 1. It says nothing about how good the outline is."
)


def verdict_text(summary: QuerySummary) -> str:
    """Return a verdict in words: ``✓ present``, ``✗ absent (step 1)``, ``✓ in 3 of 10``."""
    if summary.n_frames > 1 and summary.verdict != "absent":
        return f"{_MARKS[summary.verdict]} in {summary.n_found} of {summary.n_frames}"
    text = f"{_MARKS[summary.verdict]} {summary.verdict}"
    return text if summary.dropped_at_step is None else f"{text} (step {summary.dropped_at_step})"


def _share(summary: QuerySummary, n_pixels: int) -> str:
    """Return the share of the image."""
    if not summary.area_px:
        return "–"
    share = summary.area_px / n_pixels
    return f"{share:.1%}" if share >= 0.0005 else "< 0.1%"


def _area(summary: QuerySummary, px_area: tuple[float, str]) -> str:
    """Return the area in pixels, and in the image's unit where it has one."""
    size, unit = px_area
    in_px = f"{summary.area_px:,} px"
    return f"{in_px}, {summary.area_px * size:,.4g} {unit}²" if unit else in_px


def _swatch(colour: RGB, size: QSize) -> QIcon:
    """Return a square of a colour."""
    pixmap = QPixmap(size)
    pixmap.fill(QColor(*colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # as it is: Qt would mix in the colour of the selection
    return icon
