"""Which files and folders are stacks."""

from pathlib import Path

from napari_car.io.find import is_zarr
from napari_car.io.ome_zarr import open_ome_zarr
from napari_car.io.stack import ImageStack
from napari_car.io.tiff_stack import open_tiff_stack


def open_stack(path: Path) -> ImageStack | None:
    """Open an OME-Zarr image, or a TIFF file of several planes or channels.

    Returns
    -------
    ImageStack or None
        None of all else: :func:`napari_car.io.read_image` reads it, or says why not.

    Raises
    ------
    ImageError
        If it is one, and cannot be understood.
    """
    return open_ome_zarr(path) if is_zarr(path) else open_tiff_stack(path)
