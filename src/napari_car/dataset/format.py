"""What a format of data sets can do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.sheet import QuerySheet

from .image_choice import ALL_IMAGES, ImageChoice
from .labelled_image import LabelledImage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadImage:
    """An image of a data set as a format gives it back.

    Parameters
    ----------
    name : str
        As it was written.
    classes : ndarray, (H, W), int32
        The class of each pixel: ids of the ontology that was read with it; 0 is background. Where objects overlap,
        the later one lies on top.
    objects : ndarray, (H, W), int32, or None
        Numbers that differ between objects, 0 in background; None if the format does not tell objects apart.
    image : Path or None
        The file of the image, if the data set has one.
    """

    name: str
    classes: Int32[np.ndarray, "H W"]
    objects: Int32[np.ndarray, "H W"] | None = None
    image: Path | None = None


class Exporter(Protocol):
    """What writes labelled images, perhaps without being able to read them back."""

    @property
    def name(self) -> str:
        """As it is chosen on a command line, such as ``coco``."""

    @property
    def title(self) -> str:
        """As it is called in lists, such as ``COCO instances``."""

    def write(self, images: Iterable[LabelledImage], ontology: QuerySheet, folder: Path) -> tuple[Path, ...]:
        """Write a data set into a folder, which is there and empty; return its files.

        Images are taken one after another, and none is kept in memory.

        Raises
        ------
        OutputError
            If it cannot be written, or cannot hold these labels at all.
        """


@runtime_checkable
class Reader(Protocol):
    """What reads data sets with masks, perhaps without being able to write them."""

    @property
    def name(self) -> str:
        """As it is chosen on a command line, such as ``coco``."""

    @property
    def title(self) -> str:
        """As it is called in lists, such as ``COCO instances``."""

    @property
    def tells_objects_apart(self) -> bool:
        """Whether it keeps what are objects, not only of which class pixels are."""

    def read_ontology(self, folder: Path) -> QuerySheet:
        """Return the classes of a data set, with the ids that they have in it as far as they can be ids here.

        Raises
        ------
        DocumentError
            If it is no data set of this format.
        """

    def read(self, folder: Path, ontology: QuerySheet, choice: ImageChoice = ALL_IMAGES) -> Iterator[ReadImage]:
        """Yield the chosen images of a data set, with the ids that classes of these names have in an ontology.

        Raises
        ------
        DocumentError
            If it is no data set of this format, or a class is not in the ontology.
        """


@runtime_checkable
class Format(Exporter, Reader, Protocol):
    """A format of data sets that holds masks: what was written can be read back."""
