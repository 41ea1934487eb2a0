"""A run over images of a project, as a generator: it can be stopped between pieces of work, and keeps what is done."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_car.errors import ONE_IMAGE_ERRORS, CaRError

from .label_image import Recipe, label_image
from .project import Project, ProjectImage, Stamp
from .survey import Place

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """A run has come to an image."""

    key: str


@dataclass(frozen=True, slots=True)
class PlaneStarted:
    """A run has come to a plane of a stack.

    Parameters
    ----------
    key : str
    number, total : int
        The plane's number from 1, and how many there are.
    """

    key: str
    number: int
    total: int


Event = PlaneStarted | None
"""What happens within an image; None between pieces of work."""


@dataclass(frozen=True, slots=True)
class ImageDone:
    """A run is done with an image.

    Parameters
    ----------
    key : str
    problem : CaRError or None
        Why its labels are not written.
    was_kept : bool
        Whether it was passed over, since a person has worked on its labels.
    """

    key: str
    problem: CaRError | None = None
    was_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRun:
    """A run over a project.

    Parameters
    ----------
    project : Project
    recipe : Recipe
        With at least one enabled query, and the list's distractors.
    """

    project: Project
    recipe: Recipe

    def run(
        self, segmenter: "Segmenter", images: Iterable[ProjectImage], is_left_alone: Callable[[str], bool]
    ) -> Generator[ImageStarted | Event | ImageDone, None, None]:
        """Segment images and save their labels, one after another.

        Parameters
        ----------
        segmenter : Segmenter
        images : iterable of ProjectImage
        is_left_alone : callable
            Tells of a key whether somebody is working on that image right now; asked when the run comes to it.

        Yields
        ------
        ImageStarted, PlaneStarted, ImageDone or None
            None between pieces of work. What concerns one image only is in its ``ImageDone``, and does not stop the
            run.
        """
        for image in images:
            yield ImageStarted(image.key)
            try:
                seen = self._find_replaceable(image)
                if seen is None or is_left_alone(image.key):
                    yield ImageDone(image.key, was_kept=True)
                    continue
                yield from self._segment(segmenter, image, seen)
            except ONE_IMAGE_ERRORS as error:
                yield ImageDone(image.key, error)
            else:
                yield ImageDone(image.key)

    def _find_replaceable(self, image: ProjectImage) -> Stamp | None:
        """Return the stamp of the labels that may be replaced; None if a person has worked on them."""
        document, seen = self.project.load(image)
        return None if document is not None and document.is_corrected else seen

    def _segment(self, segmenter: "Segmenter", image: ProjectImage, seen: Stamp) -> Generator[Event, None, None]:
        """Read, segment and save an image."""
        run = label_image(image, segmenter, self.recipe)
        event: object = None
        while True:
            at = event if isinstance(event, Place) and event.total > 1 else None
            yield None if at is None else PlaneStarted(image.key, at.number, at.total)
            try:
                event = next(run)
            except StopIteration as end:
                document, _ = end.value
                break
        self.project.save(image, document, seen)
