"""The keys of a correction, on the layers that take part in it; elsewhere they mean what they meant."""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from napari.layers import Layer
from napari.utils.key_bindings import coerce_keybinding

_logger = logging.getLogger(__name__)

KEYS: Mapping[str, str] = {
    "accept": "Enter",
    "discard": "Escape",
    "undo": "Control-Z",
    "redo": "Control-Shift-Z",
    "next_candidate": "C",
}
"""Keys, in napari's spelling, by what they do."""

_ENDS_DRAWING = frozenset(["accept", "discard"])
_DRAWING_MODES = frozenset(["polygon", "add_path", "add_polyline", "add_polygon", "add_polygon_lasso"])


class CorrectionKeys:
    """Binds keys on layers, and gives them back.

    Parameters
    ----------
    actions : mapping of str to callable
        What to do, by the names in :data:`KEYS`.
    """

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
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
                for action, key in KEYS.items():
                    self._bind(layer, action, key)

    def _bind(self, layer: Layer, action: str, key: str) -> None:
        """Bind a key on a layer, unless somebody else has."""

        def act(pressed: Layer) -> Any:
            if action in _ENDS_DRAWING and str(pressed.mode) in _DRAWING_MODES:
                return _original(pressed, key)(pressed)
            return self._actions[action]()

        try:
            layer.bind_key(key, act)
        except ValueError:
            _logger.warning("The key %s is bound already in %s, so it does nothing here.", key, layer.name)
        else:
            self._bound.append((layer, key))


def _original(layer: Layer, key: str) -> Callable[[Layer], Any]:
    """Return what napari itself does at a key in a kind of layer."""
    wanted = coerce_keybinding(key)
    keymaps: list[dict[Any, Callable[[Layer], Any]]] = [getattr(cls, "class_keymap", {}) for cls in type(layer).__mro__]
    return next((keymap[wanted] for keymap in keymaps if wanted in keymap), lambda _: None)
