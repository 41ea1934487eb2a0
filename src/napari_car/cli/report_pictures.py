"""Small pictures of the labels of a project."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, UInt8

from napari_car.annotation.document import Document
from napari_car.annotation.image_summary import ImageSummary
from napari_car.annotation.layer_reading import flatten, read_instances, read_ledger
from napari_car.annotation.project import Project
from napari_car.annotation.project_summary import is_corrected
from napari_car.errors import CaRError, DocumentError, ImageError
from napari_car.io import read_image

from .small_pictures import Picture, draw_small


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of an image, or why there are none.

    Parameters
    ----------
    pictures : tuple of Picture
        The labels as the program wrote them, if a person has changed them, and as they are.
    reason : str
        A sentence; empty if there are pictures.
    """

    pictures: tuple[Picture, ...] = ()
    reason: str = ""


def draw_pictures(project: Project, image: ImageSummary) -> Pictures:
    """Draw the labels of an image over it; what cannot be drawn is said in the result."""
    try:
        document, _ = project.load(project.image(image.key))
        if document is None:
            raise DocumentError("The labels are gone.")
        if any(len(layer.shape) != 2 for layer in document.layers):
            return Pictures(reason="There is no picture of a stack.")
        return Pictures(_draw(project, image, document))
    except CaRError as error:
        return Pictures(reason=f"There is no picture: {error}")


def _draw(project: Project, image: ImageSummary, document: Document) -> tuple[Picture, ...]:
    """Draw what the program wrote, where it was changed, and what is there now."""
    rgb = read_image(project.image(image.key).path).rgb
    automatic, now = _flatten(document)
    if not is_corrected(image.agreement):
        return (_draw_one("Labels", rgb, now, image),)
    return _draw_one("Automatic", rgb, automatic, image), _draw_one("Corrected", rgb, now, image)


def _flatten(document: Document) -> tuple[Int32[np.ndarray, "H W"], Int32[np.ndarray, "H W"]]:
    """Return classes as the program wrote them and as they are; of several layers, the higher ones lie on top."""
    if len({layer.shape for layer in document.layers}) > 1:
        raise ImageError("Its layers differ in size.")
    read = [(read_instances(layer), layer) for layer in document.layers]
    before = flatten(np.maximum(table.semantic(read_ledger(layer).automatic()), 0) for table, layer in read)
    return before, flatten(table.semantic(np.asarray(layer.labels)) for table, layer in read)


def _draw_one(
    title: str, rgb: UInt8[np.ndarray, "H W 3"], labels: Int32[np.ndarray, "H W"], image: ImageSummary
) -> Picture:
    """Draw one picture."""
    colours = {id_: found.colour[:3] for id_, found in image.classes.items()}
    return draw_small(title, rgb, labels, colours)
