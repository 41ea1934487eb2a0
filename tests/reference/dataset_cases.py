"""Labelled images for tests of data sets, and what must hold of every format."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.sheet import QuerySheet, SheetEntry
from napari_car.dataset.labelled_image import LabelledImage

CELL, LEAF, STEM, STICK = 1, 4, 300, 2
"""Ids; the stick is a distractor."""

ONTOLOGY = QuerySheet(
    (
        SheetEntry(id=STEM, text="stem", colour=(0, 0, 255), enabled=False),
        SheetEntry(id=STICK, text="stick", colour=(9, 9, 9), role="background"),
        SheetEntry(id=CELL, text="cell", colour=(255, 0, 0)),
        SheetEntry(id=LEAF, text="blade", name='Leaf: a | b, "c"', colour=(0, 255, 0)),
    ),
    next_id=301,
)
CLASS_IDS = (CELL, LEAF, STEM)
INSTANCES = InstanceTable({FIRST_ID: CELL, FIRST_ID + 1: CELL, FIRST_ID + 7: LEAF, FIRST_ID + 8: STEM}, FIRST_ID + 9)
LABELS = (0, CELL, LEAF, STEM, *INSTANCES.query_ids)


def picture_file(folder: Path, name: str, shape: tuple[int, ...], suffix: str = ".png") -> Path:
    """Write an image of noise that always is the same; return its path."""
    path = folder / f"{name}{suffix}"
    pixels = np.random.default_rng(len(name)).integers(0, 256, (*shape[:2], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def labelled(folder: Path, name: str, labels: NDArray[np.integer], **fields: object) -> LabelledImage:
    """Return a labelled image with a file of noise."""
    labels = np.asarray(labels, dtype=np.int32)
    image = picture_file(folder, name, labels.shape)
    fields = {"instances": INSTANCES, **fields}
    return LabelledImage(name=name, image=image, labels=labels, **fields)  # type: ignore[arg-type]


def label_maps() -> st.SearchStrategy[NDArray[np.int32]]:
    """Draw label maps from 1 x 1 px on: parts, holes, touching borders, single pixels, labels at the image's edge."""
    sizes = st.tuples(st.integers(1, 6), st.integers(1, 6))

    def of_size(size: tuple[int, int]) -> st.SearchStrategy[NDArray[np.int32]]:
        n_pixels = size[0] * size[1]
        chosen = st.lists(st.sampled_from(LABELS), min_size=n_pixels, max_size=n_pixels)
        return chosen.map(lambda values: np.array(values, dtype=np.int32).reshape(size))

    return sizes.flatmap(of_size)


def crowd(n: int = 70_000) -> tuple[NDArray[np.int32], InstanceTable]:
    """Return a label map with very many instances of cells: dots and short bars."""
    n_columns = 300
    n_rows = -(-n // n_columns)
    table, ids = InstanceTable().added([CELL] * n)
    labels = np.zeros((2 * n_rows, 3 * n_columns), dtype=np.int32)
    grid = np.zeros((n_rows, n_columns), dtype=np.int32)
    grid.flat[:n] = ids
    labels[::2, ::3] = grid
    labels[::2, 1::3] = np.where(np.arange(n_columns) % 2, grid, 0)
    return labels, table


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder with their bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def same_objects(first: NDArray[np.integer], second: NDArray[np.integer]) -> bool:
    """Tell whether two maps part the pixels in the same way, 0 being the same in both."""
    pairs = set(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs) and all(
        (a == 0) == (b == 0) for a, b in pairs
    )


def parts_of(mask: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    """Return the pixels of each part of a mask, pixel by pixel; corners connect."""
    left = set(map(tuple, np.argwhere(mask).tolist()))
    parts = []
    while left:
        part, front = set(), [left.pop()]
        while front:
            row, column = front.pop()
            part.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            front += near
        parts.append(part)
    return parts
