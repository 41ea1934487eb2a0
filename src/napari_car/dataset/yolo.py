"""YOLO segmentation as Ultralytics trains on it: a text file of polygons for each image."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from jaxtyping import Float64

from napari_car.annotation.class_lists import read_classes
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import OutputError
from napari_car.io.outputs import explained, write_bytes

from .class_names import classes_of
from .class_numbers import FoundClass, checked_classes, make_ontology
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image, has_ending
from .labelled_image import SPLITS, LabelledImage, LabelledObject, Split
from .outlines import Points, trace_bridged, trace_parts
from .yolo_files import SUFFIXES, find_table, read_images

Parts = Literal["bridged", "apart"]
"""What becomes of an object of several parts."""

_INSET_PX = 1 / 16
_STEP_PX = 1 / 128
_N_STEPS = 48


@dataclass(frozen=True, slots=True)
class YoloSegmentation:
    """Ultralytics' folders ``images/{split}/`` and ``labels/{split}/``, and ``data.yaml`` with the names of classes.

    The index of a class is its place among the classes by id, from 0. Polygons run along the borders of the pixels, a
    little inside, so that Ultralytics, which rounds down and draws them with their border, gets the very pixels.
    Holes are joined to the outline by a cut without area; where Ultralytics draws it, it runs over pixels of the
    object. The file of an image without objects is empty.

    ``data.yaml`` names no ``path``: Ultralytics then takes the folder that it is in, wherever that is moved.

    Parameters
    ----------
    parts : {"bridged", "apart"}
        An object of several parts becomes one polygon with bridges where they are nearest, which add a line of pixels
        each, or one polygon per part, which are then objects of their own.
    """

    name = "yolo"
    title = "YOLO segmentation"
    tells_objects_apart = True

    parts: Parts = "bridged"

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files, ``data.yaml`` first.

        Raises
        ------
        OutputError
            If it cannot be written, an image is of a type that Ultralytics does not read, or holds a class that is not
            in the ontology.
        """
        classes = classes_of(ontology)
        indices = {id_: index for index, id_ in enumerate(classes)}
        files: list[Path] = []
        splits: set[Split] = {"train", "val"}  # Ultralytics wants both to be named, and there
        for image in images:
            checked_classes(image, ontology)
            if not has_ending(image, SUFFIXES):
                raise OutputError(
                    f"{image.image} is no image that Ultralytics reads: save it as one of {', '.join(SUFFIXES)}."
                )
            splits.add(image.split)
            files.append(copy_image(image, folder / "images" / image.split))
            files.append(folder / "labels" / image.split / f"{image.name}.txt")
            write_bytes(files[-1], "".join(self._lines(image, indices)).encode("ascii"))
        for split in splits:
            with explained(folder):
                (folder / "images" / split).mkdir(parents=True, exist_ok=True)
        table: dict[str, str] = {split: f"images/{split}" for split in SPLITS if split in splits}
        names = {indices[id_]: entry.class_name for id_, entry in classes.items()}
        text = yaml.safe_dump({**table, "names": names}, sort_keys=False, allow_unicode=True)
        path = folder / "data.yaml"
        write_bytes(path, text.encode("utf-8"))
        return (path, *files)

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes of a data set; their ids are their indices, plus one.

        Raises
        ------
        DocumentError
            If there is no ``data.yaml``, or it cannot be understood.
        """
        return make_ontology([FoundClass(item.id or 0, item.name) for item in read_classes(find_table(folder))])

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images of a data set, with their polygons drawn as Ultralytics does it, small ones on top.

        Raises
        ------
        DocumentError
            If a file cannot be understood, or has objects of a class that is not in the ontology.
        """
        return read_images(folder, ontology, choice)

    def _lines(self, image: LabelledImage, indices: dict[int, int]) -> Iterator[str]:
        """Yield the lines of an image: class, then x and y in turns as fractions of width and height."""
        height, width = image.size_px
        seen: Counter[tuple[int, bytes]] = Counter()
        for labelled in image.objects():
            index = indices[labelled.class_id]
            for outline in self._outlines(labelled):
                box = np.concatenate([outline.min(axis=0), outline.max(axis=0)]).tobytes()
                inset_px = _INSET_PX + _STEP_PX * min(seen[index, box], _N_STEPS)
                seen[index, box] += 1
                fractions = _inset(outline, inset_px) / (width, height)
                yield f"{index} {' '.join(f'{value:.8g}' for value in fractions.ravel().tolist())}\n"

    def _outlines(self, labelled: LabelledObject) -> tuple[Points, ...]:
        """Return the outlines of an object in the image."""
        corner = (2 * labelled.box.left, 2 * labelled.box.top)
        if self.parts == "apart":
            return tuple(points + corner for points in trace_parts(labelled.mask))
        return (trace_bridged(labelled.mask) + corner,)


def _inset(outline: Points, inset_px: float) -> Float64[np.ndarray, "K 2"]:
    """Return an outline in px, which runs so far inside of the borders of its pixels.

    Ultralytics takes objects of one class with equal boxes for duplicates: such objects have different insets.
    """
    return outline // 2 + np.where(outline % 2, 1 - inset_px, inset_px)
