"""Label maps as TIFF: one file of classes per image, and one of objects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.sheet import QuerySheet
from napari_car.io.outputs import write_label_map

from .class_numbers import checked_classes, make_ontology, match_classes, number_objects, renumber
from .class_table import CLASSES, IMAGES, ListedImage, read_classes, read_images, write_classes, write_images
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image
from .label_files import find_files, find_inside, read_labels
from .labelled_image import LabelledImage

_IMAGES, _LABELS, _OBJECTS = "images", "labels", "objects"


@dataclass(frozen=True, slots=True)
class LabelTiff:
    """TIFF files of class ids, uint16 if they fit, else int32, and of object numbers where objects are told apart.

    Class ids are those of the ontology, in ``labels/``. Objects are numbered from 1 in each image, in ``objects/``; an
    image in which nothing is told apart has no such file, and all of a class is one object. ``classes.csv`` names the
    classes, ``images.csv`` the images.
    """

    name = "label-tiff"
    title = "Label TIFF"
    tells_objects_apart = True

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files.

        Raises
        ------
        OutputError
            If it cannot be written, or a pixel is of no class.
        """
        files = [write_classes(folder, ontology)]
        rows = []
        for image in images:
            picture = copy_image(image, folder / _IMAGES)
            files += [picture, folder / _LABELS / f"{image.name}.tif"]
            write_label_map(files[-1], checked_classes(image, ontology))
            if image.labels.max(initial=0) >= FIRST_ID:
                files.append(folder / _OBJECTS / f"{image.name}.tif")
                write_label_map(files[-1], number_objects(image.labels))
            rows.append(ListedImage(image.name, f"{_IMAGES}/{picture.name}", image.split, image.size_px))
        return (*files, write_images(folder, rows))

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes that ``classes.csv`` names.

        Raises
        ------
        DocumentError
            If it is missing or cannot be understood.
        """
        return make_ontology(read_classes(folder))

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images that ``images.csv`` names, or all that have a file of labels if there is no such table.

        Raises
        ------
        DocumentError
            If a file is missing or cannot be understood, or a class is not in the ontology.
        """
        ids = match_classes(read_classes(folder), ontology, folder / CLASSES)
        of_labels, of_objects = find_files(folder / _LABELS), find_files(folder / _OBJECTS)
        for name, picture in _list_images(folder, of_labels).items():
            if not choice.takes(name):
                continue
            path = of_labels.get(name, folder / _LABELS / f"{name}.tif")
            classes = renumber(read_labels(path), ids, path)
            objects = read_labels(of_objects[name]) if name in of_objects else classes
            yield ReadImage(name=name, classes=classes, objects=objects, image=picture)


def _list_images(folder: Path, names: Iterable[str]) -> dict[str, Path | None]:
    """Return the file of each image, by name."""
    if not (folder / IMAGES).is_file():
        pictures = find_files(folder / _IMAGES)
        return {name: pictures.get(name) for name in names}
    found = {image.name: find_inside(folder, image.file, folder / IMAGES) for image in read_images(folder)}
    for name in found:
        find_inside(folder, name, folder / IMAGES)
    return dict(found)
