"""The keys of a correction, on the layers that take part in it; elsewhere they mean what they meant."""

import logging
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any

from napari.layers import Layer
from napari.utils.key_bindings import coerce_keybinding

from napari_car.gui.keys import napari_keys
from napari_car.gui.shortcuts import CORRECTION_SHORTCUTS

_logger = logging.getLogger(__name__)

_ENDS_DRAWING = frozenset(["accept", "discard"])
_DRAWING_MODES = frozenset(["polygon", "add_path", "add_polyline", "add_polygon", "add_polygon_lasso"])
_MOVE = "move"


class CorrectionKeys:
    """Binds keys on layers, and gives them back.

    Parameters
    ----------
    actions : mapping of str to callable
        What to do, by the names in :data:`~napari_car.gui.shortcuts.CORRECTION_SHORTCUTS`; ``move`` is called with True
        when its key is pressed, and with False when it is released.
    """

    def __init__(self, actions: Mapping[str, Callable[..., object]]) -> None:
        self._actions = actions
        self._bound: list[tuple[Layer, str]] = []

    def bind(self, layers: Collection[Layer]) -> None:
        """Bind the keys on these layers and no others."""
        for layer, key in self._bound:
            if layer not in layers:
                layer.bind_key(key, None)
        self._bound = [(layer, key) for layer, key in self._bound if layer in layers]
        known = {layer for layer, _ in self._bound}
        for layer in layers:
            if layer not in known:
                for shortcut in CORRECTION_SHORTCUTS:
                    self._bind(layer, shortcut.action, napari_keys(shortcut.keys))

    def _bind(self, layer: Layer, action: str, key: str) -> None:
        """Bind a key on a layer, unless somebody else has."""

        def act(pressed: Layer) -> Any:
            if action in _ENDS_DRAWING and str(pressed.mode) in _DRAWING_MODES:
                return _original(pressed, key)(pressed)
            return self._actions[action]()

        try:
            layer.bind_key(key, self._move if action == _MOVE else act)
        except ValueError:
            _logger.warning("The key %s is bound already in %s, so it does nothing here.", key, layer.name)
        else:
            self._bound.append((layer, key))

    def _move(self, pressed: Layer) -> Generator[None, None, None]:
        """Let the mouse move the view as long as the key is held, as napari does in its own modes."""
        mode = pressed.mode
        pressed.mode = "pan_zoom"
        self._actions[_MOVE](True)
        yield
        self._actions[_MOVE](False)
        pressed.mode = mode


def _original(layer: Layer, key: str) -> Callable[[Layer], Any]:
    """Return what napari itself does at a key in a kind of layer."""
    wanted = coerce_keybinding(key)
    keymaps: list[dict[Any, Callable[[Layer], Any]]] = [getattr(cls, "class_keymap", {}) for cls in type(layer).__mro__]
    return next((keymap[wanted] for keymap in keymaps if wanted in keymap), lambda _: None)
