"""Shapes of labelme, drawn as labelme draws them."""

import base64
import io
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool
from PIL import Image, ImageDraw

from napari_car.annotation.frames import Box
from napari_car.io.decoded import check_pixel_count
from napari_car.io.images import MAX_PIXELS
from napari_car.io.pillow import pillow_limit

Point = tuple[float, float]
"""x and y."""

_LINE_WIDTH_PX = 10
_POINT_RADIUS_PX = 5


def draw_shape(shape: Mapping[str, Any], size_px: tuple[int, int]) -> tuple[Box, Bool[np.ndarray, "h w"]]:
    """Return where a shape is in an image, and its pixels there, as labelme's own conversion to Pascal VOC has them.

    Outlines belong to it, lines are 10 px wide, points have a radius of 5 px, and a circle is given by its centre and
    a point on it.

    Parameters
    ----------
    shape : mapping of str to object
        With ``points``, ``shape_type`` and perhaps ``mask``, as labelme's files hold it.
    size_px : tuple of int
        Height and width.

    Raises
    ------
    ValueError
        With the reason, if it cannot be drawn.
    """
    points = _read_points(shape.get("points"), size_px)
    kind = shape.get("shape_type") or "polygon"
    if kind == "mask":
        return _place_mask(shape.get("mask"), points, size_px)
    if not isinstance(kind, str) or kind not in _DRAWN:
        raise ValueError(f"shapes of the type {kind!r} are not known")
    n_least, n_most, draw = _DRAWN[kind]
    if not n_least <= len(points) <= n_most:
        raise ValueError(f"a {kind.replace('_', ' ')} cannot have {len(points)} points")
    canvas = Image.new("L", (size_px[1], size_px[0]))
    draw(ImageDraw.Draw(canvas), points)
    left, top, right, bottom = canvas.getbbox() or (0, 0, 0, 0)
    return Box(top, left, bottom, right), np.asarray(canvas.crop((left, top, right, bottom))).astype(bool)


def _read_points(value: Any, size_px: tuple[int, int]) -> list[Point]:
    """Return points; raise ValueError if they are none, or far outside of the image."""
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise ValueError("its points must be pairs of x and y")
    low, high = -max(size_px), 2 * max(size_px)
    if not all(isinstance(number, int | float) and low <= number <= high for point in value for number in point):
        raise ValueError("its points lead far out of the image")
    return [(x, y) for x, y in value]


def _draw_polygon(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """Fill a polygon, with its outline."""
    draw.polygon(points, fill=1, outline=1)


def _draw_rectangle(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """Fill the rectangle between two corners, in any order."""
    xs, ys = zip(*points, strict=True)
    draw.rectangle((min(xs), min(ys), max(xs), max(ys)), fill=1, outline=1)


def _draw_circle(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """Fill the circle around the first point through the second."""
    centre, border = points
    _draw_disc(draw, centre, math.dist(centre, border))


def _draw_point(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """Fill a disc around a point."""
    _draw_disc(draw, points[0], _POINT_RADIUS_PX)


def _draw_disc(draw: ImageDraw.ImageDraw, centre: Point, radius_px: float) -> None:
    """Fill a disc, with its outline."""
    x, y = centre
    draw.ellipse((x - radius_px, y - radius_px, x + radius_px, y + radius_px), fill=1, outline=1)


def _draw_line(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """Draw lines from point to point."""
    draw.line(points, fill=1, width=_LINE_WIDTH_PX)


_ANY = 10**9
_DRAWN: Mapping[str, tuple[int, int, Callable[[ImageDraw.ImageDraw, list[Point]], None]]] = {
    "polygon": (3, _ANY, _draw_polygon),
    "oriented_rectangle": (4, 4, _draw_polygon),
    "rectangle": (2, 2, _draw_rectangle),
    "circle": (2, 2, _draw_circle),
    "line": (2, 2, _draw_line),
    "linestrip": (2, _ANY, _draw_line),
    "point": (1, 1, _draw_point),
}
"""Least and greatest number of points of each type, and what draws it."""


def _place_mask(code: Any, points: list[Point], size_px: tuple[int, int]) -> tuple[Box, Bool[np.ndarray, "h w"]]:
    """Return a mask that is stored as PNG, and its place, which the first and the last pixel give."""
    if len(points) != 2:
        raise ValueError("a mask must have two points")
    (left, top), (right, bottom) = ((int(x), int(y)) for x, y in points)
    stored = _decode_mask(code)
    box = Box(top, left, bottom + 1, right + 1)
    if stored.shape != box.size_px:
        raise ValueError(
            f"its mask has {stored.shape[0]} x {stored.shape[1]} px, but its points are for {box.size_px[0]} x "
            f"{box.size_px[1]} px"
        )
    inside = box.clipped(Box(0, 0, *size_px))
    if inside.is_empty:
        return Box(0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    return inside, stored[inside.relative_to(box).slices]


def _decode_mask(code: Any) -> Bool[np.ndarray, "h w"]:
    """Return the pixels of a PNG in base64; raise ValueError if it is none."""
    if not isinstance(code, str):
        raise ValueError("it has no mask")  # noqa: TRY004  # what is wrong is the file
    try:
        with pillow_limit(None), Image.open(io.BytesIO(base64.b64decode(code, validate=True))) as picture:
            check_pixel_count(picture.height, picture.width, MAX_PIXELS)
            pixels = np.asarray(picture)
    # Damaged files make the decoders raise almost anything.
    except Exception as error:
        raise ValueError(f"its mask cannot be read ({str(error).rstrip('.')})") from error
    if pixels.ndim != 2:
        raise ValueError("its mask must be grey")
    return pixels.astype(bool)
