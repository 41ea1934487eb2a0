"""A data set of another program as a project, to go on with its labels."""

import shutil
from pathlib import Path

from napari_car.annotation.project import Project
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError
from napari_car.io.outputs import explained, part_file

from .format import Reader, ReadImage
from .read_document import make_document

IMAGES_FOLDER = "images"
"""Where a project that was made of a data set keeps copies of its images."""


def import_data_set(source: Path, fmt: Reader, folder: Path) -> tuple[Project, int]:
    """Make a project of a data set.

    Its labels count as a person's, so that no batch replaces them. A class of which an image holds several objects gets
    an instance for each. Images that are only named, without a file and without labels, are left out.

    Parameters
    ----------
    source : Path
        Folder of the data set, which is not changed.
    fmt : Reader
    folder : Path
        Of the project; must be empty, or not exist yet.

    Returns
    -------
    project : Project
    n_images : int

    Raises
    ------
    DocumentError
        If it is no data set of this format, holds no images, or one of its images is missing.
    OutputError
        If the project cannot be written; nothing stays of it then.
    """
    sheet = fmt.read_ontology(source)
    project = Project.create(folder, source, sheet)
    project = project.with_images_in(folder / IMAGES_FOLDER)
    try:
        n_images = _add_all(project, source, fmt, sheet)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return project, n_images


def _add_all(project: Project, source: Path, fmt: Reader, sheet: QuerySheet) -> int:
    """Add all images of a data set to a project; return how many there are."""
    n_images = 0
    for found in fmt.read(source, sheet):
        if found.image is None and not found.classes.any():
            continue  # it is only named, by a format that keeps images with their masks
        _add(project, found, sheet)
        n_images += 1
    if not n_images:
        raise DocumentError(f"{source} holds no images of {fmt.title}.")
    return n_images


def _add(project: Project, found: ReadImage, sheet: QuerySheet) -> None:
    """Add an image and its labels to a project."""
    if found.image is None:
        raise DocumentError(f"The image of {found.name} is not in the data set: put it there, since labels need it.")
    image = project.image(f"{found.name}{found.image.suffix}")
    with explained(image.path), found.image.open("rb") as stream, part_file(image.path.parent) as part:
        shutil.copyfileobj(stream, part.stream)
        part.commit(image.path)
    project.save(image, make_document(found, sheet, image.path.stem), None)
