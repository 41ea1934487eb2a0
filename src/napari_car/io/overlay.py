"""The picture of a segmentation: image, translucent masks with contours, and a legend beside or below."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Integer, UInt8
from numpy.typing import NDArray

from napari_car.errors import ImageError
from napari_car.io.colours import RGB
from napari_car.io.legend import PAPER, Legend, LegendEntry, arrange_legends
from napari_car.io.lettering import blend

SMALL_SIDE_PX = 384
"""Images with a shorter long side are enlarged by a whole factor to at least 512 px."""

_ENLARGED_SIDE_PX = 512
_THINNEST_SIDE_PX = 16  # so that a strip of one pixel stays visible
_FONT_SHARE = 0.028  # of the side of a square picture
_FONT_PX_RANGE = (14, 40)
_RIM_SHARE = 0.5
_RIM_STRENGTH = 0.45
_LIGHTENING = 0.2
_MAX_STRETCH = 2
_MAX_TRIALS = 10

Masks = Integer[np.ndarray, "H W"] | Bool[np.ndarray, "N H W"] | Sequence[Bool[np.ndarray, "H W"]]


def draw_overlay(
    image: UInt8[np.ndarray, "H W 3"],
    masks: Masks,
    legend: Sequence[LegendEntry],
    *,
    opacity: float = 0.4,
    caption: str = "",
    max_side_px: int = 2048,
) -> UInt8[np.ndarray, "H2 W2 3"]:
    """Draw masks over their image and a legend beside or below it, whichever leaves less empty paper.

    Masks are filled in ascending order of score, so that the most certain is on top. An uncertain mask is
    filled half as strongly. The legend never covers the image. Images under 384 px are enlarged, and
    others up to twice to the length of their legend; font and contours grow with the picture.

    Parameters
    ----------
    image
        Shape (H, W, 3), RGB.
    masks
        A label map (H, W) in which id i + 1 is entry i of the legend and 0 the background, or one mask (H, W) per
        entry.
    legend
        The queries, in the order of the masks.
    opacity
        Strength of the fill, 0 to 1.
    caption
        A sentence under the legend.
    max_side_px
        Greatest width and height of the picture with its legend.

    Returns
    -------
    ndarray
        Shape (H2, W2, 3), RGB.

    Raises
    ------
    ImageError
        If a mask is not as large as the image, or masks and legend do not match.
    """
    _check_match(masks, legend, image.shape[:2])
    picture_size, panel, is_below = _compose((image.shape[0], image.shape[1]), legend, caption, max_side_px)
    picture = _resize(image, picture_size)
    line_px = 1.2 + max(picture_size) / 600
    sample = _sample(masks, picture_size)
    # Rising score, None lowest.
    for index in sorted(range(len(legend)), key=lambda i: -1.0 if (score := legend[i].score) is None else score):
        mask = sample == index + 1 if _is_label_map(sample) else sample[index]
        strength = opacity / 2 if legend[index].verdict == "uncertain" else opacity
        _paint_mask(picture, mask, legend[index].colour, strength, line_px)
    if panel is None:
        return picture
    height, width = picture_size
    canvas = np.full((*_canvas_size(picture_size, panel, is_below=is_below), 3), PAPER, dtype=np.uint8)
    canvas[:height, :width] = picture
    panel.draw(canvas, (height, 0) if is_below else (0, width))
    return _resize(canvas, _scaled(canvas.shape, min(1.0, max_side_px / max(canvas.shape))))


def paint_labels(
    image: UInt8[np.ndarray, "H W 3"],
    labels: Integer[np.ndarray, "H W"],
    colours: Mapping[int, RGB],
    *,
    side_px: int,
    opacity: float = 0.4,
) -> UInt8[np.ndarray, "H2 W2 3"]:
    """Draw labels over their image, without a legend, as a small picture.

    Parameters
    ----------
    image
        Shape (H, W, 3), RGB.
    labels
        Shape (H, W).
    colours
        Colour by label; what has none is not drawn.
    side_px
        Longer side of the picture.
    opacity
        Strength of the fill, 0 to 1.

    Raises
    ------
    ImageError
        If the labels are not as large as the image.
    """
    if labels.shape != image.shape[:2]:
        raise ImageError(f"The image has {image.shape[:2]} rows and columns, but its labels have {labels.shape}.")
    picture: UInt8[np.ndarray, "H2 W2 3"] = _resize(image, _scaled(image.shape, side_px / max(image.shape[:2])))
    sample = _sample(labels, (picture.shape[0], picture.shape[1]))
    for label, colour in colours.items():
        _paint_mask(picture, np.asarray(sample == label), colour, opacity, 1.2 + side_px / 600)
    return picture


def _check_match(masks: Masks, legend: Sequence[LegendEntry], size: tuple[int, ...]) -> None:
    """Refuse masks of another size than the image, or of another number than the legend's entries."""
    shapes = {masks.shape} if _is_label_map(masks) else {mask.shape for mask in masks}
    if other_shapes := shapes - {size}:
        raise ImageError(f"The image has {size} rows and columns, but a mask has {other_shapes.pop()}.")
    if _is_label_map(masks):
        if not 0 <= masks.min() <= masks.max() <= len(legend):
            raise ImageError(
                f"The label map has ids from {masks.min()} to {masks.max()}, but the legend has {len(legend)} entries."
            )
    elif len(masks) != len(legend):
        raise ImageError(f"There are {len(masks)} masks, but {len(legend)} entries in the legend.")


