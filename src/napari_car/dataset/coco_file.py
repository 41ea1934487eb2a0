"""Read the JSON of COCO instances, of this or another program."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Int64

from napari_car.annotation.class_lists import read_classes
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, QueryError
from napari_car.io.images import MAX_PIXELS
from napari_car.queries import Query

from .class_names import ClassNames
from .class_numbers import FoundClass, make_ontology
from .format import ReadImage
from .rle import decompress, encode_polygons, runs_of

_PLACES = ("annotations/instances_*.json", "annotations/*.json", "*/_annotations.coco.json", "*.json")
"""Where the files are, the likeliest first."""
_PREFIX = "instances_"


def read_categories(folder: Path) -> QuerySheet:
    """Return the categories of all files of a data set; see :class:`~napari_car.dataset.coco.CocoInstances`."""
    found = dict.fromkeys(item for path in _find_files(folder) for item in read_classes(path))
    sheet = make_ontology([FoundClass(item.id or 0, item.name) for item in found])
    ids = {Query(entry.class_name).key: entry.id for entry in sheet.entries}
    for entry, item in zip(sheet.entries, found, strict=True):
        parent = ids.get(Query(item.parent).key, entry.id)
        if parent != entry.id:
            with suppress(QueryError):  # a circle: one of its steps is left out
                sheet = sheet.changed(entry.id, parent=parent)
    return sheet


def read_images(folder: Path, ontology: QuerySheet) -> Iterator[ReadImage]:
    """Yield the images of all files of a data set."""
    for path in _find_files(folder):
        yield from _File(path, ontology).images()


def _find_files(folder: Path) -> list[Path]:
    """Return the JSON files of a data set."""
    if folder.is_file():
        return [folder]
    for place in _PLACES:
        if paths := sorted(folder.glob(place)):
            return paths
    raise DocumentError(f"{folder} holds no COCO data set: there is no file annotations/instances_*.json in it.")


class _File:
    """A JSON file, and what its categories are in an ontology."""

    def __init__(self, path: Path, ontology: QuerySheet) -> None:
        self._path = path
        record = self._parsed()
        self._images = self._records(record, "images")
        self._names = {self._id(item): item.get("name") for item in self._records(record, "categories")}
        self._class_names = ClassNames(ontology, path)
        self._class_ids: dict[int, int] = {}
        self._annotations: dict[int, list[Mapping[str, Any]]] = {self._id(item): [] for item in self._images}
        for item in self._records(record, "annotations"):
            image_id = item.get("image_id")
            if not _is_whole(image_id) or image_id not in self._annotations:
                raise self._refusal(f"annotation {item.get('id')!r} is of the image {image_id!r}, which is not in it")
            self._annotations[image_id].append(item)

    def images(self) -> Iterator[ReadImage]:
        """Yield the images in order."""
        for item in self._images:
            height, width = item.get("height"), item.get("width")
            if not (_is_side(height) and _is_side(width) and height * width <= MAX_PIXELS):
                raise self._refusal(f"image {item['id']} is said to have {height!r} rows and {width!r} columns")
            yield self._read_image(item, (height, width))

    def _read_image(self, item: Mapping[str, Any], size_px: tuple[int, int]) -> ReadImage:
        """Draw the objects of an image one over another."""
        height, width = size_px
        classes, objects = (np.zeros(height * width, dtype=np.int32) for _ in range(2))
        for number, annotation in enumerate(self._annotations[self._id(item)], start=1):
            class_id = self._class_id(annotation)
            for start, end in runs_of(self._counts(annotation, size_px)).tolist():
                classes[start:end] = class_id
                objects[start:end] = number
        file_name = item.get("file_name")
        if not isinstance(file_name, str) or not file_name:
            raise self._refusal(f"image {item.get('id')!r} has no file_name")
        relative = PurePosixPath(file_name.replace("\\", "/"))
        return ReadImage(
            name="_".join((*relative.parent.parts, relative.stem)).replace("/", "_"),
            classes=np.ascontiguousarray(classes.reshape(width, height).T),
            objects=np.ascontiguousarray(objects.reshape(width, height).T),
            image=self._find_image(relative),
        )

    def _find_image(self, relative: PurePosixPath) -> Path | None:
        """Return the file of an image, if it is where such files are, and not outside of the data set."""
        if relative.is_absolute() or ".." in relative.parts or ":" in relative.parts[0] or "\0" in str(relative):
            return None
        root = self._path.parent.parent if self._path.parent.name == "annotations" else self._path.parent
        split = self._path.stem.removeprefix(_PREFIX)
        folders = (root / split, root / "images" / split, root / "images", root)
        return next((path for folder in folders if (path := folder / relative).is_file()), None)

    def _class_id(self, annotation: Mapping[str, Any]) -> int:
        """Return the id of an annotation's class in the ontology."""
        category_id = annotation.get("category_id")
        if not _is_whole(category_id) or category_id not in self._names:
            raise self._refusal(f"annotation {annotation.get('id')!r} is of the category {category_id!r}, not in it")
        if category_id not in self._class_ids:
            self._class_ids[category_id] = self._class_names.id_of(str(self._names[category_id]))
        return self._class_ids[category_id]

    def _counts(self, annotation: Mapping[str, Any], size_px: tuple[int, int]) -> Int64[np.ndarray, " C"]:
        """Return the uncompressed run-length code of an annotation."""
        shape = annotation.get("segmentation")
        try:
            if isinstance(shape, list):
                return decompress(encode_polygons(_checked_polygons(shape, size_px), size_px)["counts"])
            if isinstance(shape, dict):
                return _checked_counts(shape, size_px)
        except ValueError as error:
            raise self._refusal(f"annotation {annotation.get('id')!r} cannot be drawn: {error}") from error
        raise self._refusal(
            f"annotation {annotation.get('id')!r} has no segmentation: only objects with masks are read"
        )

    def _parsed(self) -> Mapping[str, Any]:
        """Return what the file holds."""
        try:
            record = json.loads(self._path.read_bytes())
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from error
        except (ValueError, RecursionError) as error:
            raise self._refusal(f"it is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise self._refusal("it holds no table")
        return record

    def _records(self, record: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        """Return a list of tables."""
        items = record.get(key)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._refusal(f'it has no list of "{key}", as COCO has it')
        return items

    def _id(self, item: Mapping[str, Any]) -> int:
        """Return the id of an image or a category."""
        id_ = item.get("id")
        if not isinstance(id_, int):
            raise self._refusal(f"the id {id_!r} is not a whole number")
        return id_

    def _refusal(self, reason: str) -> DocumentError:
        """Return the error that the file cannot be read."""
        return DocumentError(f"{self._path} cannot be read as COCO instances: {reason.rstrip('.')}.")


def _checked_counts(code: Mapping[str, Any], size_px: tuple[int, int]) -> Int64[np.ndarray, " C"]:
    """Return the counts of a code, compressed or not; raise ValueError if they are not those of the image."""
    counts = code.get("counts")
    if isinstance(counts, str):
        numbers = decompress(counts)
    elif isinstance(counts, list) and all(map(_is_whole, counts)) and max(map(abs, counts), default=0) <= MAX_PIXELS:
        numbers = np.array(counts, dtype=np.int64)
    else:
        raise ValueError("it has no counts")
    if code.get("size") != list(size_px) or (numbers < 0).any() or numbers.sum() != math.prod(size_px):
        raise ValueError("its counts do not fit the size of the image")
    return numbers


def _checked_polygons(polygons: list[Any], size_px: tuple[int, int]) -> Sequence[Sequence[float]]:
    """Return polygons that pycocotools can draw; raise ValueError if they are none, or far outside of the image."""
    if not polygons:
        raise ValueError("it has no polygons")
    low, high = -max(size_px), 2 * max(size_px)
    for points in polygons:
        # Four numbers would be taken for a box.
        if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
            raise ValueError("a polygon must be three or more pairs of x and y")
        if not all(isinstance(value, int | float) and low <= value <= high for value in points):
            raise ValueError("a polygon leads far out of the image")
    return polygons


def _is_side(value: Any) -> TypeGuard[int]:
    """Tell whether a value can be a number of rows or columns."""
    return _is_whole(value) and 0 < value <= MAX_PIXELS


def _is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)
