"""Run-length codes of masks as COCO has them: column by column, first what is outside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from napari_car.annotation.frames import Box
from napari_car.errors import MissingExtraError

Runs = Int64[np.ndarray, "R 2"]
"""First pixel of each run and the one behind its last, counted down the columns of the image."""


def import_pycocotools() -> Any:
    """Return the module pycocotools.mask.

    Raises
    ------
    MissingExtraError
        If it cannot be imported.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise MissingExtraError('pycocotools is not installed; run: pip install "napari-car[export]"') from error
    return mask


def encode_mask(mask: Bool[np.ndarray, "h w"], box: Box, size_px: tuple[int, int]) -> dict[str, Any]:
    """Return the compressed code of a mask, as ``pycocotools.mask.encode`` gives it for the whole image.

    Its time goes with the mask, not with the image, which may hold very many.

    Parameters
    ----------
    mask : ndarray, (h, w), bool
        Pixels in the box.
    box : Box
        Where it is in the image.
    size_px : tuple of int
        Height and width of the image.

    Returns
    -------
    dict
        ``size`` and ``counts``, the latter as str.
    """
    height, width = size_px
    padded = np.zeros((mask.shape[1], mask.shape[0] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask.T
    columns, rows = np.nonzero(padded[:, 1:] != padded[:, :-1])
    ends = (columns + box.left) * height + rows + box.top
    # Where a column ends and the next begins with pixels of the mask, a run goes on.
    goes_on = np.flatnonzero(ends[1:] == ends[:-1])
    ends = np.delete(ends, [*goes_on, *(goes_on + 1)]) if len(goes_on) else ends
    counts = np.diff(np.concatenate([[0], ends, [height * width]]))
    if counts[-1] == 0:
        counts = counts[:-1]
    code = import_pycocotools().frPyObjects({"size": [height, width], "counts": counts.tolist()}, height, width)
    return {"size": [height, width], "counts": code["counts"].decode("ascii")}


def encode_polygons(polygons: Sequence[Sequence[float]], size_px: tuple[int, int]) -> dict[str, Any]:
    """Return the compressed code of what lies in any of some polygons, as pycocotools draws them."""
    library = import_pycocotools()
    code = library.merge(library.frPyObjects(polygons, *size_px))
    return {"size": list(size_px), "counts": code["counts"].decode("ascii")}


def runs_of(counts: Int64[np.ndarray, " C"]) -> Runs:
    """Return the runs of an uncompressed code, in which what is outside and what is inside take turns."""
    borders = np.cumsum(counts)
    return np.stack([borders[:-1:2], borders[1::2]], axis=1)


def decompress(text: str) -> Int64[np.ndarray, " C"]:
    """Return the uncompressed code.

    Each number stands in characters of six bits: five of the number, the lowest first, and one that says that more
    follow. From the fourth number on, it is the difference to the one before the last. pycocotools gives these
    numbers to nobody, and its masks are as large as the image for each object.

    Raises
    ------
    ValueError
        If it is no such code.
    """
    digits = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    is_last = (digits & 0x20) == 0
    if not len(digits):
        return np.zeros(0, dtype=np.int64)
    ends = np.flatnonzero(is_last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if digits.min() < 0 or digits.max() > 0x3F or not is_last[-1] or (ends - starts).max() > 11:
        raise ValueError("the code of a mask is damaged")
    shifts = 5 * (np.arange(len(digits)) - np.repeat(starts, ends - starts + 1))
    numbers: Int64[np.ndarray, " C"] = np.add.reduceat((digits & 0x1F) << shifts, starts)
    is_negative = (digits[ends] & 0x10) != 0
    numbers = np.where(is_negative, numbers - (np.int64(1) << (shifts[ends] + 5)), numbers)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers
