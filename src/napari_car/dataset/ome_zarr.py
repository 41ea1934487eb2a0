"""OME-Zarr: each image with its labels, their colours and names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32
from numpy.typing import NDArray

from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.sheet_entry import SheetEntry
from napari_car.errors import DocumentError, MissingExtraError, OutputError
from napari_car.io.colours import RGB
from napari_car.io.outputs import explained

from .class_folders import MaskPile
from .class_names import ClassNames, classes_of
from .class_numbers import FoundClass, checked_classes, make_ontology, match_classes, number_objects, renumber
from .format import ReadImage
from .image_choice import ALL_IMAGES, ImageChoice
from .labelled_image import LabelledImage
from .stored_image import StoredImage

_SUFFIX = ".zarr"
_CLASSES, _OBJECTS = "classes", "objects"
_NAME = "class"
"""Property that names the class of a label."""
_OPAQUE = 255
_MAX_LABEL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class OmeZarr:
    """One ``SPLIT/NAME.zarr`` per image, by the newest version of OME-Zarr that the ome-zarr library writes.

    The image is stored as 8-bit RGB, upright, as it is shown. ``labels/classes`` holds class ids of the ontology,
    ``labels/objects`` numbers of objects from 1; both have one level, and metadata ``image-label`` with the colour and
    the class of each label.

    Of an image of another program, each label image is a class of its name, and its labels are objects; later ones lie
    over earlier ones.
    """

    name = "ome-zarr"
    title = "OME-Zarr image-label"
    tells_objects_apart = True

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into an empty folder; return its files.

        Raises
        ------
        OutputError
            If it cannot be written, a pixel is of no class, or an image has another size than its labels.
        ImageError
            If an image cannot be read.
        MissingExtraError
            If the ome-zarr library is not installed.
        """
        writer, _ = _import_libraries()
        classes = classes_of(ontology)
        for image in images:
            rgb = StoredImage(image.image).rgb if image.part is None else image.part.read_rgb()
            if rgb.shape[:2] != image.size_px:
                raise OutputError(
                    f"{image.image} has {rgb.shape[0]} x {rgb.shape[1]} px, but the labels of {image.name} have "
                    f"{image.size_px[0]} x {image.size_px[1]} px: label this image anew."
                )
            path = folder / image.split / f"{image.name}{_SUFFIX}"
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.ascontiguousarray(rgb.transpose(2, 0, 1))
                writer.write_image(pixels, str(path), axes="cyx", scale_factors=[], name=image.name)
                shown = {id_: (id_, entry) for id_, entry in classes.items()}
                _write_labels(writer, path, _CLASSES, checked_classes(image, ontology), shown)
                _write_labels(writer, path, _OBJECTS, number_objects(image.labels), _list_objects(image, classes))
        return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes that the metadata of the images name.

        Raises
        ------
        DocumentError
            If there are no images with labels, or they cannot be understood.
        MissingExtraError
            If the zarr library is not installed.
        """
        found: dict[int, FoundClass] = {}
        foreign: dict[str, None] = {}
        for path in _list_groups(folder):
            names = _list_labels(path)
            if _CLASSES not in names:
                foreign |= dict.fromkeys(names)
                continue
            for row in _read_classes(path, _open_labels(path, _CLASSES)):
                found.setdefault(row.number, row)
        known = {row.name for row in found.values()}
        return make_ontology([*found.values(), *(FoundClass(0, name) for name in foreign if name not in known)])

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the images.

        Raises
        ------
        DocumentError
            If there are no images with labels, they cannot be understood, or a class is not in the ontology.
        MissingExtraError
            If the zarr library is not installed.
        """
        for path in _list_groups(folder):
            name = path.name.removesuffix(_SUFFIX)
            if not choice.takes(name):
                continue
            names = _list_labels(path)
            if _CLASSES not in names:
                yield _read_foreign(path, names, ontology)
                continue
            group = _open_labels(path, _CLASSES)
            ids = match_classes(_read_classes(path, group), ontology, path)
            yield ReadImage(
                name=name,
                classes=renumber(_read_pixels(path, group), ids, path),
                objects=_read_pixels(path, _open_labels(path, _OBJECTS)),
                image=path,
            )


def _list_objects(image: LabelledImage, classes: Mapping[int, SheetEntry]) -> dict[int, tuple[int, SheetEntry]]:
    """Return label and class of each object, by its number."""
    labels = np.unique(image.labels)
    numbered = enumerate(labels[labels > 0].tolist(), start=1)
    return {number: (label, classes[image.instances.query_of(label)]) for number, label in numbered}


