"""Folders of results: a name for each image, and content that is whole or not there."""

import contextlib
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from napari_car.errors import OutputError

SUMMARY = "summary.json"
"""File in each folder of results; the folder's name appears only when it is whole."""

_LEVELS: tuple[Callable[[Path], str], ...] = (
    lambda path: path.stem,
    lambda path: f"{path.parent.name}_{path.stem}",
    lambda path: f"{path.parent.name}_{path.stem}_{path.suffix[1:]}",
)


def name_folders(images: Iterable[Path]) -> dict[Path, str]:
    """Choose a folder name for each image.

    It is the file's stem; for images that share one, the parent folder's name stands before it; if that is not enough
    the ending stands behind it, and in the end a number.

    Parameters
    ----------
    images
        Distinct paths.

    Returns
    -------
    dict of Path to str
        Names that differ even where case does not count.
    """
    absolute = {image: Path(os.path.abspath(image)) for image in images}  # noqa: PTH100  # links stay as they are
    names = dict.fromkeys(absolute, "")
    clashing = list(names)
    for level in _LEVELS:
        for image in clashing:
            names[image] = level(absolute[image]).rstrip(" .") or "image"
        uses = Counter(name.casefold() for name in names.values())
        clashing = [image for image in names if uses[names[image].casefold()] > 1]
    for number, image in enumerate(clashing, start=1):
        names[image] += f"_{number}"
    return names


def check_writable(folder: Path) -> None:
    """Refuse an output folder that cannot be written to, before any work is done for it; make it if it is missing.

    Raises
    ------
    OutputError
        If it cannot be made, or a file in it cannot be written.
    """
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.io.outputs import write_bytes

    probe = folder / ".napari-car"
    write_bytes(probe, b"")
    probe.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(folder: Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Give a new folder to write to, and rename it to its final name when all went well.

    Parameters
    ----------
    folder
        Final place. If there is one already, it is replaced; files in it that `is_ours` denies are kept.
    is_ours
        Tells whether a file of the replaced folder came from an earlier run.

    Yields
    ------
    Path
        Folder to write to; it is removed when anything, Ctrl-C included, stops the writing.
    """
    # A hash, so that a name that is not too long for the folder is not too long for its forerunner.
    digits = hashlib.sha256(os.fsencode(folder.name)).hexdigest()[:12]
    part, old = (folder.with_name(f".{digits}.{ending}") for ending in ("part", "old"))
    try:
        shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
        yield part
        if folder.exists():
            _keep_foreign(folder, part, is_ours)
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and not folder.exists():  # stopped between the two renamings
            old.rename(folder)


def _keep_foreign(folder: Path, part: Path, is_ours: Callable[[Path], bool]) -> None:
    """Copy files that somebody else put into a folder to its successor, unless that has one of the name."""
    for file in folder.rglob("*"):
        target = part / file.relative_to(folder)
        if file.is_file() and not is_ours(file) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
