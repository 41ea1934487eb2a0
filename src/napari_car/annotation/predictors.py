"""What corrects masks from what a person points at: SAM, or graph cuts where there is none."""

import threading
from typing import TYPE_CHECKING

from .engine import ENGINE, Engine, SamRequest

if TYPE_CHECKING:
    from napari_car.sam.prompts import MaskPredictor


class Predictors:
    """Holds the predictors that were used last, with what they remember of images.

    Parameters
    ----------
    engine : Engine, optional
        Holds SAM, which runs use, too.
    """

    def __init__(self, engine: Engine = ENGINE) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._last: dict[bool, tuple[object, MaskPredictor]] = {}

    def is_loaded(self, request: SamRequest | None) -> bool:
        """Tell whether a predictor is there without loading a network."""
        return request is None or self._engine.is_sam_loaded(request)

    def predictor(self, request: SamRequest | None) -> "MaskPredictor":
        """Return the predictor that asks a SAM, or without one the one that cuts graphs; for worker threads.

        Raises
        ------
        CheckpointError, ConfigError
            If SAM cannot be loaded.
        """
        network = None if request is None else self._engine.sam(request)
        with self._lock:
            last = self._last.get(network is None)
            if last is None or last[0] is not network:
                last = self._last[network is None] = network, _make_predictor(network)
            return last[1]


def _make_predictor(network: object) -> "MaskPredictor":
    """Make a predictor; imported here, since both take their time to load."""
    if network is None:
        from napari_car.sam.classical import ClassicalPredictor

        return ClassicalPredictor()
    from napari_car.sam.interactive import SamPredictor
    from napari_car.sam.loading import SamModel

    assert isinstance(network, SamModel)
    return SamPredictor(network)


PREDICTORS = Predictors()
"""Those of this program."""
