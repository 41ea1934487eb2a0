"""The formats that data sets can be written in."""

from collections.abc import Callable, Mapping

from .binary_png import BinaryPng
from .cellpose import Cellpose
from .coco import CocoInstances
from .format import Exporter
from .image_folder import ImageFolder
from .label_tiff import LabelTiff
from .ome_zarr import OmeZarr
from .properties import RegionProperties
from .voc import PascalVoc
from .yolo import YoloSegmentation

_MAKERS: tuple[Callable[[], Exporter], ...] = (
    CocoInstances,
    YoloSegmentation,
    PascalVoc,
    LabelTiff,
    BinaryPng,
    Cellpose,
    OmeZarr,
    ImageFolder,
    RegionProperties,
)

FORMATS: Mapping[str, Exporter] = {fmt.name: fmt for fmt in (maker() for maker in _MAKERS)}
"""All formats with their usual options, by name."""
