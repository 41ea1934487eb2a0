"""Small pictures of the images of a project with their labels, made in a worker thread."""

import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project, ProjectImage
from napari_car.annotation.project_index import ImageState, examine
from napari_car.annotation.thumbnails import shrink, thumbnail_size_px
from napari_car.errors import CaRError
from napari_car.io import read_image

SIDE_PX = 96
_TINT = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was found out of an image.

    Parameters
    ----------
    key : str
    state : ImageState
    picture : ndarray, (h, w, 3), uint8, or None
        RGB, with the labels in their colours; None if the image cannot be shown so small, as a stack.
    """

    key: str
    state: ImageState
    picture: UInt8[np.ndarray, "h w 3"] | None = None


def examine_each(images: Iterable[ProjectImage], stop: threading.Event) -> Generator[Looked, None, None]:
    """Yield the state of each image, without pictures."""
    for image in images:
        if stop.is_set():
            return
        yield Looked(image.key, examine(image))


def look_at_each(
    project: Project, images: Iterable[ProjectImage], stop: threading.Event
) -> Generator[Looked, None, None]:
    """Yield the state and a picture of each image."""
    for image in images:
        if stop.is_set():
            return
        yield Looked(image.key, examine(image), _draw(project, image))


def _draw(project: Project, image: ProjectImage) -> UInt8[np.ndarray, "h w 3"] | None:
    """Return the picture of an image; None if it cannot be read, which is said when it is opened."""
    try:
        rgb = read_image(image.path).rgb
    except CaRError:
        return None
    scale = SIDE_PX / max(rgb.shape[:2])
    size_px = (max(1, round(rgb.shape[0] * scale)), max(1, round(rgb.shape[1] * scale)))
    if scale > 1:
        size_px = thumbnail_size_px((rgb.shape[0], rgb.shape[1]), 1)
    small = shrink(rgb, size_px)
    try:
        document, _ = project.load(image)
    except CaRError:
        return small
    for layer in document.layers if isinstance(document, Document) else ():
        if layer.shape == rgb.shape[:2]:
            small = _tint(small, layer)
    return small


def _tint(small: UInt8[np.ndarray, "h w 3"], layer: LabelLayer) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture with labels in their colours over it."""
    rows, columns = ((np.arange(n) * m) // n for n, m in zip(small.shape[:2], layer.shape, strict=True))
    labels = np.asarray(layer.labels)[np.ix_(rows, columns)]
    ids, places = np.unique(labels, return_inverse=True)
    colours = np.array([layer.colour_of(int(id_))[:3] for id_ in ids], dtype=np.uint8)
    painted = cv2.addWeighted(small, 1 - _TINT, colours[places.reshape(labels.shape)], _TINT, 0.0)
    return np.where((labels > 0)[..., None], painted, small).astype(np.uint8)