def _is_label_map(masks: Masks) -> TypeGuard[Integer[np.ndarray, "H W"]]:
    """Tell a label map from one mask per query."""
    return isinstance(masks, np.ndarray) and masks.ndim == 2


def _sample(masks: Masks, size: tuple[int, int]) -> Masks:
    """Return every k-th row and column, so that masks are two to four times as large as their picture."""
    one = masks if isinstance(masks, np.ndarray) else masks[0] if masks else np.zeros(size, dtype=bool)
    step = max(1, min(one.shape[-2] // (2 * size[0]), one.shape[-1] // (2 * size[1])))
    if isinstance(masks, np.ndarray):
        return masks[..., ::step, ::step]
    return [mask[::step, ::step] for mask in masks]


def _compose(
    size: tuple[int, int], legend: Sequence[LegendEntry], caption: str, max_side_px: int
) -> tuple[tuple[int, int], Legend | None, bool]:
    """Choose the picture's size, the legend's columns, and whether it stands below the picture."""
    scale = float(math.ceil(_ENLARGED_SIDE_PX / max(size))) if max(size) < SMALL_SIDE_PX else 1.0
    scale = min(scale, max_side_px / max(size))
    for _ in range(_MAX_TRIALS):
        picture_size = _scaled(size, scale)
        if not legend and not caption:
            return picture_size, None, False
        panel, is_below = _choose_panel(picture_size, legend, caption)
        # A legend somewhat larger than the picture would leave a blank corner: grow the picture to its length.
        stretch = panel.width_px / picture_size[1] if is_below else panel.height_px / picture_size[0]
        if 1 < stretch <= _MAX_STRETCH:
            picture_size = _scaled(size, scale * stretch)
        excess = max(_canvas_size(picture_size, panel, is_below=is_below)) / max_side_px
        if excess <= 1:
            break
        scale *= 0.98 / excess
    return picture_size, panel, is_below


def _choose_panel(picture_size: tuple[int, int], legend: Sequence[LegendEntry], caption: str) -> tuple[Legend, bool]:
    """Choose the legend and place with the smallest canvas, and rather a square one than a strip."""
    font_px = round(_FONT_SHARE * math.sqrt(picture_size[0] * picture_size[1]))
    font_px = min(max(font_px, _FONT_PX_RANGE[0]), _FONT_PX_RANGE[1])
    places = list(itertools.product(arrange_legends(legend, caption, font_px), (True, False)))

    def cost(place: tuple[Legend, bool]) -> float:
        height, width = _canvas_size(picture_size, place[0], is_below=place[1])
        return height * width * math.sqrt(max(height / width, width / height))

    return min(places, key=cost)


def _canvas_size(picture_size: tuple[int, int], panel: Legend, *, is_below: bool) -> tuple[int, int]:
    """Return height and width of picture and legend together."""
    height, width = picture_size
    if is_below:
        return height + panel.height_px, max(width, panel.width_px)
    return max(height, panel.height_px), width + panel.width_px


def _scaled(size: tuple[int, ...], scale: float) -> tuple[int, int]:
    """Scale height and width, neither below the thinnest side."""
    height, width = (max(_THINNEST_SIDE_PX, round(side * scale)) for side in size[:2])
    return height, width


def _resize(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize to (height, width): by areas when it shrinks, smoothly when it grows."""
    if image.shape[:2] == size:
        return image.copy()
    shrinks = [new <= old for new, old in zip(size, image.shape[:2], strict=True)]
    grown = cv2.INTER_LINEAR if any(shrinks) else cv2.INTER_CUBIC
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if all(shrinks) else grown)


def _paint_mask(
    picture: UInt8[np.ndarray, "H2 W2 3"], mask: Bool[np.ndarray, "H W"], colour: RGB, opacity: float, line_px: float
) -> None:
    """Fill a mask and draw its contour, the line inside it, with a faint dark rim outside."""
    coverage = _coverage(mask, (picture.shape[0], picture.shape[1]))
    covered_rows, covered_cols = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    if not covered_rows.size:
        return
    margin = math.ceil(line_px) + 1
    top, left = max(0, int(covered_rows[0]) - margin), max(0, int(covered_cols[0]) - margin)
    coverage = coverage[top : covered_rows[-1] + 1 + margin, left : covered_cols[-1] + 1 + margin]
    is_inside = (coverage >= 0.5).astype(np.uint8)
    # Distance from the edge, which lies half a pixel from the nearest pixel of the other kind.
    depth = cv2.distanceTransform(is_inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
    height = cv2.distanceTransform(1 - is_inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
    rim = np.clip(_RIM_SHARE * line_px + 0.5 - height, 0, 1) * (1 - coverage)
    line = np.clip(line_px + 0.5 - depth, 0, 1) * coverage
    blend(picture, rim * np.float32(_RIM_STRENGTH), (top, left), (0, 0, 0))
    blend(picture, coverage * np.float32(opacity), (top, left), colour)
    blend(picture, line, (top, left), _lighter(colour))


def _lighter(colour: RGB) -> RGB:
    """Mix a colour with white, so that a contour stands out from its own fill."""
    red, green, blue = (round(channel + _LIGHTENING * (255 - channel)) for channel in colour)
    return red, green, blue


def _coverage(mask: Bool[np.ndarray, "H W"], size: tuple[int, int]) -> Float32[np.ndarray, "H2 W2"]:
    """Return the share of each picture pixel that the mask covers, its stairs smoothed to an even edge."""
    if not mask.any():
        return np.zeros(size, dtype=np.float32)
    is_halved = mask.shape[0] >= 2 * size[0] and mask.shape[1] >= 2 * size[1]
    interpolation = cv2.INTER_AREA if is_halved else cv2.INTER_LINEAR
    share = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=interpolation)
    scale = max(size[0] / mask.shape[0], size[1] / mask.shape[1])
    sigma = min(max(0.7, 0.6 * scale), 8.0)
    # A straight edge blurred by sigma rises by 1 / (sqrt(2 pi) sigma) per pixel: steepened to 1 per pixel.
    blurred = cv2.GaussianBlur(share, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    steepness = np.float32(math.sqrt(2 * math.pi) * sigma)
    coverage: Float32[np.ndarray, "H2 W2"] = np.clip((blurred - np.float32(0.5)) * steepness + np.float32(0.5), 0, 1)
    # Specks that the blur wipes out stay as they are.
    return coverage if coverage.max() >= 0.5 else share / share.max()
