"""The files of one image's result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_car.io import LoadedImage
from napari_car.io.colours import query_colours
from napari_car.io.legend import LegendEntry
from napari_car.io.outputs import write_json, write_label_map, write_mask, write_picture
from napari_car.io.overlay import draw_overlay
from napari_car.io.slugs import unique_slugs
from napari_car.segmentation import Segmentation

from .folders import SUMMARY, whole_folder
from .record import read_summary

LABEL_FILES = {"tiff": "labels.tif", "png": "labels.png"}
"""Name of the label map by format."""


def write_result(
    folder: Path,
    segmentation: Segmentation,
    image: LoadedImage,
    request: Mapping[str, Any],
    *,
    labels: str,
    caption: str = "",
) -> dict[str, Any]:
    """Write label map, masks, overlay and summary of an image; all of them or none.

    Parameters
    ----------
    folder
        Place of the files; what an earlier run left there is replaced.
    segmentation, image
        The result, and the image as it was read.
    request
        What was asked for, see :func:`napari_car.cli.record.make_request`.
    labels
        Format of the label map, "tiff" or "png".
    caption
        Text under the overlay's legend.

    Returns
    -------
    dict
        The summary as written.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    earlier = read_summary(folder)
    our_files = {folder / name for name in [SUMMARY, *(earlier["files"] if earlier else [])]}
    with whole_folder(folder, our_files.__contains__) as part:
        masks = _write_masks(part, segmentation)
        write_label_map(part / LABEL_FILES[labels], segmentation.label_map)
        write_picture(part / "overlay.png", draw_result(segmentation, caption))
        summary = segmentation.to_dict()
        for index, query in enumerate(summary["queries"]):
            query["mask_file"] = masks.get(index)
        summary |= {
            "image": str(image.path),
            "reading": {
                "dtype": image.original_dtype,
                "mode": image.original_mode,
                "shape": list(image.original_shape),
                "notes": list(image.notes),
            },
            "files": [LABEL_FILES[labels], "overlay.png", *masks.values()],
            "request": dict(request),
        }
        write_json(part / SUMMARY, summary)
    return summary


def draw_result(segmentation: Segmentation, caption: str = "") -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw the overlay of a result at the size it was worked on."""
    image = segmentation.image
    nothing = np.broadcast_to(np.False_, image.shape[:2])  # takes no memory, however many queries are absent
    legend = [
        LegendEntry(result.text, colour, result.score, result.verdict, result.dropped_at_step)
        for result, colour in zip(segmentation.queries, query_colours(len(segmentation.queries)), strict=True)
    ]
    masks = [segmentation.working_masks.get(index, nothing) for index in range(len(legend))]
    return draw_overlay(image, masks, legend, caption=caption)


def _write_masks(folder: Path, segmentation: Segmentation) -> dict[int, str]:
    """Write one mask per query that has one; return the files' names by index of the query."""
    slugs = unique_slugs([result.text for result in segmentation.queries])
    names = {}
    for index, result in enumerate(segmentation.queries):
        if result.has_mask:
            names[index] = f"masks/{slugs[index]}.png"
            write_mask(folder / names[index], segmentation.mask(index))
    return names
