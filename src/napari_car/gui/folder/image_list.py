"""The list of the images of a project: a small picture, the name, and how far the work on it is."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import UInt8
from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from napari_car.annotation.project import ProjectImage
from napari_car.annotation.project_index import ImageState, Progress

from .thumbnail_work import SIDE_PX

_KEY = Qt.ItemDataRole.UserRole
_WORDS: Mapping[Progress, str] = {
    "unprocessed": "not segmented",
    "automatic": "automatic",
    "edited": "edited",
    "checked": "✓ checked",
    "unreadable": "⚠ cannot be read",
}


class ImageList(QListWidget):
    """Lists images; a double click, or Return, opens one.

    Parameters
    ----------
    parent : QWidget, optional
    """

    wanted = Signal(str)
    """The image of this key is to be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Images of the folder")
        self.setIconSize(QSize(SIDE_PX, SIDE_PX * 3 // 4))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSpacing(2)
        self.setMinimumHeight(2 * SIDE_PX)
        self._pictures: dict[str, QIcon] = {}
        self._empty = _blank()
        self.itemActivated.connect(lambda item: self.wanted.emit(item.data(_KEY)))

    @property
    def keys(self) -> list[str]:
        """Images that are listed, from top to bottom."""
        return [self._at(row).data(_KEY) for row in range(self.count())]

    @property
    def selected(self) -> list[str]:
        """Images that are selected, from top to bottom."""
        return [self._at(row).data(_KEY) for row in range(self.count()) if self._at(row).isSelected()]

    def show_images(self, images: Sequence[ProjectImage], states: Mapping[str, ImageState], current: str) -> None:
        """List images in this order; what was selected stays so."""
        selected = set(self.selected)
        with QSignalBlocker(self):
            self.clear()
            for image in images:
                item = QListWidgetItem(self._pictures.get(image.key, self._empty), "")
                item.setData(_KEY, image.key)
                self.addItem(item)
                item.setSelected(image.key in selected)
                self._describe(item, states[image.key])
        self.mark(current)

    def describe(self, key: str, state: ImageState) -> None:
        """Say how far the work on an image is."""
        for item in self._items([key]):
            self._describe(item, state)

    def set_picture(self, key: str, picture: UInt8[np.ndarray, "h w 3"]) -> None:
        """Show an image's picture, RGB."""
        pixels = np.ascontiguousarray(picture)
        height, width = pixels.shape[:2]
        shown = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self._pictures[key] = QIcon(QPixmap.fromImage(shown))
        for item in self._items([key]):
            item.setIcon(self._pictures[key])

    def forget_pictures(self) -> None:
        """Forget the pictures of another project."""
        self._pictures.clear()

    def mark(self, key: str) -> None:
        """Show which image is open."""
        for row in range(self.count()):
            item = self._at(row)
            font = item.font()
            font.setBold(item.data(_KEY) == key)
            item.setFont(font)
            if item.data(_KEY) == key:
                with QSignalBlocker(self):
                    self.setCurrentItem(item)
                self.scrollToItem(item)

    @staticmethod
    def _describe(item: QListWidgetItem, state: ImageState) -> None:
        """Write name and state."""
        item.setText(f"{item.data(_KEY)}\n{describe_state(state)}")
        item.setToolTip(state.problem or "Double-click to open")

    def _items(self, keys: Iterable[str]) -> list[QListWidgetItem]:
        """Return the items of images, as far as they are listed."""
        wanted = set(keys)
        return [self._at(row) for row in range(self.count()) if self._at(row).data(_KEY) in wanted]

    def _at(self, row: int) -> QListWidgetItem:
        """Return the item of a row that is there."""
        item = self.item(row)
        assert item is not None
        return item


def describe_state(state: ImageState) -> str:
    """Say how far the work on an image is: ``automatic · 2 found, 1 uncertain``."""
    counts = {"found": state.n_present, "uncertain": state.n_uncertain, "absent": state.n_absent}
    found = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    return " · ".join(part for part in (_WORDS[state.progress], found) if part)


def _blank() -> QIcon:
    """Return a picture of nothing, so that lines do not move when pictures come."""
    pixmap = QPixmap(SIDE_PX, SIDE_PX * 3 // 4)
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)
