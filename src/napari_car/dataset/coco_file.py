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
from napari_car.io.json_pieces import Piece, read_pieces
from napari_car.queries import Query
from napari_car.schema import is_whole

from .class_names import ClassNames
from .class_numbers import FoundClass, make_ontology
from .format import ReadImage
from .image_choice import ImageChoice
from .rle import decompress, encode_polygons, runs_of

_PLACES = ("annotations/instances_*.json", "annotations/*.json", "*/_annotations.coco.json", "*.json")
"""Where the files are, the likeliest first."""
_PREFIX = "instances_"
_LISTS = ("images", "categories", "annotations")


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


def read_images(folder: Path, ontology: QuerySheet, choice: ImageChoice) -> Iterator[ReadImage]:
    """Yield the chosen images of all files of a data set."""
    for path in _find_files(folder):
        yield from _File(path, ontology, choice).images()


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

    def __init__(self, path: Path, ontology: QuerySheet, choice: ImageChoice) -> None:
        self._path, self._choice = path, choice
        self._class_names = ClassNames(ontology, path)
        self._class_ids: dict[int, int] = {}
        self._images: list[dict[str, Any]] = []
        self._names: dict[int, Any] = {}
        # By image; None for one that is not wanted, whose annotations are not kept.
        self._annotations: dict[int, list[Mapping[str, Any]] | None] = {}
        early = []
        missing = dict.fromkeys(_LISTS)
        for key, item in self._records():
            missing.pop(key, None)
            if item is None:
                continue
            if key == "images":
                self._add_image(item)
            elif key == "categories":
                self._names[self._id(item)] = item.get("name")
            elif self._annotations:
                self._add_annotation(item)
            else:
                early.append(item)
        if missing:
            raise self._refusal(_no_list(next(iter(missing))))
        for item in early:
            self._add_annotation(item)

    def images(self) -> Iterator[ReadImage]:
        """Yield the images that are wanted, in order."""
        for item in self._images:
            height, width = item.get("height"), item.get("width")
            if not (_is_side(height) and _is_side(width) and height * width <= MAX_PIXELS):
                raise self._refusal(f"image {item['id']} is said to have {height!r} rows and {width!r} columns")
            yield self._read_image(item, (height, width))

    def _add_image(self, item: dict[str, Any]) -> None:
        """Keep an image if it is wanted."""
        image_id, relative = self._id(item), self._file_name(item)
        is_wanted = self._choice.takes(_name(relative), relative.name)
        self._annotations[image_id] = [] if is_wanted else None
        if is_wanted:
            self._images.append(item)

    def _add_annotation(self, item: Mapping[str, Any]) -> None:
        """Keep an annotation if its image is wanted."""
        image_id = item.get("image_id")
        if not is_whole(image_id) or image_id not in self._annotations:
            raise self._refusal(f"annotation {item.get('id')!r} is of the image {image_id!r}, which is not in it")
        kept = self._annotations[image_id]
        if kept is not None:
            kept.append(item)

    def _read_image(self, item: Mapping[str, Any], size_px: tuple[int, int]) -> ReadImage:
        """Draw the objects of an image one over another."""
        height, width = size_px
        classes, objects = (np.zeros(height * width, dtype=np.int32) for _ in range(2))
        for number, annotation in enumerate(self._annotations[self._id(item)] or (), start=1):
            class_id = self._class_id(annotation)
            for start, end in runs_of(self._counts(annotation, size_px)).tolist():
                classes[start:end] = class_id
                objects[start:end] = number
        relative = self._file_name(item)
        return ReadImage(
            name=_name(relative),
            classes=np.ascontiguousarray(classes.reshape(width, height).T),
            objects=np.ascontiguousarray(objects.reshape(width, height).T),
            image=self._find_image(relative),
        )

    def _file_name(self, item: Mapping[str, Any]) -> PurePosixPath:
        """Return the path of an image's file in the data set."""
        file_name = item.get("file_name")
        if not isinstance(file_name, str) or not file_name:
            raise self._refusal(f"image {item.get('id')!r} has no file_name")
        return PurePosixPath(file_name.replace("\\", "/"))

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
        if not is_whole(category_id) or category_id not in self._names:
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

    def _records(self) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Yield the tables in the lists of the file, each with the name of its list; None for an empty list."""
        for piece in self._pieces():
            if piece.key in _LISTS:
                if not (isinstance(piece.value, dict) if piece.is_item else piece.value == []):
                    raise self._refusal(_no_list(piece.key))
                yield piece.key, piece.value if piece.is_item else None

    def _pieces(self) -> Iterator[Piece]:
        """Yield what the file holds."""
        try:
            content = self._path.read_bytes()
            text = content.decode(json.detect_encoding(content), "surrogatepass")
            for piece in read_pieces(text):
                self._choice.note(piece.end / len(text))
                yield piece
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from error
        except TypeError as error:
            raise self._refusal("it holds no table") from error
        except (ValueError, RecursionError) as error:
            raise self._refusal(f"it is not JSON: {error}") from error

    def _id(self, item: Mapping[str, Any]) -> int:
        """Return the id of an image or a category."""
        id_ = item.get("id")
        if not isinstance(id_, int):
            raise self._refusal(f"the id {id_!r} is not a whole number")
        return id_

    def _refusal(self, reason: str) -> DocumentError:
        """Return the error that the file cannot be read."""
        return DocumentError(f"{self._path} cannot be read as COCO instances: {reason.rstrip('.')}.")


def _name(relative: PurePosixPath) -> str:
    """Return the name of an image whose file has a path in the data set."""
    return "_".join((*relative.parent.parts, relative.stem)).replace("/", "_")


def _no_list(key: str) -> str:
    """Return what is wrong with a file without a list."""
    return f'it has no list of "{key}", as COCO has it'


def _checked_counts(code: Mapping[str, Any], size_px: tuple[int, int]) -> Int64[np.ndarray, " C"]:
    """Return the counts of a code, compressed or not; raise ValueError if they are not those of the image."""
    counts = code.get("counts")
    if isinstance(counts, str):
        numbers = decompress(counts)
    elif isinstance(counts, list) and all(map(is_whole, counts)) and max(map(abs, counts), default=0) <= MAX_PIXELS:
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
    return is_whole(value) and 0 < value <= MAX_PIXELS
