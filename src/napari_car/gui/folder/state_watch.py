"""How far the work on each image of a project is, found out in a worker thread."""

from collections.abc import Iterable, Sequence

from qtpy.QtCore import QObject, Signal

from napari_car.annotation.project import Project, ProjectImage
from napari_car.annotation.project_index import ImageState
from napari_car.gui.latest_job import LatestJob

from .thumbnail_work import Looked, look_at_each


class StateWatch(QObject):
    """Knows the state of each image, as it was when its labels were written last.

    Parameters
    ----------
    parent : QObject, optional
    """

    looked = Signal(object)
    """A :class:`~.thumbnail_work.Looked`."""
    failed = Signal(str)
    """A sentence for the user."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.states: dict[str, ImageState] = {}
        """By key; of what was not looked at yet, as if it had no labels."""
        self._project: Project | None = None
        self._images: Sequence[ProjectImage] = ()
        self._unseen: set[str] = set()
        self._job = LatestJob(look_at_each, 0, self)
        self._job.yielded.connect(self._on_looked)
        self._job.failed.connect(self.failed)

    @property
    def is_busy(self) -> bool:
        """Whether some images are still to be looked at."""
        return self._job.is_busy

    @property
    def is_complete(self) -> bool:
        """Whether all states are known."""
        return not self._unseen

    def start(self, project: Project, images: Sequence[ProjectImage]) -> None:
        """Look at the images of another project."""
        self._project, self._images, self._unseen = project, images, set()
        self.states = {image.key: ImageState(progress="unprocessed") for image in images}
        self.refresh(self.states)

    def refresh(self, keys: Iterable[str]) -> None:
        """Look at images again whose labels were written; at those that were still to be looked at, too."""
        self._unseen |= set(keys)
        self._job.ask(self._project, tuple(image for image in self._images if image.key in self._unseen))

    def close(self) -> None:
        """Look at no more."""
        self._job.close()

    def _on_looked(self, looked: Looked) -> None:
        """Keep what was found out of an image of this project."""
        if looked.key in self.states:
            self._unseen.discard(looked.key)
            self.states[looked.key] = looked.state
            self.looked.emit(looked)
