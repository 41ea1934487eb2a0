"""Cellpose: images and instance masks side by side, in a folder per class."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from skimage.measure import label as number_parts

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import OutputError
from napari_car.io.outputs import write_label_map

from .class_folders import MaskPile, Negatives, count_px, folder_names, is_listed, list_images, read_folder_classes
from .class_names import classes_of
from .class_numbers import FoundClass, checked_classes, make_ontology, match_classes, number_objects
from .class_table import CLASSES, ListedImage, write_classes, write_images
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image, has_ending
from .label_files import find_files, read_labels
from .labelled_image import SPLITS, LabelledImage

_IMAGE_END, _MASKS_END = "_img", "_masks"
_FOREIGN_ENDS = ("_cp_masks", _MASKS_END)
"""What names of masks end in that Cellpose writes, or is trained with; the longer one first."""
_FOREIGN_CLASS = "cell"
_READABLE = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Endings that Cellpose looks for, as far as they are read here."""


@dataclass(frozen=True, slots=True)
class Cellpose:
    """Folders as Cellpose's training takes them: ``train/cell/NAME_img.png`` and ``train/cell/NAME_masks.tif``.

    Masks hold numbers of objects from 1 without gaps, uint16 if they fit, else int32. Cellpose knows one class at a
    time: ``--dir train/cell --test_dir val/cell --img_filter _img --mask_filter _masks``. Where objects of a class are
    not told apart, each connected part is an object; corners connect. ``classes.csv`` says which folder is of which
    class, ``images.csv`` names the images.

    What Cellpose itself writes is read, too: ``NAME_cp_masks.tif`` or ``.png`` beside the image ``NAME``. All objects
    are cells then.

    Parameters
    ----------
    negatives : {"verified", "all", "none"}
        Which images without a class get an empty mask of it: those of which a person has said that they hold none,
        because the class was marked as absent or the image as checked; all; or none. Cellpose leaves them out unless
        it is started with ``--min_train_masks 0``.
    """

    name = "cellpose"
    title = "Cellpose instance TIFF"
    tells_objects_apart = True

    negatives: Negatives = "verified"

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files.

        Raises
        ------
        OutputError
            If it cannot be written, a pixel is of no class, or Cellpose does not look for images of a file's type.
        """
        folders = folder_names(ontology)
        files = [write_classes(folder, ontology, folders)]
        rows = []
        for image in images:
            if not has_ending(image, _READABLE):
                raise OutputError(
                    f"Cellpose does not read {image.image.name}: turn it into PNG or TIFF, or choose another format."
                )
            classes = checked_classes(image, ontology)
            n_px = count_px(classes)
            copied = dataclasses.replace(image, name=f"{image.name}{_IMAGE_END}")
            for id_ in classes_of(ontology):
                if is_listed(image, id_, n_px.get(id_, 0), self.negatives):
                    here = folder / image.split / folders[id_]
                    files += [copy_image(copied, here), here / f"{image.name}{_MASKS_END}.tif"]
                    write_label_map(files[-1], _number_class(image.labels, id_, classes))
            rows.append(ListedImage(image.name, "", image.split, image.size_px))
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
        """Yield the images that ``images.csv`` names, or all that have masks if there is no such table.

        Raises
        ------
        DocumentError
            If a file cannot be understood, or a class is not in the ontology.
        """
        found = _read_classes(folder)
        ids = match_classes(found, ontology, folder / CLASSES)
        files = {row.number: _find_pairs(folder, row) for row in found}
        for name, listed in list_images(folder, [name for of_class in files.values() for name in of_class]).items():
            pairs = {number: of_class[name] for number, of_class in files.items() if name in of_class}
            picture = next((picture for _, picture in pairs.values() if picture is not None), None)
            if not choice.takes(name, picture.name if picture is not None else ""):
                continue
            pile = MaskPile(name, listed)
            for number, (masks, _) in pairs.items():
                pile.add(ids[number], read_labels(masks), masks)
            yield pile.read_image(picture, has_objects=True)


def _number_class(
    labels: Int32[np.ndarray, "H W"], class_id: int, classes: Int32[np.ndarray, "H W"]
) -> Int32[np.ndarray, "H W"]:
    """Return the objects of a class, numbered from 1: its instances, then the parts of what was not told apart."""
    numbers = number_objects(np.where((classes == class_id) & (labels != class_id), labels, 0))
    parts = number_parts(labels == class_id, connectivity=2)  # type: ignore[no-untyped-call]
    return np.asarray(np.where(parts > 0, parts + numbers.max(initial=0), numbers), dtype=np.int32)


def is_foreign(folder: Path) -> bool:
    """Tell whether masks lie in a folder itself, as Cellpose writes them, and it is no folder of a class."""
    if (folder / CLASSES).exists() or folder.parent.name in SPLITS:
        return False
    return any(_name_of(stem) for stem in find_files(folder))


def _name_of(stem: str) -> str:
    """Return the image that a file holds masks of; empty for other files."""
    end = next((end for end in _FOREIGN_ENDS if stem.endswith(end)), "")
    return stem.removesuffix(end) if end else ""


def _read_classes(folder: Path) -> tuple[FoundClass, ...]:
    """Return the classes with their folders."""
    if is_foreign(folder):
        return (FoundClass(1, _FOREIGN_CLASS),)
    return read_folder_classes(folder, _list_folders(folder))


def _list_folders(folder: Path) -> set[str]:
    """Return the names of the folders of classes, of all splits."""
    splits = [folder / split for split in SPLITS]
    return {path.name for split in splits if split.is_dir() for path in split.iterdir() if path.is_dir()}


def _find_pairs(folder: Path, row: FoundClass) -> Mapping[str, tuple[Path, Path | None]]:
    """Return the masks of a class and their image, by the image's name."""
    pairs = {}
    for here in (folder / split / row.folder for split in SPLITS) if row.folder else (folder,):
        files = find_files(here)
        for stem, path in files.items():
            name = _name_of(stem)
            if name:
                pairs[name] = path, files.get(f"{name}{_IMAGE_END}", files.get(name))
    return pairs
