"""Segment images by text: CLIP as RNN (Sun et al., CVPR 2024), training-free and open-vocabulary.

Names are loaded when they are first used, so that importing the package loads neither torch nor Qt.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "CaRConfig": "config",
    "CaRError": "errors",
    "PRESETS": "presets",
    "Progress": "results",
    "Query": "queries",
    "QueryResult": "results",
    "Segmentation": "segmentation",
    "Segmenter": "segmenter",
    "Step": "results",
    "read_image": "io",
}

__all__ = [
    "PRESETS",
    "CaRConfig",
    "CaRError",
    "Progress",
    "Query",
    "QueryResult",
    "Segmentation",
    "Segmenter",
    "Step",
    "read_image",
]

if TYPE_CHECKING:
    from .config import CaRConfig
    from .errors import CaRError
    from .io import read_image
    from .presets import PRESETS
    from .queries import Query
    from .results import Progress, QueryResult, Step
    from .segmentation import Segmentation
    from .segmenter import Segmenter


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    """List public names, loaded or not."""
    return sorted([*globals(), *__all__])
