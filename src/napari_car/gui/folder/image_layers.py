"""An image of a project as napari shows it; read in a worker thread, before it is wanted."""

import math
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
from napari.layers import Image, Layer
from napari.utils import Colormap
from npe2 import io_utils

from napari_car.errors import ImageError, ResourceError
from napari_car.io import read_image
from napari_car.io.array_view import ArrayView
from napari_car.io.find import is_zarr
from napari_car.io.stack import ImageStack, StackChannel
from napari_car.io.stacks import open_stack

LayerData = tuple[Any, dict[str, Any], str]

MAX_READ_BYTES = 2**28
"""Of larger stacks, planes are read as they are shown."""

_TILE_PX = 1024
"""Side of the parts in which the planes of such stacks are read."""


def read_image_layers(path: Path) -> list[LayerData]:
    """Read an image as a run over the folder does: upright, with the same channels and contrast.

    Pictures are read in 8-bit colours. Stacks and OME-Zarr images have a layer for each channel; large ones are read as
    they are shown. The rest is read as napari does it.

    Raises
    ------
    ImageError
        If it cannot be read.
    ResourceError
        If there is no memory for it.
    """
    try:
        stack = open_stack(path)
    except ImageError as error:
        if is_zarr(path):
            raise
        return _read_by_napari(path, error)
    return _read_picture(path) if stack is None else _read_stack(stack)


def make_layers(data: list[LayerData]) -> list[Layer]:
    """Return the layers, the first image first."""
    layers = [Layer.create(*item) for item in data]
    return sorted(layers, key=lambda layer: not isinstance(layer, Image))


def _read_picture(path: Path) -> list[LayerData]:
    """Read a single picture."""
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


def _read_stack(stack: ImageStack) -> list[LayerData]:
    """Return a layer for each channel of a stack."""
    n_bytes = sum(
        math.prod(level.shape) * level.dtype.itemsize for channel in stack.channels for level in channel.levels
    )
    shared: dict[str, Any] = {"axis_labels": stack.axis_names, "blending": stack.blending}
    if stack.scale:
        shared |= {"scale": stack.scale, "translate": stack.translate, "units": stack.units}
    return [
        (_pixels_of(stack, channel, is_small=n_bytes <= MAX_READ_BYTES), shared | _look_of(stack, channel), "image")
        for channel in stack.channels
    ]


def _look_of(stack: ImageStack, channel: StackChannel) -> dict[str, Any]:
    """Return the arguments of the layer of a channel that differ between channels."""
    look: dict[str, Any] = {
        "name": stack.layer_name(channel),
        "contrast_limits": channel.contrast_limits,
        "visible": channel.is_visible,
        "multiscale": stack.n_levels > 1,
        "rgb": stack.is_rgb,
    }
    if not stack.is_rgb:
        colours = np.array([(0, 0, 0), channel.colour]) / 255
        look["colormap"] = Colormap(colours, name=channel.colour_name)
    return look


def _pixels_of(stack: ImageStack, channel: StackChannel, *, is_small: bool) -> Any:
    """Return the pixels of a channel, of all levels if there are several."""
    try:
        levels = [level[()] if is_small else _read_later(stack, level) for level in channel.levels]
    except MemoryError as error:
        raise ResourceError(f"There is not enough memory for {stack.path}.") from error
    # Damaged files make the libraries raise almost anything.
    except Exception as error:
        raise ImageError(f"The pixels of {stack.path} cannot be read: {error or type(error).__name__}.") from error
    return levels if len(levels) > 1 else levels[0]


def _read_later(stack: ImageStack, level: ArrayView) -> dask.array.Array:
    """Return pixels that are read part by part, when they are shown."""
    n_hidden = len(stack.planes_shape)
    rows, columns, *colours = level.shape[n_hidden:]
    chunks = (*[1] * n_hidden, min(rows, _TILE_PX), min(columns, _TILE_PX), *colours)
    # Named at random: dask would name it by its pixels, and read all of them for that.
    meta = np.empty(0, level.dtype)
    pixels: dask.array.Array = dask.array.from_array(level, chunks, name=False, meta=meta)  # type: ignore[no-untyped-call]
    return pixels


def _read_by_napari(path: Path, reason: ImageError | None) -> list[LayerData]:
    """Read an image with napari's own reader: values as they are in the file."""
    try:
        found = io_utils.read([str(path)], plugin_name="napari", stack=False)
    # Readers raise almost anything.
    except Exception as error:
        raise reason or ImageError(f"{path} cannot be read as an image: {error}.") from error
    return [(item[0], {**(item[1] if len(item) > 1 else {}), "name": path.stem}, "image") for item in found]
