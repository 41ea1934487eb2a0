"""Pascal VOC: palette PNG of classes and of objects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from napari_car.annotation.class_lists import NO_CLASSES
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, OutputError
from napari_car.io.colours import RGB
from napari_car.io.outputs import write_bytes, write_label_map

from .class_names import classes_of
from .class_numbers import FoundClass, checked_classes, make_ontology, match_classes, number_objects, renumber
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .image_files import copy_image
from .label_files import find_files, find_inside, read_labels
from .labelled_image import SPLITS, LabelledImage

VOID = 255
"""Index of pixels that count neither as a class nor as background; read as background, never written."""

MAX_INDEX = VOID - 1
"""Most classes of a data set, and most objects of an image."""

_IMAGES, _CLASSES, _OBJECTS, _SETS = "JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation"
_LABEL_MAP, _CLASS_LIST = "labelmap.txt", "classes.txt"
_LABELME_LIST = "class_names.txt"
"""What labelme's own conversion to Pascal VOC writes."""
_HEADER = "# label:color_rgb:parts:actions"
_BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class PascalVoc:
    """Pascal VOC's folders with palette PNG of classes and of objects.

    A class has the index of its place among the classes by id, from 1. ``labelmap.txt`` names the indices as CVAT does,
    with their colours, ``classes.txt`` one by line. The image's file is copied as it is, of whatever type.

    Parameters
    ----------
    palette : {"ontology", "voc"}
        Colours of the classes: those of the ontology, or those of Pascal VOC, which some readers take for granted.
    """

    name = "voc"
    title = "Pascal VOC index PNG"
    tells_objects_apart = True

    palette: Literal["ontology", "voc"] = "ontology"

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files.

        Raises
        ------
        OutputError
            If it cannot be written, there are more than 254 classes, or an image has more than 254 objects.
        """
        classes = list(classes_of(ontology).values())
        if len(classes) > MAX_INDEX:
            raise OutputError(
                f"Pascal VOC holds at most {MAX_INDEX} classes, but there are {len(classes)}: choose another format."
            )
        indices = {entry.id: index for index, entry in enumerate(classes, start=1)}
        voc = voc_palette()
        colours = [entry.colour for entry in classes] if self.palette == "ontology" else voc[: len(classes)]
        files: list[Path] = []
        names: dict[str, list[str]] = {split: [] for split in SPLITS}
        for image in images:
            objects = number_objects(image.labels)
            if (n_objects := int(objects.max(initial=0))) > MAX_INDEX:
                raise OutputError(
                    f"Pascal VOC holds at most {MAX_INDEX} objects in an image, but {image.name} has {n_objects}: "
                    "choose another format, or cut the images into tiles."
                )
            files.append(copy_image(image, folder / _IMAGES))
            of_class, of_object = (folder / kind / f"{image.name}.png" for kind in (_CLASSES, _OBJECTS))
            indexed = renumber(checked_classes(image, ontology), indices, of_class)
            write_label_map(of_class, indexed, [*colours, *voc[len(colours) :]])
            write_label_map(of_object, objects, voc)
            files += [of_class, of_object]
            names[image.split].append(image.name)
        for split, chosen in names.items():
            files.append(folder / _SETS / f"{split}.txt")
            _write_lines(files[-1], chosen)
        _write_class_lists(folder, [entry.class_name for entry in classes], colours)
        return (*files, folder / _LABEL_MAP, folder / _CLASS_LIST)

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes of a data set, by index.

        Raises
        ------
        DocumentError
            If there is no usable ``labelmap.txt``, ``classes.txt`` or ``class_names.txt``.
        """
        return make_ontology(_read_classes(folder))

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images that the lists of images name, or all that have a file of classes if there are no lists.

        Raises
        ------
        DocumentError
            If files are missing or cannot be understood, or a class is not in the ontology.
        """
        ids = match_classes(_read_classes(folder), ontology, folder)
        pictures, of_objects = find_files(folder / _IMAGES), find_files(folder / _OBJECTS)
        for name in filter(choice.takes, _read_names(folder)):
            path = folder / _CLASSES / f"{name}.png"
            objects = read_labels(of_objects[name]) if name in of_objects else None
            yield ReadImage(
                name=name,
                classes=renumber(read_labels(path), {VOID: 0, **ids}, path),
                objects=None if objects is None else np.where(objects == VOID, 0, objects).astype(np.int32),
                image=pictures.get(name),
            )


def voc_palette() -> tuple[RGB, ...]:
    """Return Pascal VOC's colours of the indices from 1 to 255: bits of the index, spread over red, green and blue."""
    index = np.arange(1, VOID + 1)
    colours = np.zeros((VOID, 3), dtype=np.int64)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return tuple((red, green, blue) for red, green, blue in colours.tolist())


def _write_class_lists(folder: Path, names: list[str], colours: Iterable[RGB]) -> None:
    """Write the two lists of classes, background first."""
    all_names, all_colours = [_BACKGROUND, *names], [(0, 0, 0), *colours]
    rows = [f"{name}:{','.join(map(str, colour))}::" for name, colour in zip(all_names, all_colours, strict=True)]
    _write_lines(folder / _LABEL_MAP, [_HEADER, *rows])
    _write_lines(folder / _CLASS_LIST, all_names)


def _read_classes(folder: Path) -> list[FoundClass]:
    """Return the classes with their indices; background, the first, is left out."""
    path = folder / _LABEL_MAP
    if path.is_file():
        rows = [_read_row(path, line) for line in _read_lines(path) if not line.startswith(_HEADER[:8])]
    else:
        has_own = (folder / _CLASS_LIST).is_file() or not (folder / _LABELME_LIST).is_file()
        rows = [(line, None) for line in _read_lines(folder / (_CLASS_LIST if has_own else _LABELME_LIST))]
    if rows and rows[0][0].casefold() not in NO_CLASSES:
        rows.insert(0, (_BACKGROUND, None))
    return [FoundClass(index, *row) for index, row in enumerate(rows)][1:]


def _read_row(path: Path, line: str) -> tuple[str, RGB | None]:
    """Return name and colour of a line of ``labelmap.txt``; names may hold colons."""
    name, *fields = line.rsplit(":", 3)
    values = fields[0].split(",") if len(fields) == 3 else []
    if not (len(values) == 3 and all(value.strip().isdecimal() and int(value) <= VOID for value in values)):
        raise DocumentError(f"{path} has the line {line!r}: write name:red,green,blue:: on each.")
    red, green, blue = map(int, values)
    return name, (red, green, blue)


def _read_names(folder: Path) -> list[str]:
    """Return the names of the images, each once."""
    lists = [folder / _SETS / f"{split}.txt" for split in (*SPLITS, "trainval")]
    there = [path for path in lists if path.is_file()]
    if not there:
        return list(find_files(folder / _CLASSES))
    names = [(path, name) for path in there for name in _read_lines(path)]
    for path, name in names:
        find_inside(folder, name, path)
    return list(dict.fromkeys(name for _, name in names))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file in UTF-8."""
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except FileNotFoundError as error:
        raise DocumentError(f"There is no {path.name} in {path.parent}: choose the folder of the data set.") from error
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}.") from error
    return [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
