"""The labels of one image of a project, wherever they are made: in a window, a batch, or on a worker of a cluster."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_car.config import CaRConfig
from napari_car.io import read_image
from napari_car.io.bounds import bounded
from napari_car.results import Progress, Step

from .document import Document
from .image_planes import ImagePlanes
from .label_planes import label_planes
from .outcome import Outcome
from .project import ProjectImage
from .segmented_document import make_document
from .sheet import QuerySheet
from .survey import Place

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the images of a run have in common.

    Parameters
    ----------
    sheet : QuerySheet
        The ontology.
    config : CaRConfig
    preset : str
        Name of the preset that the parameters were changed from.
    """

    sheet: QuerySheet
    config: CaRConfig
    preset: str


def with_distractors(config: CaRConfig, sheet: QuerySheet) -> CaRConfig:
    """Return parameters with the distractors of a list, too."""
    words = (*config.proposals.background_words, *sheet.background_words)
    return config.changed({"proposals.background_words": tuple(dict.fromkeys(words))})


def label_image(
    image: ProjectImage, segmenter: "Segmenter", recipe: Recipe
) -> Generator[Progress | Step | Place, None, tuple[Document, Outcome]]:
    """Read and segment an image, of a stack plane by plane; nothing is written, and closing the generator stops it.

    Yields
    ------
    Progress, Step
        As :meth:`napari_car.Segmenter.run` does.
    Place
        At the beginning of each plane of a stack.

    Returns
    -------
    document : Document
    outcome : Outcome

    Raises
    ------
    ImageError
        If it cannot be read.
    ResourceError
        If the device runs out of memory.
    """
    planes = ImagePlanes.open(image.path)
    if planes is not None:
        return (yield from label_planes(image.key, planes, segmenter, recipe))
    read = read_image(image.path)
    picture, notes = bounded(read.rgb, recipe.config.compute.max_side_px)
    result = yield from segmenter.run(picture, recipe.sheet.queries, recipe.config)
    result = result.noted((*read.notes, *notes))
    # napari names an image after its file without the ending, and labels find their image by its name.
    about: dict[str, Any] = {"name": image.path.stem, "path": image.key, "shape": list(read.rgb.shape[:2])}
    return make_document(
        result,
        size_px=(read.rgb.shape[0], read.rgb.shape[1]),
        sheet=recipe.sheet,
        config=recipe.config,
        preset=recipe.preset,
        image=about,
    )
