"""Find image files from files, folders and glob patterns; the folder of an OME-Zarr image is one, too."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_car.errors import ImageError

IMAGE_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("avif", "bmp", "dib", "gif", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "lsm", "pbm", "pcx", "pgm"),
        *("png", "pnm", "ppm", "tga", "tif", "tiff", "webp"),
    )
)
"""Lower-case endings of the files taken from folders and globs; a file named outright may end in anything."""

ZARR_SUFFIX = ".zarr"
"""Lower-case ending of the folder of an OME-Zarr image, which is often called ``NAME.ome.zarr``."""


def is_zarr(path: Path) -> bool:
    """Tell whether a path is a folder that is to be read as one image, whether it can be or not."""
    return path.suffix.lower() == ZARR_SUFFIX and path.is_dir()


def find_images(patterns: Iterable[str | os.PathLike[str]], *, recursive: bool = False) -> list[Path]:
    """List the image files that files, folders and globs name.

    A file named outright is taken whatever its ending. From folders, and from globs such as ``cells/*`` or
    ``cells/**/*.tif``, only files with an ending in :data:`IMAGE_SUFFIXES`, folders that end in ``.zarr``, and nothing
    with a leading dot are taken. Folders that end in ``.zarr`` are images, and not looked into. A path that exists is
    never read as a glob, so ``image[1].png`` works; ``~`` is the home folder.

    Parameters
    ----------
    patterns
        Files, folders and globs.
    recursive
        Whether the subfolders of folders are searched, too.

    Returns
    -------
    list of Path
        Sorted, each file once, even when it is named in several ways.

    Raises
    ------
    ImageError
        If one of the patterns leads to no image, or a folder cannot be listed.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        for path in _expand(Path(pattern).expanduser(), recursive=recursive):
            found.setdefault(path.resolve(), path)
    return sorted(found.values())


def _expand(pattern: Path, *, recursive: bool) -> list[Path]:
    """List the images that one pattern names, at least one."""
    try:
        if is_zarr(pattern):
            return [pattern]
        if pattern.is_dir():
            images = _images_among(_files_below(pattern, recursive=recursive))
            missing = f"The folder {pattern} holds no image file."
        elif pattern.exists():
            return [pattern]
        elif glob.has_magic(str(pattern)):
            # Path.glob takes no absolute pattern.
            images = _images_among(map(Path, glob.glob(str(pattern), recursive=True)))  # noqa: PTH207
            missing = f"No image file matches {pattern}."
        else:
            images = []
            missing = f"There is no file or folder {pattern}."
    except OSError as error:
        raise ImageError(f"{pattern} cannot be searched for images: {error.strerror or error}.") from error
    if not images:
        raise ImageError(missing)
    return images


def _files_below(folder: Path, *, recursive: bool) -> Iterator[Path]:
    """Yield the files of a folder, and folders that are images; unlike rglob, fail where a folder cannot be listed."""
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if is_zarr(entry):
            yield entry
        elif entry.is_dir():
            # A link to a folder may lead back up.
            if recursive and not entry.is_symlink():
                yield from _files_below(entry, recursive=True)
        else:
            yield entry


def _images_among(paths: Iterable[Path]) -> list[Path]:
    """Keep what has an image's ending and no leading dot."""
    return [path for path in paths if not path.name.startswith(".") and _is_image(path)]


def _is_image(path: Path) -> bool:
    """Tell whether a path is an image by its ending."""
    return is_zarr(path) or (path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
