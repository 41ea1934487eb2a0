"""Small pictures of the images of a project with their labels, made in a worker thread."""

import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt8

from napari_car.annotation.frames import Frame
from napari_car.annotation.image_planes import ImagePlanes
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.layer_reading import flatten, read_instances
from napari_car.annotation.project import Project, ProjectImage
from napari_car.annotation.project_index import ImageState, examine
from napari_car.annotation.thumbnails import shrink
from napari_car.errors import CaRError
from napari_car.io import RGB, read_image
from napari_car.io.overlay import paint_labels

SIDE_PX = 96
N_KEPT = 256
"""Images of which the small picture without labels is kept: 27 kB each."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was found out of an image.

    Parameters
    ----------
    key : str
    state : ImageState
    picture : ndarray, (h, w, 3), uint8, or None
        RGB, with the labels in their colours, of a stack the plane in the middle; None if the image cannot be read.
    """

    key: str
    state: ImageState
    picture: UInt8[np.ndarray, "h w 3"] | None = None


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
        small, shape = _read_small(image.path, image.path.stat().st_mtime_ns)
    except (CaRError, OSError):
        return None
    try:
        document, _ = project.load(image)
        layers = () if document is None else document.layers
        shown = [layer for layer in layers if layer.shape == shape]
        maps = [read_instances(layer).semantic(_sample(layer, small.shape[:2])) for layer in shown]
    except CaRError:
        return small
    if not maps:
        return small
    colours: dict[int, RGB] = {}
    for layer, labels in zip(shown, maps, strict=True):
        colours |= {id_: layer.colour_of(id_)[:3] for id_ in np.unique(labels[labels > 0]).tolist()}
    return paint_labels(small, flatten(maps), colours, side_px=max(small.shape[:2]))


@lru_cache(maxsize=N_KEPT)
def _read_small(path: Path, _changed_ns: int) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[int, ...]]:
    """Return an image as small as it is shown, and the shape of its labels.

    The image itself changes less often than its labels.
    """
    planes = ImagePlanes.open(path)
    if planes is None:
        rgb = read_image(path).rgb
        return _shrink(rgb, rgb.shape[:2]), rgb.shape[:2]
    shape = planes.axes.shape
    frame = Frame(_middle_plane(shape), planes.axes.whole, planes.axes.whole)
    rgb, _ = planes.render(frame, SIDE_PX)
    return _shrink(rgb, shape[-2:]), shape


def _shrink(rgb: UInt8[np.ndarray, "h w 3"], size_px: tuple[int, ...]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture of an image of a size as small as it is shown."""
    scale = min(1.0, SIDE_PX / max(size_px))
    return shrink(rgb, (max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale))))


def _middle_plane(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the plane in the middle of a stack."""
    return tuple(length // 2 for length in shape[:-2])


def _sample(layer: LabelLayer, size_px: tuple[int, ...]) -> Int32[np.ndarray, "h w"]:
    """Return labels of the plane that is shown at the size of a picture."""
    rows, columns = ((np.arange(n) * whole) // n for n, whole in zip(size_px, layer.shape[-2:], strict=True))
    return np.asarray(layer.labels[_middle_plane(layer.shape)], dtype=np.int32)[np.ix_(rows, columns)]
