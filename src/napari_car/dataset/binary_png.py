"""Binary masks as PNG: one folder per class."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_car.annotation.sheet import QuerySheet
from napari_car.io.outputs import write_mask

from .class_folders import MaskPile, Negatives, count_px, folder_names, is_listed, list_images, read_folder_classes
from .class_names import classes_of
from .class_numbers import FoundClass, checked_classes, make_ontology, match_classes
from .class_table import CLASSES, IMAGES, ListedImage, write_classes, write_images
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image
from .label_files import find_files, find_inside, read_labels
from .labelled_image import LabelledImage

_IMAGES, _MASKS = "images", "masks"


@dataclass(frozen=True, slots=True)
class BinaryPng:
    """One 8-bit grey PNG per class and image, 255 in the mask and 0 elsewhere.

    ``classes.csv`` says which folder is of which class, ``images.csv`` names the images. What are objects is lost.

    Parameters
    ----------
    negatives : {"verified", "all", "none"}
        Which images without a class get an empty mask of it: those of which a person has said that they hold none,
        because the class was marked as absent or the image as checked; all; or none.
    """

    name = "binary-png"
    title = "Binary PNG per class"
    tells_objects_apart = False

    negatives: Negatives = "verified"

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files.

        Raises
        ------
        OutputError
            If it cannot be written, or a pixel is of no class.
        """
        folders = folder_names(ontology)
        files = [write_classes(folder, ontology, folders)]
        rows = []
        for image in images:
            files.append(copy_image(image, folder / _IMAGES))
            rows.append(ListedImage(image.name, f"{_IMAGES}/{files[-1].name}", image.split, image.size_px))
            classes = checked_classes(image, ontology)
            n_px = count_px(classes)
            for id_ in classes_of(ontology):
                if is_listed(image, id_, n_px.get(id_, 0), self.negatives):
                    files.append(folder / _MASKS / folders[id_] / f"{image.name}.png")
                    write_mask(files[-1], classes == id_)
        return (*files, write_images(folder, rows))

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes that ``classes.csv`` names, or those that have a folder if there is no such table.

        Raises
        ------
        DocumentError
            If it cannot be understood, or there are no folders.
        """
        return make_ontology(_read_classes(folder))

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images that ``images.csv`` names, or all that have a mask if there is no such table.

        Masks of one image are laid one over another, in the order of the classes. Any value but 0 is in the mask.

        Raises
        ------
        DocumentError
            If a file is missing or cannot be understood, or a class is not in the ontology.
        """
        found = _read_classes(folder)
        ids = match_classes(found, ontology, folder / CLASSES)
        masks = {row.number: find_files(folder / _MASKS / row.folder) for row in found}
        pictures = find_files(folder / _IMAGES)
        for name, listed in list_images(folder, [name for of_class in masks.values() for name in of_class]).items():
            if not choice.takes(name):
                continue
            pile = MaskPile(name, listed)
            for number, of_class in masks.items():
                if name in of_class:
                    mask = (read_labels(of_class[name]) > 0).astype(np.int32)
                    pile.add(ids[number], mask, of_class[name])
            listed_file = None if listed is None else find_inside(folder, listed.file, folder / IMAGES)
            yield pile.read_image(listed_file or pictures.get(name), has_objects=False)


def _read_classes(folder: Path) -> tuple[FoundClass, ...]:
    """Return the classes with their folders."""
    masks = folder / _MASKS
    folders = [path.name for path in masks.iterdir() if path.is_dir()] if masks.is_dir() else []
    return read_folder_classes(folder, folders)
