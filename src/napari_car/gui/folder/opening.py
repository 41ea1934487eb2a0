"""Which project a folder is, and which classes it has."""

from pathlib import Path

from napari_car.annotation.project import PROJECT_FILE, Project
from napari_car.annotation.sheet import QuerySheet


def default_project_folder(images_folder: Path) -> Path:
    """Return where the labels of a folder of images are kept: beside it."""
    return images_folder.with_name(f"{images_folder.name} labels")


def open_project(folder: Path, project_folder: Path | None, sheet: QuerySheet) -> Project:
    """Return the project that a folder is, or that of a folder of images, which is made if there is none.

    Parameters
    ----------
    folder : Path
        That of a project, or of images.
    project_folder : Path or None
        Where the labels of a folder of images are kept; None: beside it.
    sheet : QuerySheet
        Classes of a new project.

    Raises
    ------
    DocumentError, ImageError, OutputError
        If it can be neither opened nor made.
    """
    if (folder / PROJECT_FILE).exists():
        return Project.open(folder)
    own = project_folder or default_project_folder(folder)
    return Project.open(own) if (own / PROJECT_FILE).exists() else Project.create(own, folder, sheet)


def adopt_ontology(project: Project, shown: QuerySheet) -> QuerySheet:
    """Return the classes of a project; one without any takes those that are shown.

    Raises
    ------
    DocumentError, OutputError
        If they cannot be read or written.
    """
    ontology = project.ontology
    if not ontology.entries and shown.entries:
        project.write_ontology(shown)
        return shown
    return ontology
