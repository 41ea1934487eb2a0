"""Formats with a folder per class: which images go into it, and how masks of several classes become one map."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int32

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError
from napari_car.io.slugs import unique_slugs

from .class_names import classes_of
from .class_numbers import FoundClass
from .class_table import CLASSES, IMAGES, ListedImage, read_classes, read_images
from .format import ReadImage
from .label_files import find_inside
from .labelled_image import LabelledImage

Negatives = Literal["verified", "all", "none"]
"""Which images without a class get an empty mask of it: those of which a person has said that they hold none, because
the class was marked as absent or the image as checked; all; or none."""


def folder_names(ontology: QuerySheet) -> dict[int, str]:
    """Return a name for the folder of each class by its id; all differ, also where case does not count."""
    classes = classes_of(ontology)
    return dict(zip(classes, unique_slugs([entry.class_name for entry in classes.values()]), strict=True))


def is_listed(image: LabelledImage, class_id: int, n_px: int, negatives: Negatives) -> bool:
    """Tell whether an image gets a mask of a class, of which it holds so many pixels."""
    if n_px or negatives == "all":
        return True
    return negatives == "verified" and (image.is_checked or class_id in image.absent)


def read_folder_classes(folder: Path, folders: Iterable[str]) -> tuple[FoundClass, ...]:
    """Return the classes that ``classes.csv`` names with their folders; without it, the folders are the classes.

    Raises
    ------
    DocumentError
        If the table cannot be understood, or there are neither table nor folders.
    """
    if (folder / CLASSES).is_file():
        found = read_classes(folder)
        for row in found:
            find_inside(folder, row.folder or row.name, folder / CLASSES)
        return tuple(FoundClass(row.number, row.name, row.colour, row.folder or row.name) for row in found)
    names = sorted(set(folders))
    if not names:
        raise DocumentError(f"{folder} has no folders of classes: choose the folder of the data set.")
    return tuple(FoundClass(number, name, None, name) for number, name in enumerate(names, start=1))


def list_images(folder: Path, names: Iterable[str]) -> dict[str, ListedImage | None]:
    """Return the images that ``images.csv`` names; without it, those with these names, of which no size is known."""
    if not (folder / IMAGES).is_file():
        return dict.fromkeys(sorted(set(names)))
    return {image.name: image for image in read_images(folder)}


class MaskPile:
    """Masks of one image, which are laid one over another.

    Parameters
    ----------
    name : str
        Of the image.
    listed : ListedImage or None
        What ``images.csv`` says of it; None: the first mask has its size.
    """

    def __init__(self, name: str, listed: ListedImage | None) -> None:
        self._name = name
        self._classes = None if listed is None else np.zeros(listed.size_px, dtype=np.int32)
        self._objects = None if listed is None else np.zeros(listed.size_px, dtype=np.int32)
        self._n_objects = 0

    def add(self, class_id: int, numbers: Int32[np.ndarray, "H W"], path: Path) -> None:
        """Lay the objects of a class on top; raise DocumentError if they are of another size."""
        if self._classes is None or self._objects is None:
            self._classes = np.zeros(numbers.shape, dtype=np.int32)
            self._objects = np.zeros(numbers.shape, dtype=np.int32)
        if numbers.shape != self._classes.shape:
            raise DocumentError(
                f"{path} has {numbers.shape[0]} x {numbers.shape[1]} px, but {self._name} has "
                f"{self._classes.shape[0]} x {self._classes.shape[1]} px: all masks of an image must have its size."
            )
        mask: Bool[np.ndarray, "H W"] = numbers > 0
        self._classes[mask] = class_id
        self._objects[mask] = numbers[mask] + self._n_objects
        self._n_objects += int(numbers.max(initial=0))

    def read_image(self, image: Path | None, *, has_objects: bool) -> ReadImage:
        """Return the image as it is read."""
        if self._classes is None or self._objects is None:
            raise DocumentError(f"There is no mask of {self._name}: add one, or take its image out of the data set.")
        return ReadImage(
            name=self._name, classes=self._classes, objects=self._objects if has_objects else None, image=image
        )


def count_px(classes: Int32[np.ndarray, "H W"]) -> Mapping[int, int]:
    """Return the number of pixels of each class that is there."""
    n_px = np.bincount(classes.ravel(), minlength=1)
    return {int(id_): int(n_px[id_]) for id_ in np.flatnonzero(n_px)}
