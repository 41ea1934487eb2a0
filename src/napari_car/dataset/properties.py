"""Properties of objects as a table: sizes, places and shapes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.measure import regionprops_table

from napari_car.annotation.sheet import QuerySheet, SheetEntry

from .class_names import classes_of
from .class_numbers import checked_classes, number_objects
from .class_table import write_table
from .labelled_image import LabelledImage

PROPERTIES = "properties.csv"
"""Name of the table."""

_MEASURED = {
    "area": "area_px",
    "bbox-0": "top",
    "bbox-1": "left",
    "bbox-2": "bottom",
    "bbox-3": "right",
    "centroid-0": "centroid_row",
    "centroid-1": "centroid_column",
    "equivalent_diameter_area": "equivalent_diameter_px",
    "perimeter": "perimeter_px",
    "axis_major_length": "major_axis_px",
    "axis_minor_length": "minor_axis_px",
    "orientation": "orientation_rad",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "extent": "extent",
    "euler_number": "euler_number",
}
"""Columns by what scikit-image calls them."""

COLUMNS = ("image", "split", "label", "class_id", "class", *_MEASURED.values())
"""Columns of the table."""


@dataclass(frozen=True, slots=True)
class RegionProperties:
    """A table with a row for each object, as scikit-image's ``regionprops`` measures it; it holds no masks.

    The label is the object's id in the label map; where nothing is told apart, all of a class is one object. Rows and
    columns are counted from 0 at the top left; bottom and right are exclusive. Places and lengths are in px, areas in
    px².
    """

    name = "properties"
    title = "CSV of region properties"

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write the table into an empty folder; return its path.

        Raises
        ------
        OutputError
            If it cannot be written, or a pixel is of no class.
        """
        path = folder / PROPERTIES
        write_table(path, COLUMNS, (row for image in images for row in _measure(image, ontology)))
        return (path,)


def _measure(image: LabelledImage, ontology: QuerySheet) -> Iterator[tuple[object, ...]]:
    """Yield a row for each object of an image, by label."""
    checked_classes(image, ontology)
    classes: dict[int, SheetEntry] = classes_of(ontology)
    labels = np.unique(image.labels)
    names = tuple(dict.fromkeys(name.partition("-")[0] for name in _MEASURED))
    table = regionprops_table(number_objects(image.labels), properties=names)  # type: ignore[no-untyped-call]
    columns = (table[name].tolist() for name in _MEASURED)
    for label, *values in zip(labels[labels > 0].tolist(), *columns, strict=True):
        class_id = image.instances.query_of(label)
        yield image.name, image.split, label, class_id, classes[class_id].class_name, *map(_write_number, values)


def _write_number(value: float) -> str:
    """Return a number as short as it is exact to ten digits."""
    return f"{value:.10g}"
