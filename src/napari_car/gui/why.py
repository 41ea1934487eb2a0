"""The why view: time step after time step, which queries were kept or dropped, and what decided it."""

from collections.abc import Iterable, Mapping

from qtpy.QtCore import QItemSelection, QModelIndex, QPoint, Qt, Signal
from qtpy.QtGui import QMouseEvent, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QLabel, QListView, QStackedWidget, QVBoxLayout, QWidget

from napari_car.annotation.explain import StepView
from napari_car.io.colours import RGB

from .folding import Fold
from .why_delegate import WhyDelegate
from .why_pictures import PicturePopup
from .why_steps import ITEM_ROLE, StepsModel

_EMPTY = (
    "This view tells why each query was kept or dropped: its mask, what the mask classifier saw of it, and how sure "
    "the classifier was, in each time step of a run. Press Segment to see it."
)
_WAITING = "No time step is finished yet."
_EXPLANATION = (
    "In every time step each query gets a mask, and the mask classifier is asked what the mask shows. "
    "The first picture is the mask, in the query's colour, with its score map fainter around it. "
    "The second is what the classifier saw: the image with the mask pointed out. "
    "The bar is the query's score: how sure the classifier is that the mask shows this query, and not another query or "
    "a background word. The thin bar under it is the strongest of those rivals. The upright mark is the score that is "
    "needed: queries that do not reach it are dropped. The rest is done again, since masks change when fewer queries "
    "compete for the image, until a time step drops none. Click on a picture to enlarge it."
)


class WhyView(QWidget):
    """Shows the time steps of a run, also while it is going on.

    Parameters
    ----------
    parent : QWidget, optional
    """

    chosen = Signal(int)
    """A person chose a row; the index of its query among those of the run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps = StepsModel(self)
        self._list = StepsList(self.steps)
        self._list.chosen.connect(self._choose)
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._sentence)
        self._pages.addWidget(self._list)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ReadingAid())
        layout.addWidget(self._pages, 1)
        self.clear()

    def clear(self) -> None:
        """Show no run, and say what this is for."""
        self.start({})
        self._sentence.setText(_EMPTY)

    def start(self, colours: Mapping[int, RGB]) -> None:
        """Show a run that begins; its time steps come by :meth:`add_step`.

        Parameters
        ----------
        colours : mapping of int to RGB
            Of all queries, by index.
        """
        self.clear_steps()
        self.set_colours(colours)
        self.highlight(None)

    def set_colours(self, colours: Mapping[int, RGB]) -> None:
        """Show the queries in other colours."""
        self._list.forget_pictures()
        self.steps.set_colours(colours)

    def clear_steps(self) -> None:
        """Forget the time steps, since those of another image, with the same queries, come."""
        self._list.clear()
        self._sentence.setText(_WAITING)
        self._pages.setCurrentWidget(self._sentence)

    def add_step(self, step: StepView) -> None:
        """Show one more time step; the list moves on to it unless a person has moved it elsewhere."""
        self._list.append(step)
        self._pages.setCurrentWidget(self._list)

    def show_run(self, steps: Iterable[StepView], colours: Mapping[int, RGB]) -> None:
        """Show a finished run from its first time step on; colours as for :meth:`start`."""
        self.start(colours)
        for step in steps:
            self.add_step(step)
        self._list.scrollToTop()

    def highlight(self, query: int | None) -> None:
        """Let the rows of a query, given by index, stand out in all time steps; None: of none."""
        self._list.highlight(query)

    def _choose(self, query: int) -> None:
        """Let the chosen query stand out, and say which it is."""
        self.highlight(query)
        self.chosen.emit(query)


class StepsList(QListView):
    """The list of time steps.

    Parameters
    ----------
    steps : StepsModel
    """

    chosen = Signal(int)
    """A person chose a row; the index of its query."""

    def __init__(self, steps: StepsModel) -> None:
        super().__init__()
        self._steps = steps
        self._delegate = WhyDelegate(self)
        self._followed_to = 0
        self.setModel(steps)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName("Time steps")
        self.setStyleSheet("QListView { background: transparent; }")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.activated.connect(self._on_activated)

    def clear(self) -> None:
        """Show no time step."""
        self.forget_pictures()
        self._steps.clear_steps()
        self._followed_to = 0

    def forget_pictures(self) -> None:
        """Lay out and draw all rows anew."""
        self._delegate.clear()

    def append(self, step: StepView) -> None:
        """Show one more time step; move on to it if somebody looks, and the list stands where it was moved to last."""
        bar = self.verticalScrollBar()
        assert bar is not None
        is_following = self.isVisible() and bar.value() == self._followed_to
        heading = self._steps.rowCount()
        self._steps.add_step(step)
        if is_following:
            self.scrollTo(self._steps.index(heading), QAbstractItemView.ScrollHint.PositionAtTop)
            self._followed_to = bar.value()

    def highlight(self, query: int | None) -> None:
        """Let a query's rows stand out; scroll to one if none is seen."""
        self._delegate.highlighted = query
        viewport = self.viewport()
        assert viewport is not None
        rows = [self._steps.index(row) for row in self._steps.rows_of(query)] if query is not None else []
        if rows and not any(viewport.rect().contains(self.visualRect(index)) for index in rows):
            self.scrollTo(rows[0])
        viewport.update()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:  # noqa: N802
        """Say which query was chosen, by mouse or keyboard."""
        super().selectionChanged(selected, deselected)
        for index in selected.indexes():
            self.chosen.emit(index.data(ITEM_ROLE).query.query)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Break lines anew, also where only the scroll bar took room."""
        super().resizeEvent(event)
        if event is not None and event.size().width() != event.oldSize().width():
            self.scheduleDelayedItemsLayout()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Show that pictures can be clicked on."""
        super().mouseMoveEvent(event)
        viewport = self.viewport()
        assert event is not None
        assert viewport is not None
        is_on_picture = self._picture_at(event.position().toPoint()).isValid()
        viewport.setCursor(Qt.CursorShape.PointingHandCursor if is_on_picture else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Enlarge the picture that was clicked on."""
        super().mouseReleaseEvent(event)
        assert event is not None
        index = self._picture_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self._enlarge(index)

    def _picture_at(self, place: QPoint) -> QModelIndex:
        """Return the row with a picture at a place; an invalid index if there is none."""
        index = self.indexAt(place)
        layout = self._delegate.layout_of(index, self)
        if layout is not None:
            inside = place - self.visualRect(index).topLeft()
            if layout.frame.mask.contains(inside) or layout.frame.prompted.contains(inside):
                return index
        return QModelIndex()

    def _enlarge(self, index: QModelIndex) -> None:
        """Show both pictures of a row larger, over the row."""
        viewport = self.viewport()
        assert viewport is not None
        popup = PicturePopup(index.data(ITEM_ROLE), self)
        popup.show_at(viewport.mapToGlobal(self.visualRect(index).topLeft()))

    def _on_activated(self, index: QModelIndex) -> None:
        """Enlarge the pictures of a row on which Enter was pressed."""
        if self._steps.item(index.row()) is not None:
            self._enlarge(index)


class ReadingAid(Fold):
    """A paragraph that says how to read the view, folded away at first."""

    def __init__(self) -> None:
        paragraph = QLabel(_EXPLANATION)
        paragraph.setWordWrap(True)
        super().__init__("How to read this", paragraph)
