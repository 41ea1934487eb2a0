"""The formats that data sets can be written in, and read from."""

from collections.abc import Callable, Mapping

from .binary_png import BinaryPng
from .cellpose import Cellpose
from .coco import CocoInstances
from .format import Exporter, Reader
from .image_folder import ImageFolder
from .label_tiff import LabelTiff
from .labelme import Labelme
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

LABEL_READERS: Mapping[str, Reader] = {
    fmt.name: fmt for fmt in (*FORMATS.values(), Labelme()) if isinstance(fmt, Reader)
}
"""All formats with masks, by name."""

READERS: Mapping[str, Reader] = {name: fmt for name, fmt in LABEL_READERS.items() if name != OmeZarr.name}
"""All formats with masks that become projects, by name: those with images in files of their own."""
