"""Parts of images as images of their own: cropped to what is labelled, or cut into tiles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int32

from napari_car.annotation.boxes import box_of, with_margin
from napari_car.annotation.frames import Box
from napari_car.errors import ConfigError

from .labelled_image import LabelledImage
from .stored_image import ImagePart, whole_part


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How images are cut.

    Parameters
    ----------
    margin_px : int or None
        Images are cropped to the box around all labels and this margin, as far as they go; those without labels stay
        whole. None: they are not cropped.
    tile_px : int or None
        Images larger than this are cut into square tiles of this side, in the same way on both axes. The last tiles
        are shifted inwards, so that all have the full size where the image is that large. None: there are no tiles.
    overlap_px : int
        By how much neighbouring tiles overlap at least.

    Raises
    ------
    ConfigError
        If a length is negative, or tiles overlap by all of their size.
    """

    margin_px: int | None = None
    tile_px: int | None = None
    overlap_px: int = 0

    def __post_init__(self) -> None:
        if self.margin_px is not None and self.margin_px < 0:
            raise ConfigError(f"A margin cannot be {self.margin_px} px: it must be 0 or more.")
        if self.tile_px is not None and not 0 <= self.overlap_px < self.tile_px:
            raise ConfigError(
                f"Tiles of {self.tile_px} px cannot overlap by {self.overlap_px} px: it must be 0 or more, and less "
                "than their size."
            )

    def find_boxes(self, labels: Int32[np.ndarray, "H W"]) -> tuple[Box, ...]:
        """Return what an image with these labels is cut into, row by row."""
        whole = Box(0, 0, *labels.shape)
        labelled = Box(0, 0, 0, 0) if self.margin_px is None else box_of(labels > 0)
        if self.margin_px is not None and not labelled.is_empty:
            whole = with_margin(labelled, self.margin_px, labels.shape)
        return tuple(
            Box(top, left, bottom, right)
            for top, bottom in self._cut(whole.top, whole.bottom)
            for left, right in self._cut(whole.left, whole.right)
        )

    def _cut(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Cut a range into tiles, of which the last one ends where it ends."""
        if self.tile_px is None or stop - start <= self.tile_px:
            return [(start, stop)]
        last = stop - self.tile_px
        starts = [*range(start, last, self.tile_px - self.overlap_px), last]
        return [(first, first + self.tile_px) for first in starts]


class CutImages(Mapping[str, LabelledImage]):
    """Parts of labelled images, by name: tiles carry their first row and column in it, such as ``field_y0000_x1024``.

    What belongs to an image, such as its part of the data set, belongs to all of its parts. Objects are what is seen of
    them in a part.

    Parameters
    ----------
    images : mapping of str to LabelledImage
        Each may be loaded when it is asked for; the last one is kept.
    cutting : Cutting
    with_empty : bool
        Take tiles without any label, too.
    """

    def __init__(self, images: Mapping[str, LabelledImage], cutting: Cutting, *, with_empty: bool = True) -> None:
        self._images = images
        self._last: LabelledImage | None = None
        self._stored: ImagePart | None = None
        self._classes: frozenset[int] = frozenset()
        self._parts: dict[str, tuple[str, Box]] = {}
        self.has_tiles = cutting.tile_px is not None
        """Whether parts are tiles."""
        self.n_empty = 0
        """Number of tiles that were left out since nothing is labelled in them."""
        for name in images:
            labels = images[name].labels
            for box in cutting.find_boxes(labels):
                if cutting.tile_px is None:
                    self._parts[name] = name, box
                elif with_empty or labels[box.slices].any():
                    self._parts[f"{name}_y{box.top:04d}_x{box.left:04d}"] = name, box
                else:
                    self.n_empty += 1

    def __getitem__(self, name: str) -> LabelledImage:
        """Return a part with its labels as they are now."""
        source, box = self._parts[name]
        if self._last is None or self._last.name != source:
            self._last = self._images[source]
            self._stored = self._last.part or whole_part(self._last.image, self._last.size_px)
            self._classes = find_classes(self._last)
        if box == Box(0, 0, *self._last.size_px):
            return replace(self._last, name=name)
        return cut_image(replace(self._last, part=self._stored), box, name, self._classes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def find_classes(image: LabelledImage) -> frozenset[int]:
    """Return the classes that an image holds."""
    return frozenset(np.unique(image.semantic).tolist()) - {0}


def cut_image(image: LabelledImage, box: Box, name: str, classes: frozenset[int]) -> LabelledImage:
    """Return a part of an image.

    Classes that are in the image, but not in this part, are verified to be absent if a person has checked the image.

    Parameters
    ----------
    image : LabelledImage
    box : Box
        Inside of the image.
    name : str
        Of the part.
    classes : frozenset of int
        Those that the image holds; see :func:`find_classes`.
    """
    part = image.part or whole_part(image.image, image.size_px)
    cut = replace(image, name=name, labels=np.ascontiguousarray(image.labels[box.slices]), part=part.moved_to(box))
    if not image.is_checked:
        return cut
    return replace(cut, absent=image.absent | (classes - find_classes(cut)))
