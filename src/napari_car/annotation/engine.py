"""The networks that are loaded, shared by all windows of a program: one pair at a time, one run at a time."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_car.sam.loading import SamModel
    from napari_car.segmenter import Segmenter

WAIT_S = 0.1
"""How often a run that waits for another one says so, and can be stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamRequest:
    """Which SAM is needed, and where it runs.

    Parameters
    ----------
    name : str
        See :func:`napari_car.sam.loading.load_sam`.
    models_folder : Path
    device, precision : str
        See :mod:`napari_car.device`.
    """

    name: str
    models_folder: Path
    device: str = "auto"
    precision: str = "auto"


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

    @property
    def without_sam(self) -> "NetworkRequest":
        """The same f and g alone."""
        return replace(self, sam=None)

    @property
    def of_sam(self) -> SamRequest | None:
        """SAM alone; None without."""
        if self.sam is None:
            return None
        return SamRequest(name=self.sam, models_folder=self.models_folder, device=self.device, precision=self.precision)


class Engine:
    """Holds the segmenter that was used last, and lends it to one run at a time; holds the last SAM for all.

    Parameters
    ----------
    load : callable, optional
        Makes the segmenter of a request without SAM; by default loads its checkpoints.
    load_sam : callable, optional
        Makes the SAM of a request; by default loads its checkpoint.
    """

    def __init__(
        self,
        load: "Callable[[NetworkRequest], Segmenter] | None" = None,
        load_sam: "Callable[[SamRequest], SamModel] | None" = None,
    ) -> None:
        self._load, self._load_sam = load or _load_segmenter, load_sam or _load_sam
        self._in_use = threading.Lock()
        self._loaded: tuple[NetworkRequest, Segmenter] | None = None
        self._loading_sam = threading.Lock()
        self._sam: tuple[SamRequest, SamModel] | None = None

    def is_loaded(self, request: NetworkRequest) -> bool:
        """Tell whether the networks of a request are those in memory."""
        is_clip_loaded = self._loaded is not None and self._loaded[0] == request.without_sam
        return is_clip_loaded and (request.of_sam is None or self.is_sam_loaded(request.of_sam))

    def is_sam_loaded(self, request: SamRequest) -> bool:
        """Tell whether the SAM of a request is the one in memory."""
        return self._sam is not None and self._sam[0] == request

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
        if self._loaded is None or self._loaded[0] != request.without_sam:
            self._loaded = None
            self._loaded = request.without_sam, self._load(request.without_sam)
        segmenter = self._loaded[1]
        if request.of_sam is not None:
            segmenter.use_sam(self.sam(request.of_sam))
        return segmenter

    def sam(self, request: SamRequest) -> "SamModel":
        """Return the SAM of a request, loaded if it is not the last one.

        It may be used by several threads at once: a run does not keep a person from correcting.

        Raises
        ------
        CheckpointError, ConfigError
            If it cannot be loaded; the one in memory is gone then, too, since both may not fit.
        """
        with self._loading_sam:
            if self._sam is None or self._sam[0] != request:
                self._sam = None
                self._sam = request, self._load_sam(request)
            return self._sam[1]


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
        models_folder=request.models_folder,
        device=request.device,
        precision=request.precision,
    )


def _load_sam(request: SamRequest) -> "SamModel":
    """Load the checkpoint of a request."""
    from napari_car.sam.loading import load_sam

    return load_sam(request.name, folder=request.models_folder, device=request.device, precision=request.precision)


ENGINE = Engine()
"""The one of this program."""
