"""Reads the image that is probably wanted next."""

import threading
from collections.abc import Generator, Iterable
from pathlib import Path

from qtpy.QtCore import QObject

from napari_car.errors import CaRError
from napari_car.gui.latest_job import LatestJob

from .image_layers import LayerData, read_image_layers


class Prefetch(QObject):
    """Keeps what was read ahead until it is taken; never more than what was asked for last.

    Parameters
    ----------
    parent : QObject, optional
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._found: dict[Path, list[LayerData]] = {}
        self._job = LatestJob(_read_each, 0, self)
        self._job.yielded.connect(self._keep)

    def read(self, paths: Iterable[Path]) -> None:
        """Read images in a worker thread; others are forgotten."""
        wanted = tuple(paths)
        self._found = {path: data for path, data in self._found.items() if path in wanted}
        self._job.ask(tuple(path for path in wanted if path not in self._found))

    def take(self, path: Path) -> list[LayerData] | None:
        """Return what was read of an image, if it was."""
        return self._found.pop(path, None)

    def close(self) -> None:
        """Read no more."""
        self._job.close()
        self._found.clear()

    def _keep(self, item: tuple[Path, list[LayerData]]) -> None:
        self._found[item[0]] = item[1]


def _read_each(paths: Iterable[Path], stop: threading.Event) -> Generator[tuple[Path, list[LayerData]], None, None]:
    """Yield what is read; what cannot be read is said when it is opened."""
    for path in paths:
        if stop.is_set():
            return
        try:
            yield path, read_image_layers(path)
        except CaRError:
            continue