def _write_labels(
    writer: Any, path: Path, name: str, labels: Int32[np.ndarray, "H W"], shown: Mapping[int, tuple[int, SheetEntry]]
) -> None:
    """Write a label image with the colours and classes of its labels."""
    metadata = {
        "colors": [{"label-value": number, "rgba": [*entry.colour, _OPAQUE]} for number, (_, entry) in shown.items()],
        "properties": [
            {"label-value": number, _NAME: entry.class_name, "class-id": entry.id, "label": label}
            for number, (label, entry) in shown.items()
        ],
        "source": {"image": "../../"},
    }
    writer.write_labels(labels, str(path), name=name, axes="yx", scaler=None, scale_factors=[], label_metadata=metadata)


def _list_groups(folder: Path) -> list[Path]:
    """Return the images of a data set, or the image that the folder is itself."""
    found = (
        [folder] if folder.suffix == _SUFFIX else sorted({*folder.glob(f"*{_SUFFIX}"), *folder.glob(f"*/*{_SUFFIX}")})
    )
    if not found:
        raise DocumentError(f"There is no {_SUFFIX} folder in {folder}: choose the folder of the data set.")
    return found


def _list_labels(path: Path) -> list[str]:
    """Return the names of the label images of an image."""
    _, zarr = _import_libraries()
    try:
        attributes = zarr.open_group(str(path), mode="r")["labels"].attrs.asdict()
        names = attributes.get("ome", attributes)["labels"]
        return [name for name in names if isinstance(name, str) and name.strip()]
    # What is no zarr, or a damaged one, makes the library raise almost anything.
    except Exception as error:
        raise DocumentError(f"{path} has no labels called {_CLASSES}, and names no others: {error!r}.") from error


def _read_foreign(path: Path, names: Iterable[str], ontology: QuerySheet) -> ReadImage:
    """Return an image whose label images are classes."""
    class_names = ClassNames(ontology, path)
    pile = MaskPile(path.name.removesuffix(_SUFFIX), None)
    for name in names:
        pile.add(class_names.id_of(name), _read_pixels(path, _open_labels(path, name)), path / "labels" / name)
    return pile.read_image(path, has_objects=True)


def _open_labels(path: Path, name: str) -> Any:
    """Return the group of a label image."""
    _, zarr = _import_libraries()
    try:
        return zarr.open_group(str(path), mode="r")[f"labels/{name}"]
    # What is no zarr, or a damaged one, makes the library raise almost anything.
    except Exception as error:
        raise DocumentError(f"{path} has no labels called {name} that could be read: {error}.") from error


def _read_pixels(path: Path, group: Any) -> Int32[np.ndarray, "H W"]:
    """Return the labels at full resolution."""
    try:
        attributes = group.attrs.asdict()
        (multiscale, *_) = attributes.get("ome", attributes)["multiscales"]
        labels: NDArray[Any] = np.asarray(group[multiscale["datasets"][0]["path"]][...])
    except Exception as error:
        raise DocumentError(f"The labels of {path} cannot be read: {error}.") from error
    if labels.dtype.kind not in "iu" or labels.squeeze().ndim > 2 or labels.ndim < 2:
        raise DocumentError(f"The labels of {path} must be one plane of whole numbers, not {labels.shape}.")
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) <= _MAX_LABEL:
        raise DocumentError(f"The labels of {path} must be from 0 to {_MAX_LABEL}.")
    return labels.reshape(labels.shape[-2:]).astype(np.int32)


def _read_classes(path: Path, group: Any) -> list[FoundClass]:
    """Return the classes that the metadata of a label image name, with their colours."""
    attributes = group.attrs.asdict()
    metadata = attributes.get("ome", attributes).get("image-label", {})
    try:
        colours = {int(row["label-value"]): _read_colour(row["rgba"]) for row in metadata.get("colors", [])}
        named = {int(row["label-value"]): str(row[_NAME]) for row in metadata.get("properties", [])}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DocumentError(f"The metadata image-label of {path} cannot be understood: {error!r}.") from error
    return [FoundClass(number, name, colours.get(number)) for number, name in named.items() if number]


def _read_colour(rgba: Any) -> RGB:
    """Return a colour without its opacity."""
    red, green, blue, *_ = map(int, rgba)
    return red, green, blue


def _import_libraries() -> tuple[Any, Any]:
    """Return the modules ome_zarr.writer and zarr; raise MissingExtraError if they cannot be imported."""
    try:
        import ome_zarr.writer
        import zarr
    except ImportError as error:
        raise MissingExtraError(
            'The ome-zarr library is not installed; run: pip install "napari-car[export]"'
        ) from error
    return ome_zarr.writer, zarr
