"""Which format a data set has, told by its files."""

import mmap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from napari_car.errors import DocumentError

from .binary_png import BinaryPng
from .cellpose import Cellpose, is_foreign
from .class_table import CLASSES
from .coco import CocoInstances
from .format import Reader
from .formats import LABEL_READERS
from .image_folder import ImageFolder
from .label_tiff import LabelTiff
from .labelled_image import SPLITS
from .labelme import Labelme
from .ome_zarr import OmeZarr
from .voc import PascalVoc
from .yolo import YoloSegmentation

Signs = Mapping[str, Callable[[Path], bool]]

_N_FOLDERS_ABOVE = 3
"""How far above a file of a data set its folder can be: ``masks/leaf/field.png``."""


def find_data_set(path: Path, fmt: Reader | None = None) -> tuple[Reader, Path]:
    """Return the format of a data set, and what its reader takes.

    Parameters
    ----------
    path : Path
        The folder of a data set, or any file in it. Of a JSON file of COCO or labelme, only this file is meant.
    fmt : Reader, optional
        If it is known.

    Raises
    ------
    DocumentError
        If there is nothing of this name, or no data set of a known format.
    """
    if path.is_dir():
        found = fmt or _find_format(path, _FOLDER_SIGNS)
        if found is not None:
            return found, path
    elif not path.exists():
        raise DocumentError(f"There is no {path}: choose a file of the data set, or its folder.")
    elif (found := _find_format(path, _FILE_SIGNS)) is not None and found.name == (fmt or found).name:
        return found, path
    else:
        signs = _SIGNS_ABOVE if fmt is None else {fmt.name: (_FOLDER_SIGNS | _SIGNS_ABOVE)[fmt.name]}
        for place, folder in enumerate(path.parents):
            found = _find_format(folder, signs) if place < _N_FOLDERS_ABOVE or _is_one_zarr(folder) else None
            if found is not None:
                return found, folder
    raise DocumentError(
        f"{path} is no data set of {fmt.title}: choose its folder, or let the format be found."
        if fmt is not None
        else f"{path} is of no data set that is known here: choose the folder that holds its images and its labels."
    )


def _find_format(path: Path, signs: Signs) -> Reader | None:
    """Return the format whose sign is there; None without any."""
    with suppress(OSError):  # a folder that cannot be looked into; reading tells why
        return next((LABEL_READERS[name] for name, sign in signs.items() if sign(path)), None)
    return None


def _is_zarr(folder: Path) -> bool:
    """Tell whether it is an image in OME-Zarr, or holds some."""
    return _is_one_zarr(folder) or _has(folder, ("*.zarr", "*/*.zarr"))


def _is_one_zarr(folder: Path) -> bool:
    """Tell whether it is an image in OME-Zarr."""
    return folder.suffix == ".zarr"


def _is_yolo(folder: Path) -> bool:
    """Tell whether there is ``data.yaml``, or the only YAML file beside a folder of labels."""
    return (folder / "data.yaml").is_file() or (
        (folder / "labels").is_dir() and len([*folder.glob("*.yaml"), *folder.glob("*.yml")]) == 1
    )


def _is_voc(folder: Path) -> bool:
    """Tell whether there is the folder of index images."""
    return (folder / "SegmentationClass").is_dir()


def _is_image_folder(folder: Path) -> bool:
    """Tell whether classes have names, and images have masks in a table."""
    return (folder / "classes.json").is_file() and _has(folder, ("metadata.jsonl", "*/metadata.jsonl"))


def _is_label_tiff(folder: Path) -> bool:
    """Tell whether there are labels, and names of classes."""
    return (folder / "labels").is_dir() and (folder / CLASSES).is_file()


def _is_binary_png(folder: Path) -> bool:
    """Tell whether classes have folders of masks."""
    return _has(folder, ("masks/*/*.png",))


def _is_cellpose(folder: Path) -> bool:
    """Tell whether parts of the data set have folders of classes with masks in them, or masks lie beside images."""
    return _has(folder, [f"{split}/*/*_masks.*" for split in SPLITS]) or is_foreign(folder)


def _is_coco(folder: Path) -> bool:
    """Tell whether the first JSON file, where such files are, is one of COCO."""
    places = ("annotations/*.json", "*/_annotations.coco.json", "*.json")
    return any(_is_coco_file(path) for place in places for path in sorted(folder.glob(place))[:1])


def _is_labelme(folder: Path) -> bool:
    """Tell whether the first JSON file is one of labelme."""
    return any(_is_labelme_file(path) for path in sorted(folder.rglob("*.json"))[:1])


def _is_coco_file(path: Path) -> bool:
    """Tell whether a file has the lists of COCO."""
    return _holds(path, b'"categories"') and _holds(path, b'"annotations"')


def _is_labelme_file(path: Path) -> bool:
    """Tell whether a file has the list of labelme."""
    return _holds(path, b'"shapes"')


def _has(folder: Path, places: Iterable[str]) -> bool:
    """Tell whether something is in one of some places."""
    return any(True for place in places for _ in folder.glob(place))


def _holds(path: Path, text: bytes) -> bool:
    """Tell whether a JSON file holds a text; large ones are not loaded."""
    if path.suffix.lower() != ".json" or not path.stat().st_size:
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text) >= 0


_FOLDER_SIGNS: dict[str, Callable[[Path], bool]] = {
    OmeZarr.name: _is_zarr,
    YoloSegmentation.name: _is_yolo,
    PascalVoc.name: _is_voc,
    ImageFolder.name: _is_image_folder,
    LabelTiff.name: _is_label_tiff,
    Cellpose.name: _is_cellpose,
    BinaryPng.name: _is_binary_png,
    CocoInstances.name: _is_coco,
    Labelme.name: _is_labelme,
}
"""What tells a folder of each format, by its name; the first that fits counts."""

_SIGNS_ABOVE: dict[str, Callable[[Path], bool]] = {
    **{name: sign for name, sign in _FOLDER_SIGNS.items() if name != Labelme.name},
    OmeZarr.name: _is_one_zarr,
}
"""The same of a folder that a file was chosen in: nothing that may be there by chance, and no search through all."""

_FILE_SIGNS: Signs = {CocoInstances.name: _is_coco_file, Labelme.name: _is_labelme_file}
"""What tells a file that is a data set by itself."""
