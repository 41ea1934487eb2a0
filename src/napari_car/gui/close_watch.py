"""Notice when a dock widget is taken out of its window, or the window is closed: napari tells it neither."""

from collections.abc import Callable
from weakref import WeakMethod, ref

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QMainWindow, QWidget


class CloseWatch(QObject):
    """Calls back when a widget has lost its place on the screen for good; hiding it does not count.

    Parameters
    ----------
    widget : QWidget
    closed : bound method
        May be called more than once.
    """

    def __init__(self, widget: QWidget, closed: Callable[[], None]) -> None:
        super().__init__(widget)
        self._widget, self._closed = ref(widget), WeakMethod(closed)
        self._is_watching = False
        self._later = QTimer(self)  # dies with the widget, unlike a single shot
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._check)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802  # Qt's name
        """Look at what happens to the widget and to its window, and let it happen."""
        if event is not None and watched is self._widget():
            self._on_widget(event)
        elif event is not None and event.type() == QEvent.Type.Close:
            self._later.start(0)  # a person may still be asked, and say no
        return False

    def _on_widget(self, event: QEvent) -> None:
        """Watch the window that the widget is in."""
        window = self._find_window()
        if event.type() == QEvent.Type.ParentChange:
            self._check()
        elif event.type() == QEvent.Type.Show and window is not None and not self._is_watching:
            self._is_watching = True
            window.installEventFilter(self)

    def _check(self) -> None:
        """Call back if the widget has no window any more, or a closed one."""
        window, closed = self._find_window(), self._closed()
        if closed is not None and self._is_watching and (window is None or not window.isVisible()):
            closed()

    def _find_window(self) -> QMainWindow | None:
        """Return the main window that the widget is in; nobody keeps it, so that it can go."""
        ancestor: QObject | None = self._widget()
        while ancestor is not None and not isinstance(ancestor, QMainWindow):
            ancestor = ancestor.parent()  # not window(): a floating dock is a window of its own
        return ancestor if isinstance(ancestor, QMainWindow) else None
