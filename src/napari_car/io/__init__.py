"""Image files in, result files and pictures out."""

from napari_car.io.colours import RGB, query_colours
from napari_car.io.composite import Channel, compose_channels
from napari_car.io.find import find_images
from napari_car.io.images import LoadedImage, read_image
from napari_car.io.legend import LegendEntry
from napari_car.io.outputs import write_bytes, write_json, write_label_map, write_mask, write_picture
from napari_car.io.overlay import draw_overlay
from napari_car.io.pixels import to_rgb8
from napari_car.io.slugs import slug, unique_slugs

__all__ = [
    "RGB",
    "Channel",
    "LegendEntry",
    "LoadedImage",
    "compose_channels",
    "draw_overlay",
    "find_images",
    "query_colours",
    "read_image",
    "slug",
    "to_rgb8",
    "unique_slugs",
    "write_bytes",
    "write_json",
    "write_label_map",
    "write_mask",
    "write_picture",
]
