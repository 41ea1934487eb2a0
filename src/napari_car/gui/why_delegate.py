"""How the rows of the why view are drawn; all colours but the queries' are the theme's."""

from qtpy.QtCore import QModelIndex, QObject, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from qtpy.QtWidgets import QAbstractItemView, QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from .why_layout import REASON_FLAGS, RowFrame, RowLayout, lay_out_frame, lay_out_row
from .why_pictures import Kind, PixmapCache
from .why_steps import ITEM_ROLE, WhyItem

_TRACK, _FAINT, _DIM, _RIVAL, _HIGHLIGHT = 0.15, 0.3, 0.65, 0.55, 0.08
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class WhyDelegate(QStyledItemDelegate):
    """Draws headings, bars and pictures.

    Parameters
    ----------
    parent : QObject, optional
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.highlighted: int | None = None
        """Index of the query whose rows stand out."""
        self._pixmaps = PixmapCache()
        self._frames: dict[tuple[int, int], RowFrame] = {}
        self._layouts: dict[int, RowLayout | None] = {}
        self._fitted: tuple[int, str, float] | None = None

    def clear(self) -> None:
        """Forget what was laid out and drawn; needed before other time steps are shown."""
        self._pixmaps.clear()
        self._layouts.clear()

    def layout_of(self, index: QModelIndex, view: QAbstractItemView) -> RowLayout | None:
        """Return where things stand in a row, from its upper left corner; None for a heading."""
        viewport = view.viewport()
        assert viewport is not None
        fit = viewport.width(), view.font().key(), view.devicePixelRatioF()
        if fit != self._fitted:
            self._frames.clear()
            self._layouts.clear()
            self._fitted = fit
        if index.row() not in self._layouts:
            item: WhyItem | None = index.data(ITEM_ROLE)
            metrics = view.fontMetrics()
            self._layouts[index.row()] = (
                None if item is None else lay_out_row(self._frame_of(item, fit[0], metrics), item, metrics)
            )
        return self._layouts[index.row()]

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Return the height that a row needs; it is as wide as the view."""
        assert isinstance(option.widget, QAbstractItemView)
        layout = self.layout_of(index, option.widget)
        height = 2 * option.widget.fontMetrics().height() if layout is None else layout.height
        return QSize(1, height)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a heading or a row."""
        assert painter is not None
        assert isinstance(option.widget, QAbstractItemView)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        layout = self.layout_of(index, option.widget)
        if layout is None:
            _draw_heading(painter, option, str(index.data()))
        else:
            self._draw_row(painter, option, index, layout)
        painter.restore()

    def _frame_of(self, item: WhyItem, width: int, metrics: QFontMetrics) -> RowFrame:
        """Return the frame that a row shares with others whose pictures have its size."""
        height_px, width_px = item.step.thumbnail.shape[:2]
        if (height_px, width_px) not in self._frames:
            self._frames[height_px, width_px] = lay_out_frame(width, QSize(width_px, height_px), metrics)
        return self._frames[height_px, width_px]

    def _draw_row(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex, layout: RowLayout) -> None:
        """Draw all parts of a row."""
        item: WhyItem = index.data(ITEM_ROLE)
        style = QApplication.style() if option.widget is None else option.widget.style()
        assert style is not None
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        ink, colour = option.palette.text().color(), QColor(*item.colour)
        if item.query.query == self.highlighted:
            painter.fillRect(option.rect, _faded(ink, _HIGHLIGHT))
            painter.fillRect(
                QRect(option.rect.topLeft(), QSize(layout.frame.mask.left() // 3, option.rect.height())), colour
            )
        painter.translate(option.rect.topLeft())
        _draw_head(painter, item, layout, ink)
        _draw_bars(painter, layout, ink, colour)
        ratio = option.widget.devicePixelRatioF() if option.widget is not None else 1.0
        painter.setPen(QPen(_faded(ink, _FAINT), 1))
        pictures: dict[Kind, QRect] = {"mask": layout.frame.mask, "prompted": layout.frame.prompted}
        for kind, rect in pictures.items():
            painter.drawPixmap(rect.topLeft(), self._pixmaps.get(index.row(), item, kind, rect.size(), ratio))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        painter.setPen(_faded(ink, _DIM) if item.query.survives else ink)
        painter.drawText(layout.reason, REASON_FLAGS, item.query.reason)


def _draw_heading(painter: QPainter, option: QStyleOptionViewItem, text: str) -> None:
    """Draw a line of bold text over a rule."""
    ink, em = option.palette.text().color(), option.fontMetrics.height()
    font = QFont(option.font)
    font.setBold(True)
    painter.setFont(font)
    rect = option.rect.adjusted(em // 2, em // 3, -em // 2, -1)
    painter.setPen(ink)
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | _MIDDLE, shown)
    painter.fillRect(QRect(rect.left(), option.rect.bottom(), rect.width(), 1), _faded(ink, _FAINT))


def _draw_head(painter: QPainter, item: WhyItem, layout: RowLayout, ink: QColor) -> None:
    """Draw swatch, name and verdict, and the score."""
    painter.setPen(QPen(_faded(ink, _FAINT), 1))
    painter.setBrush(QColor(*item.colour))
    painter.drawRoundedRect(layout.frame.swatch, 2, 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(ink)
    name = painter.fontMetrics().elidedText(item.query.text, Qt.TextElideMode.ElideRight, layout.frame.name.width())
    painter.drawText(layout.frame.name, Qt.AlignmentFlag.AlignLeft | _MIDDLE, name)
    painter.drawText(layout.frame.verdict, Qt.AlignmentFlag.AlignRight | _MIDDLE, item.verdict)
    painter.drawText(layout.frame.number, Qt.AlignmentFlag.AlignRight | _MIDDLE, f"{item.query.score:.2f}")


def _draw_bars(painter: QPainter, layout: RowLayout, ink: QColor, colour: QColor) -> None:
    """Draw the score, the strongest rival's, and the threshold across both."""
    painter.fillRect(layout.frame.track, _faded(ink, _TRACK))
    painter.fillRect(layout.bar, colour)
    painter.fillRect(layout.rival_bar, _faded(ink, _RIVAL))
    reach = layout.frame.track.height() // 4
    top, bottom = layout.frame.track.top() - reach, layout.rival_bar.bottom() + reach
    painter.fillRect(QRect(layout.threshold_x - 1, top, 2, bottom - top + 1), ink)


def _faded(colour: QColor, opacity: float) -> QColor:
    """Return a colour with less opacity."""
    faded = QColor(colour)
    faded.setAlphaF(colour.alphaF() * opacity)
    return faded
