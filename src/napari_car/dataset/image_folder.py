"""Hugging Face image folder: images with masks as a second column."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, OutputError
from napari_car.io.outputs import write_bytes, write_json

from .class_names import classes_of
from .class_numbers import FoundClass, checked_classes, make_ontology, match_classes, renumber
from .class_table import read_colour
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image, has_ending
from .label_files import find_inside, read_labels, write_grey_png
from .labelled_image import LabelledImage

_IMAGES, _MASKS = "images", "masks"
_METADATA, _CLASSES = "metadata.jsonl", "classes.json"
_BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """What ``datasets.load_dataset("imagefolder", data_dir=...)`` reads: the columns ``image`` and ``mask``.

    Each split has a folder with ``metadata.jsonl``, whose ``file_name`` and ``mask_file_name`` become the columns.
    Masks are grey PNG of class ids of the ontology, of 8 bits if all in the image fit, else of 16; ``classes.json``
    names them as ``id2label``, as models take it. What are objects is lost.
    """

    name = "imagefolder"
    title = "Hugging Face image folder"
    tells_objects_apart = False

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files.

        Raises
        ------
        OutputError
            If it cannot be written, a pixel is of no class, or an image is of a type that the library leaves out.
        """
        files: list[Path] = []
        lines: dict[str, list[str]] = {}
        readable = Image.registered_extensions()
        for image in images:
            if not has_ending(image, readable):
                raise OutputError(
                    f"The datasets library does not read {image.image.name}: turn it into PNG or TIFF, or choose "
                    "another format."
                )
            here = folder / image.split
            picture, mask = copy_image(image, here / _IMAGES), here / _MASKS / f"{image.name}.png"
            write_grey_png(mask, checked_classes(image, ontology))
            files += [picture, mask]
            row = {"file_name": f"{_IMAGES}/{picture.name}", "mask_file_name": f"{_MASKS}/{mask.name}"}
            lines.setdefault(image.split, []).append(f"{json.dumps(row)}\n")
        for split, rows in lines.items():
            files.append(folder / split / _METADATA)
            write_bytes(files[-1], "".join(rows).encode())
        return (*files, _write_classes(folder, ontology))

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes that ``classes.json`` names.

        Raises
        ------
        DocumentError
            If it is missing or cannot be understood.
        """
        return make_ontology(_read_classes(folder))

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images that the files ``metadata.jsonl`` name.

        Raises
        ------
        DocumentError
            If a file is missing or cannot be understood, or a class is not in the ontology.
        """
        ids = match_classes(_read_classes(folder), ontology, folder / _CLASSES)
        for table in sorted({*folder.glob(_METADATA), *folder.glob(f"*/{_METADATA}")}):
            for picture, mask in _read_rows(table):
                name = picture.name.removesuffix(picture.suffix)
                if choice.takes(name):
                    yield ReadImage(name=name, classes=renumber(read_labels(mask), ids, mask), image=picture)


def _write_classes(folder: Path, ontology: QuerySheet) -> Path:
    """Write the names and colours of the ids; return the path."""
    classes = classes_of(ontology)
    names = {0: _BACKGROUND} | {id_: entry.class_name for id_, entry in classes.items()}
    path = folder / _CLASSES
    write_json(
        path,
        {
            "id2label": {str(id_): name for id_, name in names.items()},
            "colours": {str(id_): f"#{bytes(entry.colour).hex()}" for id_, entry in classes.items()},
        },
    )
    return path


def _read_classes(folder: Path) -> list[FoundClass]:
    """Return the classes by id; 0 is background."""
    path = folder / _CLASSES
    try:
        record = _read_json(path, path.read_bytes())
        names = {int(id_): str(name) for id_, name in record.get("id2label", record).items()}
        colours = {int(id_): read_colour(path, text) for id_, text in record.get("colours", {}).items()}
    except FileNotFoundError as error:
        raise DocumentError(f"There is no {_CLASSES} in {folder}: choose the folder of the data set.") from error
    except (AttributeError, OSError, TypeError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"{path} must name classes by id, as id2label does: {error}.") from error
    return [FoundClass(id_, name, colours.get(id_)) for id_, name in sorted(names.items()) if id_]


def _read_rows(table: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the paths of each image and its mask."""
    for line in table.read_bytes().split(b"\n"):
        if line.strip():
            row = _read_json(table, line)
            names = [row.get("file_name", row.get("image_file_name")), row.get("mask_file_name")]
            if not all(isinstance(name, str) for name in names):
                raise DocumentError(f"{table} must name an image and a mask in each row: file_name, mask_file_name.")
            picture, mask = (find_inside(table.parent, str(name), table) for name in names)
            yield picture, mask


def _read_json(path: Path, text: bytes) -> dict[str, Any]:
    """Return an object in JSON."""
    try:
        record = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"{path} holds no JSON: {error}.") from error
    if not isinstance(record, dict):
        raise DocumentError(f"{path} must hold a JSON object, not {type(record).__name__}.")
    return record
