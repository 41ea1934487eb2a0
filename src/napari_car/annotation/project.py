"""Projects: a folder of images, an ontology, and a label document for each image, in plain files.

A project is a folder of its own, beside the images or elsewhere; images are read and never changed::

    weeds/
        project.toml                       where the images are
        ontology.toml
        labels/
            row 1/0007.jpg.car.json        labels of the image "row 1/0007.jpg", and its TIFF files
"""

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Self

import tomli_w

from napari_car.errors import DocumentError, ImageError, OutputError
from napari_car.io.find import find_images
from napari_car.io.outputs import explained, write_bytes

from .document import SUFFIX, Document, read_document, write_document
from .ontology_file import read_ontology, write_ontology
from .sheet import QuerySheet

FORMAT, VERSION = "napari-car-project", 1
PROJECT_FILE, ONTOLOGY_FILE, LABELS_FOLDER = "project.toml", "ontology.toml", "labels"
_BESIDE = ".unsaved-"


@dataclass(frozen=True, slots=True)
class ProjectImage:
    """An image of a project.

    Parameters
    ----------
    key : str
        Its path from the folder of images on, with ``/`` between folders: its name in the project.
    path : Path
        Its file.
    document : Path
        Where its labels are, or will be.
    """

    key: str
    path: Path
    document: Path


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a label document was when it was read or written, so that a change by somebody else is noticed.

    Parameters
    ----------
    sha256 : str
        Of its JSON file, which names the others by their hashes; empty: there is none.
    """

    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project that is open.

    Parameters
    ----------
    folder : Path
    images_folder : Path
    """

    folder: Path
    images_folder: Path

    @classmethod
    def create(cls, folder: Path, images_folder: Path, ontology: QuerySheet | None = None) -> Self:
        """Make a project in a folder that is empty or does not exist yet.

        Parameters
        ----------
        folder : Path
        images_folder : Path
            It is written down from the project's folder on where that leads there without going up to the root, so that
            both can be moved together.
        ontology : QuerySheet, optional
            Empty by default.

        Raises
        ------
        OutputError
            If something is there already, or it cannot be written.
        ImageError
            If there is no such folder of images.
        """
        if not images_folder.is_dir():
            raise ImageError(f"There is no folder {images_folder}.")
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise OutputError(f"{folder} is not empty: choose a new folder for the project.")
        write_ontology(folder / ONTOLOGY_FILE, ontology or QuerySheet())
        _write_record(folder, images_folder)
        return cls(folder, images_folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a project.

        Raises
        ------
        DocumentError
            If it is none, of a newer napari-car, or its images are not where it says.
        """
        path = folder / PROJECT_FILE
        try:
            record = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError as error:
            raise DocumentError(f"{folder} is no project: it has no {PROJECT_FILE}.") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DocumentError(f"{path} cannot be read: {reason}.") from error
        images_folder = folder / _check(path, record)
        if not images_folder.is_dir():
            raise DocumentError(
                f"The images of {folder} are not in {images_folder} any more: put them back, or write into {path} "
                "where they are."
            )
        return cls(folder, images_folder)

    def with_images_in(self, images_folder: Path) -> "Project":
        """Write down another folder of images, which is made if it is not there; OutputError if that fails."""
        with explained(images_folder):
            images_folder.mkdir(parents=True, exist_ok=True)
        _write_record(self.folder, images_folder)
        return Project(self.folder, images_folder)

    @property
    def ontology(self) -> QuerySheet:
        """Its classes, as the file has them now; DocumentError if it cannot be read."""
        return read_ontology(self.folder / ONTOLOGY_FILE)

    def write_ontology(self, sheet: QuerySheet) -> None:
        """Replace its classes, in one step; OutputError if they cannot be written."""
        write_ontology(self.folder / ONTOLOGY_FILE, sheet)

    def images(self) -> tuple[ProjectImage, ...]:
        """Return its images, those in folders below, too, as people count: 2 before 10.

        Raises
        ------
        ImageError
            If there are none, or a folder cannot be listed.
        """
        paths = find_images([self.images_folder], recursive=True)
        labels = (self.folder / LABELS_FOLDER).resolve()
        inside = [path for path in paths if labels not in path.resolve().parents]
        found = [self.image(path.relative_to(self.images_folder).as_posix()) for path in inside]
        return tuple(sorted(found, key=lambda image: _natural(image.key)))

    def image(self, key: str) -> ProjectImage:
        """Return the image of a name, whether it is there or not; DocumentError if the name leads out of the folder."""
        relative = PurePosixPath(key)
        if relative.is_absolute() or ".." in relative.parts or not relative.parts:
            raise DocumentError(f"{key} is no image of the project {self.folder}.")
        document = self.folder / LABELS_FOLDER / f"{relative}{SUFFIX}"
        return ProjectImage(relative.as_posix(), self.images_folder / relative, document)

    def path_beside(self, image: ProjectImage, now: datetime) -> Path:
        """Return where labels of an image are kept that cannot be saved, since somebody else has saved others."""
        stem = image.document.name.removesuffix(SUFFIX)
        return image.document.with_name(f"{stem}{_BESIDE}{now:%Y%m%d-%H%M%S}{SUFFIX}")

    def load(self, image: ProjectImage) -> tuple[Document | None, Stamp]:
        """Read the labels of an image; None if there are none yet.

        Raises
        ------
        DocumentError, ResourceError
            If they cannot be read.
        """
        stamp = _stamp(image.document)
        return (read_document(image.document) if stamp.sha256 else None), stamp

    def save(self, image: ProjectImage, document: Document, seen: Stamp | None) -> Stamp:
        """Write the labels of an image, in one step: whatever interrupts it, they are the old ones or the new ones.

        Parameters
        ----------
        image : ProjectImage
        document : Document
        seen : Stamp or None
            Of the labels that the new ones come from; None: replace whatever is there.

        Raises
        ------
        OutputError
            If somebody else has saved others meanwhile, or they cannot be written; the old ones stay.
        """
        if seen is not None and _stamp(image.document) != seen:
            raise OutputError(
                f"The labels of {image.key} were changed by another window or program since they were opened here, and "
                "are left as they are: open the image again, or save yours under another name."
            )
        with explained(image.document.parent):
            image.document.parent.mkdir(parents=True, exist_ok=True)
        write_document(image.document, document)
        return _stamp(image.document)


def image_of_kept(key: str) -> str:
    """Return the image whose labels :meth:`Project.path_beside` keeps under a name; empty: they are no such labels."""
    found = re.fullmatch(rf"(.+){re.escape(_BESIDE)}\d{{8}}-\d{{6}}", key)
    return found[1] if found else ""


def _write_record(folder: Path, images_folder: Path) -> None:
    """Write down where the images are."""
    record = {"format": FORMAT, "version": VERSION, "images": _path_from(folder, images_folder)}
    write_bytes(folder / PROJECT_FILE, tomli_w.dumps(record).encode())


def _check(path: Path, record: dict[str, Any]) -> str:
    """Return where the images are, of a record that is checked."""
    if record.get("format") != FORMAT:
        raise DocumentError(f"{path} is not that of a project of napari-car.")
    version = record.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise DocumentError(f"{path} was written by a newer napari-car: update napari-car to open the project.")
    images = record.get("images")
    if not isinstance(images, str) or not images:
        raise DocumentError(f'{path} does not say where the "images" are.')
    return images


def _stamp(path: Path) -> Stamp:
    """Return the stamp of a document as it is on disk."""
    try:
        return Stamp(hashlib.sha256(path.read_bytes()).hexdigest())
    except FileNotFoundError:
        return Stamp()
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror or error}.") from error


def _path_from(folder: Path, other: Path) -> str:
    """Return the way from one folder to another, absolute where they share nothing but the root."""
    start, stop = folder.resolve(), other.resolve()
    try:
        shared = Path(os.path.commonpath([start, stop]))
    except ValueError:  # other drives
        return str(stop)
    if shared == Path(shared.anchor):
        return str(stop)
    return Path(os.path.relpath(stop, start)).as_posix()


def _natural(key: str) -> tuple[list[tuple[bool, int | str]], str]:
    """Return what names are sorted by: numbers in them by their size, and before what is no number."""
    pieces = re.findall(r"\d+|\D+", key.casefold())
    return [(False, int(piece)) if piece.isdecimal() else (True, piece) for piece in pieces], key
