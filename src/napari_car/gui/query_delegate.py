"""How a row of the list of queries is drawn and edited; all colours are the theme's."""

from qtpy.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    Qt,
)
from qtpy.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import (
    QAbstractItemDelegate,
    QApplication,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from napari_car.annotation.sheet import SheetEntry

from .query_cells import Column
from .query_model import ENTRY_ROLE

_FAINT, _DIM = 0.3, 0.6


class QueryDelegate(QStyledItemDelegate):
    """Draws check boxes, swatches, words and marks; edits words in place.

    Parameters
    ----------
    parent : QObject, optional
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._edited = QPersistentModelIndex()

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a cell."""
        style = QApplication.style() if option.widget is None else option.widget.style()
        assert painter is not None and style is not None  # noqa: PT018
        entry: SheetEntry = index.data(ENTRY_ROLE)
        cell = QStyleOptionViewItem(option)
        cell.state &= ~QStyle.StateFlag.State_HasFocus
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, cell.widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(cell.font)
        ink = cell.palette.text().color()
        if not entry.enabled and index.column() != Column.ENABLED:
            painter.setOpacity(_DIM)
        is_hovered = bool(cell.state & QStyle.StateFlag.State_MouseOver)
        mark = _mark_rect(cell)
        match Column(index.column()):
            case Column.ENABLED:
                _draw_check(painter, mark, ink, is_checked=entry.enabled)
            case Column.COLOUR if entry.role == "query":
                _draw_swatch(painter, mark, ink, entry)
            case Column.TEXT:
                _draw_words(painter, cell.rect, ink, entry)
            case Column.ROLE:
                is_selected = bool(cell.state & QStyle.StateFlag.State_Selected)
                opacity = 1 if entry.role == "background" else _DIM if is_hovered else _FAINT if is_selected else 0
                _draw_ban(painter, mark, _faded(ink, opacity))
            case Column.GROUP | Column.VERDICT:
                painter.setPen(ink if index.column() == Column.VERDICT else _faded(ink, _DIM))
                painter.drawText(cell.rect, Qt.AlignmentFlag.AlignCenter, index.data() or "")
        painter.restore()

    def editorEvent(  # noqa: N802
        self,
        event: QEvent | None,  # noqa: ARG002
        model: QAbstractItemModel | None,  # noqa: ARG002
        option: QStyleOptionViewItem,  # noqa: ARG002
        index: QModelIndex,  # noqa: ARG002
    ) -> bool:
        """Leave clicks to the table: Qt's check box would be another one than is drawn, and toggle a second time."""
        return False

    def createEditor(  # noqa: N802
        self,
        parent: QWidget | None,
        option: QStyleOptionViewItem,  # noqa: ARG002
        index: QModelIndex,
    ) -> QWidget:
        """Return a line edit over the words."""
        self._edited = QPersistentModelIndex(index)
        editor = QLineEdit(parent)
        editor.setFrame(False)
        editor.setPlaceholderText("leaf | foliage")
        editor.setToolTip("Other words for the same thing stand behind bars: leaf | foliage.")
        return editor

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """Show the words, unless something was typed already."""
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(index.data(Qt.ItemDataRole.EditRole))

    def eventFilter(self, editor: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """On Enter, close the editor only if the list takes what was typed, so that it is not lost."""
        is_enter = isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event is None or not is_enter or event.type() != QEvent.Type.KeyPress or not isinstance(editor, QLineEdit):
            return super().eventFilter(editor, event)
        index = QModelIndex(self._edited)
        model = index.model()
        if model is None or model.setData(index, editor.text()):
            self.closeEditor.emit(editor, QAbstractItemDelegate.EndEditHint.NoHint)
        return True


def _mark_rect(cell: QStyleOptionViewItem) -> QRectF:
    """Return the square in the middle of a cell where its mark goes."""
    side = round(cell.fontMetrics.height() * 0.8)
    square = QRect(0, 0, side, side)
    square.moveCenter(cell.rect.center())
    return QRectF(square).translated(0.5, 0.5)


def _faded(colour: QColor, opacity: float) -> QColor:
    """Return a colour with less opacity."""
    faded = QColor(colour)
    faded.setAlphaF(colour.alphaF() * opacity)
    return faded


def _draw_check(painter: QPainter, rect: QRectF, ink: QColor, *, is_checked: bool) -> None:
    """Draw a check box."""
    painter.setPen(QPen(_faded(ink, _DIM), 1))
    painter.drawRoundedRect(rect, 2, 2)
    if is_checked:
        places = ((0.22, 0.52), (0.42, 0.74), (0.8, 0.26))
        painter.setPen(QPen(ink, rect.width() * 0.14, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(QPolygonF([_place(rect, x, y) for x, y in places]))


def _draw_swatch(painter: QPainter, rect: QRectF, ink: QColor, entry: SheetEntry) -> None:
    """Draw a square of the entry's colour."""
    painter.setPen(QPen(_faded(ink, _FAINT), 1))
    painter.setBrush(QColor(*entry.colour))
    painter.drawRoundedRect(rect, 2, 2)


def _draw_ban(painter: QPainter, rect: QRectF, ink: QColor) -> None:
    """Draw a circle with a slash."""
    painter.setPen(QPen(ink, rect.width() * 0.12, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawEllipse(rect)
    painter.drawLine(_place(rect, 0.18, 0.82), _place(rect, 0.82, 0.18))


def _draw_words(painter: QPainter, cell_rect: QRect, ink: QColor, entry: SheetEntry) -> None:
    """Draw the text, its synonyms lighter, and whether it is a distractor."""
    metrics = painter.fontMetrics()
    rect = cell_rect.adjusted(metrics.height() // 4, 0, -metrics.height() // 4, 0)
    align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    if entry.role == "background":
        painter.setPen(_faded(ink, _DIM))
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "distractor")
        rect.setRight(rect.right() - metrics.horizontalAdvance("distractor "))
    text = metrics.elidedText(entry.text, Qt.TextElideMode.ElideRight, rect.width())
    painter.setPen(ink)
    painter.drawText(rect, align, text)
    rect.setLeft(rect.left() + metrics.horizontalAdvance(text))
    if entry.synonyms and text == entry.text:
        synonyms = metrics.elidedText(" | " + " | ".join(entry.synonyms), Qt.TextElideMode.ElideRight, rect.width())
        painter.setPen(_faded(ink, _DIM))
        painter.drawText(rect, align, synonyms)


def _place(rect: QRectF, x: float, y: float) -> QPointF:
    """Return a point given in shares of a rectangle's width and height."""
    return QPointF(rect.left() + x * rect.width(), rect.top() + y * rect.height())
