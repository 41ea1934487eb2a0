"""How Ultralytics reads a data set for segmentation, written anew from its documentation and its known behaviour.

Slow and literal: each object is a mask of the whole image. What Ultralytics only says in its log, and then leaves the
image out, is an error here.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

IMAGE_FORMATS = {"bmp", "dng", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp"}


@dataclass
class Seen:
    """An image as the trainer sees it."""

    classes: NDArray[np.int64]
    """Index of the class plus one at each pixel; smaller objects lie on top."""
    objects: NDArray[np.int64]
    boxes: NDArray[np.float32]
    """Class, centre and size of each object."""


def read_data(folder: Path, *, n_resampled: int = 0) -> tuple[dict[int, str], dict[str, dict[str, Seen]]]:
    """Return the names of the classes, and the images of each part by name."""
    record = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    assert {"train", "val"} <= set(record), "both must be named"
    root = Path(record.get("path") or folder)
    names = record["names"]
    names = dict(enumerate(names)) if isinstance(names, list) else names
    assert sorted(names) == list(range(len(names))), "indices must go from 0 without gaps"
    splits = {}
    for split in ("train", "val", "test"):
        if split in record:
            place = root / record[split]
            assert place.is_dir()
            found = sorted(path for path in place.glob("**/*.*") if path.suffix[1:].lower() in IMAGE_FORMATS)
            splits[split] = {path.stem: read_image(path, len(names), n_resampled) for path in found}
    return names, splits


def read_image(path: Path, n_classes: int, n_resampled: int) -> Seen:
    """Return what an image shows by its label file."""
    with Image.open(path) as picture:
        width, height = picture.size
    before, _, after = str(path).rpartition("/images/")
    label_file = Path(f"{before}/labels/{after}".rsplit(".", 1)[0] + ".txt")
    rows = [line.split() for line in label_file.read_text().strip().splitlines() if line]
    if not rows:
        empty = np.zeros((height, width), dtype=np.int64)
        return Seen(empty, empty.copy(), np.zeros((0, 5), np.float32))
    assert all(len(row) > 6 and len(row) % 2 for row in rows), "each line must have a class and three points or more"
    classes = np.array([row[0] for row in rows], dtype=np.float32)
    segments = [np.array(row[1:], dtype=np.float32).reshape(-1, 2) for row in rows]
    boxes = np.array([box_of(segment) for segment in segments], dtype=np.float32)
    table = np.concatenate([classes[:, None], boxes], axis=1)
    assert all(0 <= value <= 1 for segment in segments for value in segment.flat), "coordinates must be fractions"
    assert 0 <= classes.min() <= classes.max() < n_classes
    _, kept = np.unique(table, axis=0, return_index=True)
    if len(kept) < len(table):
        table, segments = table[kept], [segments[index] for index in kept]
    if n_resampled:
        segments = [resampled(segment, max(n_resampled, len(segment) + 1)) for segment in segments]
    masks = [mask_of(segment, (height, width)) for segment in segments]
    class_map, object_map = np.zeros((2, height, width), dtype=np.int64)
    areas = np.array([int(mask.sum()) for mask in masks])
    for index in np.argsort(-areas, kind="stable"):
        class_map[masks[index] > 0] = int(table[index, 0]) + 1
        object_map[masks[index] > 0] = index + 1
    return Seen(class_map, object_map, table)


def box_of(segment: NDArray[np.float32]) -> list[np.float32]:
    """Return centre and size of the box around points."""
    x, y = segment.T
    return [(x.min() + x.max()) / 2, (y.min() + y.max()) / 2, x.max() - x.min(), y.max() - y.min()]


def mask_of(segment: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw a polygon: coordinates cut to whole numbers, filled by OpenCV."""
    mask = np.zeros(size_px, dtype=np.uint8)
    corners = (segment * np.array([size_px[1], size_px[0]], dtype=np.float32)).astype(np.int32)
    cv2.fillPoly(mask, [corners], color=1)
    return mask


def resampled(segment: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Close an outline, and put points between its own at equal steps of their count, as training does."""
    closed = np.concatenate([segment, segment[:1]])
    places = np.linspace(0, len(closed) - 1, n - len(closed)) if len(closed) < n else np.zeros(0)
    own = np.arange(len(closed))
    places = np.sort(np.concatenate([places, own]))
    return np.stack([np.interp(places, own, closed[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)
