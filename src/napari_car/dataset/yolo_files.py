"""Read a data set of YOLO segmentation by the rules of Ultralytics."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from jaxtyping import Bool, Float32

from napari_car.annotation.class_lists import read_classes
from napari_car.annotation.frames import Box
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, ImageError

from .class_names import ClassNames
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import read_size
from .labelled_image import SPLITS

SUFFIXES = (".bmp", ".dng", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp")
"""Endings of the images that Ultralytics reads."""


def find_table(folder: Path) -> Path:
    """Return ``data.yaml``, or the only YAML file of a folder; DocumentError if there is none."""
    path = folder / "data.yaml"
    tables = [path] if path.is_file() else sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))
    if len(tables) != 1:
        raise DocumentError(f"{folder} holds no YOLO data set: there is no file data.yaml in it.")
    return tables[0]


def read_images(folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
    """Yield the chosen images of all parts of a data set, each once."""
    table = find_table(folder)
    names = {(item.id or 0) - 1: item.name for item in read_classes(table)}
    if set(names) != set(range(len(names))):
        raise DocumentError(f"{table} must number its classes from 0 without gaps: correct the names in it.")
    class_names = ClassNames(ontology, table)
    ids: dict[int, int] = {}
    for path in dict.fromkeys(_find_images(table)):
        if not choice.takes(path.stem):
            continue
        try:
            size_px = read_size(path)
        except ImageError as error:
            raise DocumentError(str(error)) from error
        labels = _labels_of(path)
        polygons = _without_duplicates(_read_polygons(labels, len(names)) if labels.is_file() else [])
        for polygon in polygons:
            if polygon.index not in ids:
                ids[polygon.index] = class_names.id_of(names[polygon.index])
        yield _draw(path, size_px, polygons, ids)


@dataclass(frozen=True, slots=True, eq=False)
class _Polygon:
    """A line of a label file."""

    index: int
    points: Float32[np.ndarray, "K 2"]

    @property
    def box(self) -> tuple[float, ...]:
        """Centre and size, as Ultralytics takes them from the points."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return (*((low + high) / 2).tolist(), *(high - low).tolist())


def _find_images(table: Path) -> Iterator[Path]:
    """Yield the images that the parts of a data set name: folders, or lists of files."""
    record: Mapping[str, Any] = yaml.safe_load(table.read_text(encoding="utf-8-sig"))
    root = table.parent
    if isinstance(record.get("path"), str) and (root / record["path"]).is_dir():
        root /= record["path"]
    for split in SPLITS:
        places = record.get(split) or []
        for place in places if isinstance(places, list) else [places]:
            if not isinstance(place, str):
                raise DocumentError(f"{table} has {place!r} for {split}: write the path of a folder of images there.")
            yield from _images_at(root / place, table)


def _images_at(place: Path, table: Path) -> Iterable[Path]:
    """Return the images in a folder and all below it, or in a list."""
    if place.is_dir():
        return sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES)
    if place.suffix == ".txt" and place.is_file():
        lines = place.read_text(encoding="utf-8-sig").splitlines()
        return [place.parent / line.strip() for line in lines if line.strip()]
    raise DocumentError(f"{table} names {place}, which is not there: put it back, or correct the path.")


def _labels_of(image: Path) -> Path:
    """Return the label file of an image: the last folder ``images`` becomes ``labels``."""
    parts = list(image.parts)
    folders = [index for index, part in enumerate(parts[:-1]) if part == "images"]
    if folders:
        parts[folders[-1]] = "labels"
    return Path(*parts).with_suffix(".txt")


def _read_polygons(path: Path, n_classes: int) -> list[_Polygon]:
    """Return the polygons of a label file; raise DocumentError if one is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path} cannot be read: {error}.") from error
    polygons = []
    for number, line in enumerate(lines, start=1):
        if fields := line.split():
            try:
                polygons.append(_read_line(fields, n_classes))
            except ValueError as error:
                raise DocumentError(f"{path} cannot be read: in line {number}, {error}.") from error
    return polygons


def _read_line(fields: list[str], n_classes: int) -> _Polygon:
    """Return the polygon in a line; raise ValueError with the reason if there is none."""
    try:
        index, *values = map(float, fields)
    except ValueError:
        raise ValueError("there is something other than numbers") from None
    if not 0 <= index < n_classes or index != int(index):
        raise ValueError(f"the class is {fields[0]}, but data.yaml names those from 0 to {n_classes - 1}")
    if len(values) == 4:
        raise ValueError("there is a box, but only polygons are read")
    if len(values) < 6 or len(values) % 2:
        raise ValueError("there must be three or more pairs of x and y")
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in values):
        raise ValueError("a coordinate is not between 0 and 1")
    return _Polygon(int(index), np.array(values, dtype=np.float32).reshape(-1, 2))


def _without_duplicates(polygons: Iterable[_Polygon]) -> list[_Polygon]:
    """Return the first polygon of each class with each box: what else has both counts as the same."""
    first: dict[tuple[float, ...], _Polygon] = {}
    for polygon in polygons:
        first.setdefault((polygon.index, *polygon.box), polygon)
    return list(first.values())


def _draw(path: Path, size_px: tuple[int, int], polygons: Iterable[_Polygon], ids: Mapping[int, int]) -> ReadImage:
    """Draw polygons one over another, those of more pixels first."""
    classes, objects = np.zeros(size_px, dtype=np.int32), np.zeros(size_px, dtype=np.int32)
    drawn = [(polygon, *_rasterise(polygon.points, size_px)) for polygon in polygons]
    drawn.sort(key=lambda item: -np.count_nonzero(item[2]))
    for number, (polygon, box, mask) in enumerate(drawn, start=1):
        classes[box.slices][mask] = ids[polygon.index]
        objects[box.slices][mask] = number
    return ReadImage(name=path.stem, classes=classes, objects=objects, image=path)


def _rasterise(points: Float32[np.ndarray, "K 2"], size_px: tuple[int, int]) -> tuple[Box, Bool[np.ndarray, "h w"]]:
    """Return the pixels of a polygon: corners rounded down, border included, by even and odd."""
    height, width = size_px
    corners = (points * np.array([width, height], dtype=np.float32)).astype(np.int32)
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    box = Box(top, left, bottom + 1, right + 1).clipped(Box(0, 0, height, width))
    mask = np.zeros((max(box.bottom - box.top, 0), max(box.right - box.left, 0)), dtype=np.uint8)
    if not box.is_empty:
        cv2.fillPoly(mask, [corners - np.array([left, top], dtype=np.int32)], 1)
    return box, mask.astype(bool)
