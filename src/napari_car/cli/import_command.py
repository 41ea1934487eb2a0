"""``napari-car import``: a data set of another program becomes a project."""

from pathlib import Path

import click

from .options import SectionedCommand, debug_option, in_section

_FOLDER = click.Path(file_okay=False, path_type=Path)
READER_NAMES = ("coco", "yolo", "voc", "label-tiff", "binary-png", "cellpose", "imagefolder", "labelme")
"""Formats that can be chosen; stated here, since their libraries take longer to load than the help takes to print."""


@click.command("import", cls=SectionedCommand)
@click.argument("folder", type=_FOLDER)
@in_section(
    "Data set",
    "--format",
    "format_name",
    type=click.Choice(READER_NAMES),
    help="Its format. Without it, the files of the data set tell.",
)
@in_section(
    "Project", "--out", "project", type=_FOLDER, required=True, metavar="PROJECT", help="Folder of the new project."
)
@debug_option
def import_(folder: Path, format_name: str | None, project: Path) -> None:
    """Make a project of a data set, to go on with its labels.

    \b
    napari-car import coco/ --out weeds/

    The project gets copies of the images, the classes as its ontology, and a label document for each image. What was
    labelled counts as a person's: no batch replaces it.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    from napari_car.dataset.formats import READERS
    from napari_car.dataset.import_project import import_data_set
    from napari_car.dataset.recognition import find_data_set
    from napari_car.errors import DocumentError

    fmt, folder = find_data_set(folder, None if format_name is None else READERS[format_name])
    if fmt.name not in READERS:
        raise DocumentError(
            f"{folder} is of {fmt.title}, whose images are not files of their own: open one in napari, and import its "
            "labels there."
        )
    made, n_images = import_data_set(folder, fmt, project)
    n_classes = len(made.ontology.entries)
    click.echo(f"{fmt.title}: {n_images} images with labels of {n_classes} classes are in the project {project}.")
