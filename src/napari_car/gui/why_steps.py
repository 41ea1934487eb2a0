"""The time steps of a run as Qt's views see them: a heading for each, and a row for each of its queries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from napari_car.annotation.explain import QueryView, StepView
from napari_car.io.colours import RGB

ITEM_ROLE = Qt.ItemDataRole.UserRole
"""The whole :class:`WhyItem` of a row."""

VERDICTS = {True: "✓ kept", False: "✗ dropped"}
"""By whether a query survives."""


@dataclass(frozen=True, slots=True, eq=False)
class WhyItem:
    """A row of the list: one query in one time step."""

    step: StepView
    query: QueryView
    colour: RGB

    @property
    def verdict(self) -> str:
        """Mark and word."""
        return VERDICTS[self.query.survives]

    @property
    def extent(self) -> str:
        """How large the mask is, in words."""
        share = self.query.share
        if not share:
            return "Its mask is empty."
        return f"Its mask covers {share:.1%} of the image." if share >= 0.0005 else "Its mask is a few pixels large."

    @property
    def spoken(self) -> str:
        """All that the row shows, as a screen reader says it."""
        query = self.query
        verdict = "kept" if query.survives else "dropped"
        return (
            f"{query.text}, {verdict} in step {self.step.index}, score {query.score:.2f}, "
            f"threshold {self.step.score_threshold:.2f}. {query.reason} {self.extent}"
        )


class StepsModel(QAbstractListModel):
    """Holds the time steps of a run; grows while it is going on.

    Parameters
    ----------
    parent : QObject, optional
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[StepView | WhyItem] = []
        self._colours: dict[int, RGB] = {}

    def set_colours(self, colours: Mapping[int, RGB]) -> None:
        """Give the queries these colours, by index."""
        self._colours = dict(colours)
        for row, held in enumerate(self._rows):
            if isinstance(held, WhyItem):
                self._rows[row] = replace(held, colour=self._colours[held.query.query])
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def clear_steps(self) -> None:
        """Forget all time steps."""
        self.beginResetModel()
        self._rows = []
        self.endResetModel()

    def add_step(self, step: StepView) -> None:
        """Append a time step."""
        items = [WhyItem(step, query, self._colours[query.query]) for query in step.rows]
        first = len(self._rows)
        self.beginInsertRows(QModelIndex(), first, first + len(items))
        self._rows += [step, *items]
        self.endInsertRows()

    def item(self, row: int) -> WhyItem | None:
        """Return what a row is about; None for a heading."""
        held = self._rows[row]
        return held if isinstance(held, WhyItem) else None

    def rows_of(self, query: int) -> list[int]:
        """Return the rows of a query, given by index, in all time steps."""
        return [row for row, held in enumerate(self._rows) if isinstance(held, WhyItem) and held.query.query == query]

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of headings and queries."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Headings cannot be chosen."""
        if not index.isValid() or self.item(index.row()) is None:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        if not index.isValid():
            return None
        held = self._rows[index.row()]
        if isinstance(held, StepView):
            is_text = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
            return held.heading if is_text else None
        if role == ITEM_ROLE:
            return held
        if role == Qt.ItemDataRole.DisplayRole:
            return held.query.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{held.query.text}: {held.query.reason} {held.extent}"
        return held.spoken if role == Qt.ItemDataRole.AccessibleTextRole else None
