"""The labels of one image of a batch, and what a person is told of them."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_car.annotation.document import Document
from napari_car.annotation.label_image import Recipe, label_image
from napari_car.annotation.project import ProjectImage
from napari_car.annotation.survey import Place
from napari_car.results import Progress, Step, drain

from .display import describe_labels

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class ImageLabels:
    """What came of an image.

    Parameters
    ----------
    document : Document
    line : str
        What was found, for people.
    """

    document: Document
    line: str


def label_and_describe(
    image: ProjectImage, segmenter: "Segmenter", recipe: Recipe
) -> Generator[Progress | Step | Place, None, ImageLabels]:
    """Read and segment an image; see :func:`~napari_car.annotation.label_image.label_image`."""
    document, outcome = yield from label_image(image, segmenter, recipe)
    return ImageLabels(document, describe_labels(outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelWork:
    """Labelling one image, as work for a cluster.

    Parameters
    ----------
    image : ProjectImage
        Its path is one from the root on.
    recipe : Recipe
    """

    image: ProjectImage
    recipe: Recipe

    def __call__(self, segmenter: "Segmenter", /) -> ImageLabels:
        """Label it."""
        return drain(label_and_describe(self.image, segmenter, self.recipe))
