"""An image of a project as napari shows it; read in a worker thread, before it is wanted."""

from pathlib import Path
from typing import Any

from napari.layers import Image, Layer
from npe2 import io_utils

from napari_car.errors import ImageError
from napari_car.io import read_image

LayerData = tuple[Any, dict[str, Any], str]


def read_image_layers(path: Path) -> list[LayerData]:
    """Read an image as a run over the folder does, upright and in 8-bit colours; others as napari reads them.

    Raises
    ------
    ImageError
        If neither can read it.
    """
    try:
        loaded = read_image(path)
        is_picture = loaded.original_dtype == "uint8"
    except ImageError as error:
        return _read_by_napari(path, error)
    if is_picture:
        return [(loaded.rgb, {"name": path.stem, "rgb": True}, "image")]
    try:
        return _read_by_napari(path, None)
    except ImageError:
        return [(loaded.rgb, {"name": path.stem, "rgb": True}, "image")]


def make_layers(data: list[LayerData]) -> list[Layer]:
    """Return the layers, the first image first."""
    layers = [Layer.create(*item) for item in data]
    return sorted(layers, key=lambda layer: not isinstance(layer, Image))


def _read_by_napari(path: Path, reason: ImageError | None) -> list[LayerData]:
    """Read an image with napari's own reader: values as they are in the file, and stacks."""
    try:
        found = io_utils.read([str(path)], plugin_name="napari", stack=False)
    # Readers raise almost anything.
    except Exception as error:
        raise reason or ImageError(f"{path} cannot be read as an image: {error}.") from error
    return [(item[0], {**(item[1] if len(item) > 1 else {}), "name": path.stem}, "image") for item in found]
