"""COCO instances: a JSON file of outlines and run-length codes for each part of the data set."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from napari_car import __version__
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.sheet_entry import SheetEntry
from napari_car.io.outputs import write_bytes

from .class_names import classes_of
from .class_numbers import checked_classes
from .coco_file import read_categories, read_images
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image
from .labelled_image import LabelledImage, LabelledObject
from .outlines import straightened, trace_parts
from .rle import encode_mask, encode_polygons

FOLDER = "annotations"
"""Folder of the JSON files."""

Polygons = Literal["never", "lossless", "always"]
"""Which objects have polygons: none, those whose polygons give back their very pixels, or all."""


@dataclass(frozen=True, slots=True)
class CocoInstances:
    """COCO's ``annotations/instances_{split}.json`` with the images in ``{split}/``.

    Categories have the ids of the ontology, and as supercategory the name of the class that they are a kind of, or
    their own. An image names the classes that a person has found absent as LVIS does: ``neg_category_ids``. Of a class
    whose objects were not told apart, an image has one annotation.

    Parameters
    ----------
    polygons : {"never", "lossless", "always"}
        Which objects have polygons. All others have run-length codes, and ``iscrowd`` is 0 all the same. Holes are
        joined to the outline by a cut without area.
    """

    name = "coco"
    title = "COCO instances"
    tells_objects_apart = True

    polygons: Polygons = "lossless"

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files, the JSON files first.

        Raises
        ------
        OutputError
            If it cannot be written, or an image holds a class that is not in the ontology.
        MissingExtraError
            If pycocotools is not installed.
        """
        classes = classes_of(ontology)
        parts: dict[str, _Part] = {}
        copies = []
        for image in images:
            checked_classes(image, ontology)
            copies.append(copy_image(image, folder / image.split))
            parts.setdefault(image.split, _Part(self.polygons)).add(image, copies[-1].name, classes)
        files = []
        for split, part in parts.items():
            files.append(folder / FOLDER / f"instances_{split}.json")
            # ASCII: pycocotools opens the file in whatever encoding the system has.
            text = json.dumps(part.record(_categories(classes)), separators=(",", ":"))
            write_bytes(files[-1], text.encode("ascii"))
        return (*files, *copies)

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the categories of a data set, with their ids where they can be ids here and no other has them.

        Parameters
        ----------
        folder : Path
            Of a data set as this format writes it, of one with ``_annotations.coco.json`` or any JSON file in it, or
            a JSON file itself.

        Raises
        ------
        DocumentError
            If there is no such file, or its categories cannot be understood.
        """
        return read_categories(folder)

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images of a data set of this or another program; see :meth:`read_ontology`.

        Raises
        ------
        DocumentError
            If a file is missing or cannot be understood, or has objects of a class that is not in the ontology.
        MissingExtraError
            If pycocotools is not installed.
        """
        return read_images(folder, ontology, choice)


@dataclass(slots=True)
class _Part:
    """What a JSON file is to hold."""

    polygons: Polygons
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, image: LabelledImage, file_name: str, classes: Mapping[int, SheetEntry]) -> None:
        """Add an image and its objects."""
        height, width = image.size_px
        self.images.append(
            {
                "id": len(self.images) + 1,
                "file_name": file_name,
                "height": height,
                "width": width,
                "neg_category_ids": sorted(image.absent & classes.keys()),
            }
        )
        for labelled in image.objects():
            left_top_size = [labelled.box.left, labelled.box.top, *reversed(labelled.box.size_px)]
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": len(self.images),
                    "category_id": labelled.class_id,
                    "segmentation": self._segmentation(labelled, image.size_px),
                    "area": labelled.area_px,
                    "bbox": left_top_size,
                    "iscrowd": 0,
                }
            )

    def record(self, categories: list[dict[str, Any]]) -> dict[str, Any]:
        """Return all of the file."""
        return {
            "info": {"description": "Labelled images", "version": "1.0", "contributor": f"napari-car {__version__}"},
            "licenses": [],
            "categories": categories,
            "images": self.images,
            "annotations": self.annotations,
        }

    def _segmentation(self, labelled: LabelledObject, size_px: tuple[int, int]) -> dict[str, Any] | list[list[int]]:
        """Return the polygons of an object, or its run-length code."""
        if self.polygons == "always":
            return _polygons(labelled)
        code = encode_mask(labelled.mask, labelled.box, size_px)
        if self.polygons == "lossless":
            polygons = _polygons(labelled)
            if encode_polygons(polygons, size_px) == code:
                return polygons
        return code


def _polygons(labelled: LabelledObject) -> list[list[int]]:
    """Return the outlines of an object's parts along the borders of its pixels: x and y in turns."""
    corner = (labelled.box.left, labelled.box.top)
    outlines = (straightened((points + 1) // 2) + corner for points in trace_parts(labelled.mask))
    return [[int(value) for value in outline.ravel()] for outline in outlines]


def _categories(classes: Mapping[int, SheetEntry]) -> list[dict[str, Any]]:
    """Return the categories."""
    return [
        {
            "id": id_,
            "name": entry.class_name,
            "supercategory": classes.get(entry.parent, entry).class_name,
        }
        for id_, entry in classes.items()
    ]
