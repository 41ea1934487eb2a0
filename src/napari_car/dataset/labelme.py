"""labelme: a JSON file of shapes for each image; it is read only."""

import base64
import binascii
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from napari_car.annotation.class_lists import NO_CLASSES
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, ImageError
from napari_car.io.images import MAX_PIXELS

from .class_names import ClassNames
from .class_numbers import FoundClass, make_ontology
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import read_size
from .labelme_shapes import draw_shape

_IMAGE_TYPES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"II*\x00": ".tif", b"MM\x00*": ".tif", b"BM": ".bmp"}
"""Endings by the first bytes of an image that is kept in a JSON file."""


@dataclass(frozen=True, slots=True)
class Labelme:
    """Files ``NAME.json`` of labelme, beside their images or with the images in them, in all folders of a data set.

    Shapes are drawn in their order, later ones over earlier ones, by labelme's own rule. Each is an object; those of
    one label and one ``group_id`` are one together. Shapes of ``_background_`` and ``__ignore__`` are of no class, and
    erase what lies below them. Of an image that is elsewhere, the size is the one that the file says.
    """

    name = "labelme"
    title = "labelme JSON"
    tells_objects_apart = True

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the labels of all shapes as classes, by name; case and blanks do not count.

        Parameters
        ----------
        folder : Path
            Of a data set, or a JSON file itself.

        Raises
        ------
        DocumentError
            If there are no such files, or one cannot be understood.
        """
        names = {shape["label"] for path in _find_files(folder) for shape in _File(path, folder).shapes}
        classes = {_key(name): name for name in sorted(names, reverse=True)}
        found = sorted(name for key, name in classes.items() if key not in NO_CLASSES)
        return make_ontology([FoundClass(number, name) for number, name in enumerate(found, start=1)])

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images. The file of one that is kept in the JSON file is there until the next one is asked for.

        Raises
        ------
        DocumentError
            If a file or its image cannot be read, or has shapes of a class that is not in the ontology.
        """
        for path in _find_files(folder):
            file = _File(path, folder)
            if choice.takes(file.name, file.image_name):
                with tempfile.TemporaryDirectory() as temporary:
                    yield file.draw(ontology, Path(temporary))


def _find_files(folder: Path) -> list[Path]:
    """Return the JSON files of a data set."""
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*.json"))
    if not paths:
        raise DocumentError(f"{folder} holds no files of labelme: there is no NAME.json in it.")
    return paths


def _key(label: str) -> str:
    """Return what is the same for labels that are names of one class."""
    return " ".join(label.casefold().split())


class _File:
    """A JSON file of labelme."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, path.parent if path == folder else folder
        self._record = self._parsed()
        self.shapes: list[dict[str, Any]] = self._record["shapes"]
        self.name = path.relative_to(self._folder).with_suffix("").as_posix()
        named = self._record.get("imagePath")
        self.image_name = PurePosixPath(named.replace("\\", "/")).name if isinstance(named, str) else ""

    def draw(self, ontology: QuerySheet, temporary: Path) -> ReadImage:
        """Return the image with its shapes, one over another; an image that is kept in it goes to a folder."""
        image = self._find_image() or self._unpacked(temporary)
        size_px = self._said_size() if image is None else self._read_size(image)
        class_names = ClassNames(ontology, self._path)
        classes, objects = (np.zeros(size_px, dtype=np.int32) for _ in range(2))
        numbers: dict[tuple[str, Any], int] = {}
        for number, shape in enumerate(self.shapes, start=1):
            label, group = shape["label"], shape.get("group_id")
            is_class = _key(label) not in NO_CLASSES
            key = (label, ("shape", number) if group is None else ("group", group))
            try:
                box, mask = draw_shape(shape, size_px)
            except ValueError as error:
                raise self._refusal(f'shape {number}, "{label}", cannot be drawn: {error}') from error
            classes[box.slices][mask] = class_names.id_of(label) if is_class else 0
            objects[box.slices][mask] = numbers.setdefault(key, len(numbers) + 1) if is_class else 0
        return ReadImage(name=self.name, classes=classes, objects=objects, image=image)

    def _find_image(self) -> Path | None:
        """Return the file of the image: the one that is named if it is in the data set, else one of its name beside."""
        named = self._record.get("imagePath")
        if not isinstance(named, str) or not named or "\0" in named:
            return None
        relative = PurePosixPath(named.replace("\\", "/"))
        root = self._folder.resolve()
        for path in (self._path.parent / relative, self._path.parent / relative.name):
            with suppress(OSError):  # a name that is too long
                if path.is_file() and root in path.resolve().parents:
                    return path
        return None

    def _unpacked(self, folder: Path) -> Path | None:
        """Write the image that is kept in the file into a folder; return its path, or None if none is kept."""
        code = self._record.get("imageData")
        if not isinstance(code, str):
            return None
        try:
            content = base64.b64decode(code, validate=True)
        except binascii.Error as error:
            raise self._refusal(f"its imageData is no image: {error}") from error
        ending = next((ending for first, ending in _IMAGE_TYPES.items() if content.startswith(first)), "")
        if not ending:
            raise self._refusal("its imageData is no image of a known type")
        path = folder / f"{self._path.stem}{ending}"
        path.write_bytes(content)
        return path

    def _said_size(self) -> tuple[int, int]:
        """Return height and width as the file says them, since its image is elsewhere."""
        height, width = self._record.get("imageHeight"), self._record.get("imageWidth")
        if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
            raise self._refusal(
                f"its image {self._record.get('imagePath')!r} is not in the data set: put it beside the file"
            )
        if height * width > MAX_PIXELS:
            raise self._refusal(f"it is said to be for an image of {height} x {width} px")
        return height, width

    def _read_size(self, image: Path) -> tuple[int, int]:
        """Return height and width of the image; raise DocumentError if the file says others."""
        try:
            size_px = read_size(image)
        except ImageError as error:
            raise self._refusal(str(error)) from error
        said = tuple(self._record.get(key) for key in ("imageHeight", "imageWidth"))
        if None not in said and said != size_px:
            raise self._refusal(
                f"it is for an image of {said[0]} x {said[1]} px, but {image.name} has {size_px[0]} x {size_px[1]} px"
            )
        return size_px

    def _parsed(self) -> Mapping[str, Any]:
        """Return what the file holds; its shapes have labels."""
        record: Any
        try:
            record = json.loads(self._path.read_bytes())
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from error
        except (ValueError, RecursionError) as error:
            raise self._refusal(f"it is not JSON: {error}") from error
        shapes = record.get("shapes") if isinstance(record, dict) else None
        if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
            raise self._refusal('it has no list of "shapes"')
        for number, shape in enumerate(shapes, start=1):
            if not isinstance(shape.get("label"), str) or not shape["label"].strip():
                raise self._refusal(f"shape {number} has no label")
            if not isinstance(shape.get("group_id"), str | int | float | None):
                raise self._refusal(f"the group_id of shape {number} must be a number")
        return dict(record)

    def _refusal(self, reason: str) -> DocumentError:
        """Return the error that the file cannot be read."""
        return DocumentError(f"{self._path} cannot be read as labelme's JSON: {reason.rstrip('.')}.")
