"""An image with its labels, as formats of data sets take it and give it back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Int32

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.frames import Box
from napari_car.errors import ImageError

from .stored_image import ImagePart

Split = Literal["train", "val", "test"]
"""What a part of a data set is for."""

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledImage:
    """One image, one plane of a stack, or a part of one, and its labels.

    Parameters
    ----------
    name : str
        Unique in the data set, also where case does not count; fit to be the first part of a file's name.
    image : Path
        Its file, which is copied and never changed.
    labels : ndarray, (H, W), int32
        Ids of classes, or of instances; 0 is background.
    instances : InstanceTable
        The class of each instance.
    absent : frozenset of int
        Classes of which a person has checked that the image shows none.
    is_checked : bool
        Whether a person has said that the labels are right.
    split : {"train", "val", "test"}
    part : ImagePart or None
        What of the file it is; None: all.

    Raises
    ------
    ImageError
        If a label is negative, or an instance of no known class.
    """

    name: str
    image: Path
    labels: Int32[np.ndarray, "H W"]
    instances: InstanceTable = field(default_factory=InstanceTable)
    absent: frozenset[int] = frozenset()
    is_checked: bool = False
    split: Split = "train"
    part: ImagePart | None = None

    def __post_init__(self) -> None:
        lowest, highest = (int(self.labels.min()), int(self.labels.max())) if self.labels.size else (0, 0)
        if lowest < 0:
            raise ImageError(f"The labels of {self.name} hold {lowest}: ids are from 0 on.")
        if highest >= FIRST_ID and (unknown := self._unknown_ids()):
            raise ImageError(f"{self.name} holds the label {unknown[0]}, an instance of which no class is known.")

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def semantic(self) -> Int32[np.ndarray, "H W"]:
        """The class of each pixel."""
        return self.instances.semantic(self.labels)

    @property
    def n_objects(self) -> int:
        """Number of :meth:`objects`."""
        return int(np.count_nonzero(np.unique(self.labels)))

    def objects(self) -> "Iterator[LabelledObject]":
        """Yield the objects, by label: each instance is one, and so is all of a class that was not told apart."""
        for label, box in find_boxes(self.labels).items():
            mask = np.asarray(self.labels[box.slices] == label)
            yield LabelledObject(label, self.instances.query_of(label), box, mask)

    def _unknown_ids(self) -> list[int]:
        """Return labels that are those of instances, but of none that is known."""
        labels = np.unique(self.labels[self.labels >= FIRST_ID]).tolist()
        return [label for label in labels if label not in self.instances.query_ids]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledObject:
    """An object of a labelled image.

    Parameters
    ----------
    label : int
        Its id in the label map.
    class_id : int
    box : Box
        The smallest around it.
    mask : ndarray, (h, w), bool
        Its pixels in the box.
    """

    label: int
    class_id: int
    box: Box
    mask: Bool[np.ndarray, "h w"]

    @property
    def area_px(self) -> int:
        """Number of its pixels."""
        return int(np.count_nonzero(self.mask))
