"""Image files in, result files and pictures out."""

from napari_car.io.find import find_images
from napari_car.io.images import LoadedImage, read_image
from napari_car.io.pixels import to_rgb8

__all__ = ["LoadedImage", "find_images", "read_image", "to_rgb8"]
