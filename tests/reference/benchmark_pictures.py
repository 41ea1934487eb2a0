"""Pictures for miniatures of benchmarks: coloured squares on surfaces that the demo checkpoint knows, and their files.

Squares have whole-numbered borders, so that what was drawn is known to the pixel, without any decoder.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from scenes.surfaces import paint_surface
from scenes.vocabulary import COLOURS

SIZE_PX = (96, 128)
"""Rows and columns of all pictures but the last, which stands upright."""
UPRIGHT_PX = (128, 96)


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """A rectangle of one colour: its first row and column, and its size."""

    colour: str
    top: int
    left: int
    height: int = 40
    width: int = 40

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its place in an image."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @property
    def polygon(self) -> list[float]:
        """Its corners as COCO has them: x and y in turns."""
        bottom, right = self.top + self.height, self.left + self.width
        return [self.left, self.top, right, self.top, right, bottom, self.left, bottom]

    def mask(self, size_px: tuple[int, int]) -> NDArray[np.bool_]:
        """Return its pixels."""
        mask = np.zeros(size_px, dtype=bool)
        mask[self.pixels] = True
        return mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Squares on a surface; later ones cover earlier ones."""

    name: str
    surface: str
    squares: tuple[Square, ...]
    size_px: tuple[int, int] = SIZE_PX

    def draw(self) -> NDArray[np.uint8]:
        """Return the image."""
        image = _surface(self.surface, self.size_px).copy()
        for square in self.squares:
            image[square.pixels] = COLOURS[square.colour]
        return np.clip(image, 0, 255).astype(np.uint8)

    def labels(self, ids: dict[str, int]) -> NDArray[np.int32]:
        """Return a label map by the ids of colours and surfaces."""
        labels = np.full(self.size_px, ids[self.surface], dtype=np.int32)
        for square in self.squares:
            labels[square.pixels] = ids[square.colour]
        return labels

    def is_border(self) -> NDArray[np.bool_]:
        """Return the pixels around each square, two wide, as Pascal VOC does not score them."""
        border = np.zeros(self.size_px, dtype=bool)
        for square in self.squares:
            rows, columns = square.pixels
            border[max(rows.start - 2, 0) : rows.stop + 2, max(columns.start - 2, 0) : columns.stop + 2] = True
        for square in self.squares:
            border[square.pixels] = False
        return border


@cache
def _surface(name: str, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Return a surface, always the same."""
    return paint_surface(np.random.default_rng(0), name, size_px)


PICTURES = (
    Picture(
        name="000001",
        surface="grass",
        squares=(
            Square(colour="red", top=10, left=8),
            Square(colour="blue", top=44, left=76),
        ),
    ),
    Picture(
        name="000002",
        surface="sky",
        squares=(Square(colour="red", top=30, left=40),),
    ),
    Picture(name="000003", surface="water", squares=()),
    Picture(
        name="000004",
        surface="grass",
        squares=(
            Square(colour="yellow", top=6, left=20),
            Square(colour="blue", top=70, left=40),
        ),
        size_px=UPRIGHT_PX,
    ),
)
"""Of four pictures one shows no square, and no colour is in all of the others."""


def write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=95)


def write_palette_png(path: Path, values: NDArray[np.integer]) -> None:
    """Write indices with a palette in which no colour says what its index is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values.astype(np.uint8))
    image.putpalette([(7 * index + 50 * channel) % 256 for index in range(256) for channel in range(3)])
    assert image.mode == "P"
    image.save(path)


def write_grey_png(path: Path, values: NDArray[np.integer]) -> None:
    """Write values of 8 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def write_tiff(path: Path, values: NDArray[np.integer]) -> None:
    """Write values of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, values.astype(np.uint16), compression="zlib")


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)


@dataclass(slots=True)
class CocoFile:
    """An ``instances.json`` under construction."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add_image(self, picture: Picture) -> int:
        """Add a picture; return its id."""
        height, width = picture.size_px
        self.images.append(
            {"id": 1000 + len(self.images), "file_name": coco_name(picture), "height": height, "width": width}
        )
        return 1000 + len(self.images) - 1

    def add_object(self, image_id: int, segmentation: Any, *, is_crowd: bool = False) -> int:
        """Add an object; return its id."""
        self.annotations.append(
            {
                "id": 70 + len(self.annotations),
                "image_id": image_id,
                "category_id": 1,
                "segmentation": segmentation,
                "iscrowd": int(is_crowd),
            }
        )
        return 70 + len(self.annotations) - 1

    def write(self, path: Path) -> None:
        """Write it."""
        write_text(
            path,
            json.dumps(
                {"images": self.images, "annotations": self.annotations, "categories": [{"id": 1, "name": "x"}]}
            ),
        )


def coco_name(picture: Picture) -> str:
    """Return the name of a picture's file as those of COCO's train2014 are."""
    return f"COCO_train2014_{int(picture.name):012}.jpg"
