"""Files of images in a data set."""

import shutil
from collections.abc import Container
from pathlib import Path

import tifffile
from PIL import Image

from napari_car.errors import ImageError, OutputError
from napari_car.io.decoded import ORIENTATION_TAG, check_pixel_count
from napari_car.io.images import MAX_PIXELS, read_image
from napari_car.io.outputs import explained, part_file, write_picture
from napari_car.io.pillow import pillow_limit
from napari_car.io.tiff import SIGNATURES

from .labelled_image import LabelledImage


def copy_image(image: LabelledImage, folder: Path) -> Path:
    """Copy the file of an image, byte by byte, into a folder, under the image's name and with its own ending.

    A photograph that is stored turned, with a note in its EXIF on how to turn it back, is written upright as PNG
    instead: many trainers do not read that note, and labels would not fit. Of a part, the pixels are written as they
    are stored: as TIFF if they come from one, else as PNG.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    OutputError
        If it has no ending, or cannot be copied.
    ImageError
        If it is stored turned or a part is written, and it cannot be read.
    """
    if image.part is not None:
        return image.part.write(folder, image.name)
    if not image.image.suffix:
        raise OutputError(
            f"{image.image} has no ending, such as .png, by which programs know what it is: rename it first."
        )
    if _is_turned(image.image):
        upright = folder / f"{image.name}.png"
        write_picture(upright, read_image(image.image).rgb)
        return upright
    path = folder / f"{image.name}{image.image.suffix}"
    try:
        source = image.image.open("rb")
    except OSError as error:
        raise OutputError(
            f"The image {image.image} cannot be copied: {error.strerror}; put it back, or leave it out of the data set."
        ) from error
    with source, explained(path), part_file(folder) as part:
        shutil.copyfileobj(source, part.stream)
        part.commit(path)
    return path


def has_ending(image: LabelledImage, endings: Container[str]) -> bool:
    """Tell whether the file that :func:`copy_image` writes ends in one of these, which must hold .png and .tif."""
    return image.part is not None or image.image.suffix.lower() in endings


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width of an image, upright, without reading its pixels.

    Raises
    ------
    ImageError
        If it cannot be read, or has too many pixels.
    """
    try:
        height, width, orientation = _stored_size(path)
        check_pixel_count(height, width, MAX_PIXELS)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    # Damaged files make the decoders raise almost anything.
    except Exception as error:
        raise ImageError(f"{path} cannot be read as an image: {error}.") from error
    return (width, height) if orientation in range(5, 9) else (height, width)


def _is_turned(path: Path) -> bool:
    """Tell whether an image is stored in another way than it is looked at; False of what is no image."""
    try:
        return _stored_size(path)[2] in range(2, 9)
    # Damaged files make the decoders raise almost anything; copies of them are as damaged.
    except Exception:  # noqa: BLE001
        return False


def _stored_size(path: Path) -> tuple[int, int, int]:
    """Return height and width as they are stored, and how they are turned."""
    with path.open("rb") as stream:
        signature = stream.read(4)
        stream.seek(0)
        if signature in SIGNATURES:
            with tifffile.TiffFile(stream) as tiff:
                page = tiff.pages[0].aspage()
                orientation = page.tags.valueof(ORIENTATION_TAG, default=1)
                return page.imagelength, page.imagewidth, orientation
        with pillow_limit(None), Image.open(stream) as picture:
            return picture.height, picture.width, picture.getexif().get(ORIENTATION_TAG, 1)
