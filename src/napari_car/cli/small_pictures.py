"""Small pictures for pages, as addresses that hold the picture itself."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8
from PIL import Image

from napari_car.io.colours import RGB
from napari_car.io.overlay import paint_labels

SIDE_PX = 400
"""Longer side of a picture."""

_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture.

    Parameters
    ----------
    title : str
        What it shows.
    uri : str
        ``data:image/jpeg;base64,…``
    height_px, width_px : int
    """

    title: str
    uri: str
    height_px: int
    width_px: int


def draw_small(
    title: str,
    rgb: UInt8[np.ndarray, "H W 3"],
    labels: Integer[np.ndarray, "H W"],
    colours: Mapping[int, RGB],
    *,
    opacity: float = 0.4,
) -> Picture:
    """Draw labels over their image.

    Parameters
    ----------
    title : str
    rgb : ndarray, (H, W, 3), uint8
    labels : ndarray, (H, W), int
    colours : mapping of int to RGB
        By label; what has none is not drawn.
    opacity : float
        Strength of the fill, 0 to 1.

    Raises
    ------
    ImageError
        If the labels are not as large as the image.
    """
    picture = paint_labels(rgb, labels, colours, side_px=SIDE_PX, opacity=opacity)
    stream = io.BytesIO()
    # Full resolution of colours: thin outlines fade without it.
    Image.fromarray(picture).save(stream, format="JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    uri = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
    return Picture(title, uri, picture.shape[0], picture.shape[1])
