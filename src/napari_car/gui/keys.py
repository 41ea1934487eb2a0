"""Bind the keys of the dock widget, on the viewer's canvas and in the dock itself."""

import logging
from collections.abc import Callable, Mapping

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

from .shortcuts import SHORTCUTS

_logger = logging.getLogger(__name__)


class KeyBindings:
    """The keys of one dock widget, until it is closed.

    The viewer's keys work while the pointer is at work in the image, the dock's own while something is typed there.

    Parameters
    ----------
    viewer : ViewerModel
    dock : QWidget
    actions : mapping of str to callable
        What to do, by the names in :data:`~napari_car.gui.shortcuts.SHORTCUTS`.
    """

    def __init__(self, viewer: ViewerModel, dock: QWidget, actions: Mapping[str, Callable[[], object]]) -> None:
        self._viewer = viewer
        self._bound: list[str] = []
        for shortcut in SHORTCUTS:
            action = actions[shortcut.action]
            key = QShortcut(QKeySequence(shortcut.keys), dock)
            key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            key.activated.connect(action)
            self._bind(napari_keys(shortcut.keys), action)

    def close(self) -> None:
        """Give the viewer's keys back."""
        for keys in self._bound:
            self._viewer.bind_key(keys, None)
        self._bound.clear()

    def _bind(self, keys: str, action: Callable[[], object]) -> None:
        """Bind a key of the viewer, unless somebody else has."""

        def act(_viewer: ViewerModel) -> None:
            action()

        try:
            self._viewer.bind_key(keys, act)
        except ValueError:
            _logger.warning("The key %s is bound already, so it does nothing here.", keys)
        else:
            self._bound.append(keys)


def napari_keys(keys: str) -> str:
    """Return Qt's spelling of a key in napari's."""
    return keys.replace("Return", "Enter")
