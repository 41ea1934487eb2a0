"""The pictures of the why view: as small as a row shows them, and enlarged."""

from collections import OrderedDict
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPoint, QSize, Qt
from qtpy.QtGui import QImage, QMouseEvent, QPixmap
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from .why_steps import WhyItem

Kind = Literal["mask", "prompted"]
MAX_PIXMAPS = 128
"""Enough for the rows that are seen at once."""
_ENLARGED_EM = 16


class PixmapCache:
    """Makes pictures ready for the screen when they are first seen; those seen longest ago go first."""

    def __init__(self) -> None:
        self._pixmaps: OrderedDict[tuple[int, Kind, int, int], QPixmap] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pixmaps)

    def clear(self) -> None:
        """Forget all; needed before other time steps are shown."""
        self._pixmaps.clear()

    def get(self, row: int, item: WhyItem, kind: Kind, size: QSize, ratio: float) -> QPixmap:
        """Return a picture of a row at a size, on a screen with some pixels per unit of it."""
        key = row, kind, round(size.width() * ratio), round(size.height() * ratio)
        pixmap = self._pixmaps.pop(key, None)
        self._pixmaps[key] = pixmap = pixmap or draw_picture(item, kind, size, ratio)
        while len(self._pixmaps) > MAX_PIXMAPS:
            self._pixmaps.popitem(last=False)
        return pixmap


def draw_picture(item: WhyItem, kind: Kind, size: QSize, ratio: float) -> QPixmap:
    """Return a picture at a size, on a screen with ``ratio`` pixels per unit of it."""
    pixels = item.step.mask_thumbnail(item.query, item.colour) if kind == "mask" else item.query.prompted_thumbnail
    target = QSize(round(size.width() * ratio), round(size.height() * ratio))
    scaled = _to_image(pixels).scaled(
        target, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    pixmap = QPixmap.fromImage(scaled)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class PicturePopup(QFrame):
    """Shows both pictures of a row enlarged, until clicked or left.

    Parameters
    ----------
    item : WhyItem
    parent : QWidget
    """

    def __init__(self, item: WhyItem, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName(item.spoken)
        side = _ENLARGED_EM * self.fontMetrics().height()
        height, width = item.step.thumbnail.shape[:2]
        size = QSize(width, height).scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio)
        layout = QGridLayout(self)
        captions: dict[Kind, str] = {
            "mask": f"Mask of {item.query.text}",
            "prompted": "What the mask classifier saw",
        }
        for column, (kind, caption) in enumerate(captions.items()):
            picture, words = QLabel(), QLabel(caption)
            picture.setPixmap(draw_picture(item, kind, size, self.devicePixelRatioF()))
            words.setWordWrap(True)
            layout.addWidget(picture, 0, column)
            layout.addWidget(words, 1, column)
        reason = QLabel(f"{item.verdict} in step {item.step.index}. {item.query.reason} {item.extent}")
        reason.setWordWrap(True)
        layout.addWidget(reason, 2, 0, 1, 2)

    def show_at(self, place: QPoint) -> None:
        """Show it near a place on the screen, but nowhere outside of it."""
        self.adjustSize()
        screen = self.screen()
        if screen is not None:
            room = screen.availableGeometry()
            place = QPoint(
                max(room.left(), min(place.x(), room.right() - self.width())),
                max(room.top(), min(place.y(), room.bottom() - self.height())),
            )
        self.move(place)
        self.show()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: ARG002, N802
        """Close."""
        self.close()


def _to_image(pixels: NDArray[np.uint8]) -> QImage:
    """Return pixels as Qt's image, which owns its memory."""
    height, width = pixels.shape[:2]
    return QImage(np.ascontiguousarray(pixels).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
