"""A napari window with the dock widget in it, and a hand that uses it as a person would."""

import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from napari.viewer import Viewer
from PIL import Image
from qtpy.QtCore import QBuffer, QByteArray, QEvent, QPoint, QPointF, QRect, Qt
from qtpy.QtGui import QMouseEvent, QPixmap
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLineEdit,
    QSplitter,
    QTableView,
    QTableWidget,
    QWidget,
)

from napari_car.gui.dock import CarWidget

WINDOW_PX = (1280, 840)
MARGIN_PX = 4
MAX_WAIT_S = 120
LEFT = Qt.MouseButton.LeftButton
Found = TypeVar("Found", bound=QWidget)


class Desk:
    """A viewer with the dock open, and a hand to use it.

    Parameters
    ----------
    folder : Path
        Where pictures are saved.
    dock_width_px : int or None
        None: as napari makes it.
    """

    def __init__(self, folder: Path, dock_width_px: int | None) -> None:
        self._folder = folder
        self.viewer = Viewer()
        self.dock, widget = self.viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
        assert isinstance(widget, CarWidget)
        self.widget = widget
        self.window = widget.window()
        self._dock_width_px = dock_width_px
        self.taken: list[str] = []
        self.resize(*WINDOW_PX)

    def resize(self, width_px: int, height_px: int) -> None:
        """Make the window as large, the dock as wide as asked for, and the image fit."""
        self.window.resize(width_px, height_px)
        if self._dock_width_px:
            self.window.resizeDocks([self.dock], [self._dock_width_px], Qt.Orientation.Horizontal)
        self.settle()
        self.viewer.reset_view()
        self.settle()

    def open_sample(self, name: str) -> None:
        """Open one of the plugin's sample images, as File > Open Sample does."""
        self.viewer.open_sample("napari-car", name)
        self.settle()

    def settle(self) -> None:
        """Move the mouse away, and let the window draw what has changed."""
        QTest.mouseMove(self.window, QPoint(self.window.width() // 2, 1))
        for _ in range(3):
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Let the window live until something is so."""
        end = time.monotonic() + MAX_WAIT_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {MAX_WAIT_S} s for: {what}; the dock says: {self.widget.run_bar.text}")
            QApplication.processEvents()
            time.sleep(0.005)
        self.settle()

    def find(self, kind: type[Found], name: str) -> Found:
        """Return the visible widget that a person knows by its text or its accessible name."""
        for child in self.widget.findChildren(kind):
            text = child.text() if isinstance(child, QAbstractButton) else ""
            if name in (text.strip("▸▾ "), child.accessibleName()) and child.isVisible():
                return child
        raise LookupError(f"no {kind.__name__} {name!r} is to be seen")

    def click(self, button: str) -> None:
        """Click a button."""
        QTest.mouseClick(self.find(QAbstractButton, button), LEFT)
        self.settle()

    def show_tab(self, title: str) -> None:
        """Click the heading of a tab."""
        bar = self.widget.tabs.tabBar()
        index = next(index for index in range(bar.count()) if bar.tabText(index) == title)
        QTest.mouseClick(bar, LEFT, pos=bar.tabRect(index).center())
        self.settle()

    def type_query(self, text: str) -> None:
        """Type into the line of queries, and press Enter."""
        line = self.find(QLineEdit, "New query")
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)
        self.settle()

    def click_row(self, table: str, text: str) -> None:
        """Click the row of a table in which a text stands."""
        view = self.find(QTableWidget if table == "Results" else QTableView, table)
        model = view.model()
        cells = [model.index(row, column) for row in range(model.rowCount()) for column in range(model.columnCount())]
        cell = next(index for index in cells if index.data(Qt.ItemDataRole.DisplayRole) == text)
        view.scrollTo(cell)
        QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(cell).center())
        self.settle()

    def choose(self, combo: str, text: str) -> None:
        """Choose an entry of a drop-down list."""
        box = self.find(QComboBox, combo)
        box.setCurrentIndex(box.findText(text))
        self.settle()

    def drag(self, points: Iterable[tuple[float, float]]) -> None:
        """Draw over the image with the mouse, through points in (row, col) of the image."""
        canvas = self.window.findChild(QOpenGLWidget)
        places = [self._place(canvas, point) for point in points]
        QTest.mousePress(canvas, LEFT, pos=places[0].toPoint())
        for place in places[1:]:
            # QTest moves the mouse without a button held down.
            move = (QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), LEFT, LEFT, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(canvas, QMouseEvent(*move))
            self.settle()
        QTest.mouseRelease(canvas, LEFT, pos=places[-1].toPoint())
        self.settle()

    def run(self) -> None:
        """Press Segment, and wait for the end."""
        sentences: list[str] = []
        self.widget.session.ended.connect(sentences.append)
        self.click("Segment")
        self.wait(lambda: not self.widget.session.is_running, "the end of the run")
        if not sentences:
            raise RuntimeError(f"there was no run, or it failed: {self.widget.run_bar.text}")

    def enlarge_tabs(self, height_px: int) -> None:
        """Drag the handle over the tabs up as far as it goes, in a window of a height."""
        self.resize(WINDOW_PX[0], height_px)
        self.widget.findChild(QSplitter).setSizes([0, height_px])
        self.settle()

    def below(self, part: QWidget) -> QRect:
        """Return the lower part of the dock, from the top of one of its parts on."""
        top = part.mapTo(self.dock, QPoint()).y() - MARGIN_PX
        return QRect(0, top, self.dock.width(), self.dock.height() - top)

    def picture(self, name: str, of: QWidget | None = None, crop: QRect | None = None) -> None:
        """Save a picture of the window, or of a part of it.

        Parameters
        ----------
        name : str
        of : QWidget, optional
            By default the whole window.
        crop : QRect, optional
            A part of this widget.
        """
        widget = of or self.window
        save(widget.grab() if crop is None else widget.grab(crop), self._folder / f"{name}.png")
        self.taken.append(name)

    def close(self) -> None:
        """Close the window."""
        self.viewer.close()
        self.settle()

    def _place(self, canvas: QWidget, point: tuple[float, float]) -> QPointF:
        """Return where a point of the image is on the canvas."""
        camera = self.viewer.scene.camera
        relative = (np.array(point) - camera.center[-2:]) * camera.zoom
        return QPointF(canvas.width() / 2 + relative[1], canvas.height() / 2 + relative[0])


def save(pixmap: QPixmap, file: Path) -> None:
    """Write a picture as a small PNG."""
    held = QByteArray()
    pixmap.save(QBuffer(held), "PNG")
    Image.open(io.BytesIO(held.data())).convert("RGB").save(file, optimize=True)
