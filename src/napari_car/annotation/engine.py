"""The networks that are loaded, shared by all windows of a program: one pair at a time, one run at a time."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

WAIT_S = 0.1
"""How often a run that waits for another one says so, and can be stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """Which networks a run needs, and where they run.

    Parameters
    ----------
    f, g : str
        Names of the checkpoints.
    sam : str or None
        SAM, for runs that ask it.
    models_folder : Path
    device, precision : str
        See :mod:`napari_car.device`.
    """

    f: str
    g: str
    sam: str | None = None
    models_folder: Path
    device: str = "auto"
    precision: str = "auto"


class Engine:
    """Holds the segmenter that was used last, and lends it to one run at a time.

    Parameters
    ----------
    load : callable, optional
        Makes the segmenter of a request; by default loads its checkpoints.
    """

    def __init__(self, load: "Callable[[NetworkRequest], Segmenter] | None" = None) -> None:
        self._load = load or _load_segmenter
        self._in_use = threading.Lock()
        self._loaded: tuple[NetworkRequest, Segmenter] | None = None

    def is_loaded(self, request: NetworkRequest) -> bool:
        """Tell whether the networks of a request are those in memory."""
        return self._loaded is not None and self._loaded[0] == request

    def waiting(self) -> Generator[None, None, None]:
        """Wait until no other run uses the networks, and take them; yields while waiting.

        Whoever exhausts this must hand them back by :meth:`release`; closing it while it waits takes nothing.
        """
        while not self._in_use.acquire(timeout=WAIT_S):
            yield

    def release(self) -> None:
        """Hand the networks back."""
        self._in_use.release()

    def segmenter(self, request: NetworkRequest) -> "Segmenter":
        """Return the segmenter of a request, loaded if it is not the last one; the caller must have taken the networks.

        Raises
        ------
        CheckpointError, ConfigError
            If it cannot be loaded; the one in memory is gone then, too, since both may not fit.
        """
        if self._loaded is not None and self._loaded[0] == request:
            return self._loaded[1]
        self._loaded = None
        segmenter = self._load(request)
        self._loaded = request, segmenter
        return segmenter


@contextmanager
def lent(engine: Engine) -> Generator[None, None, None]:
    """Hand the networks back at the end of a block, after they were taken by :meth:`Engine.waiting`."""
    try:
        yield
    finally:
        engine.release()


def warm_up() -> None:
    """Load the libraries that a run needs, which takes seconds; in a worker thread, so that nobody waits."""
    import napari_car.segmenter  # noqa: F401


def _load_segmenter(request: NetworkRequest) -> "Segmenter":
    """Load the checkpoints of a request."""
    from napari_car.segmenter import Segmenter

    return Segmenter(
        request.f,
        request.g,
        sam=request.sam,
        models_folder=request.models_folder,
        device=request.device,
        precision=request.precision,
    )


ENGINE = Engine()
"""The one of this program."""
