"""``napari-car export``: the labels of a project as a data set for training."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import SectionedCommand, debug_option, in_section

if TYPE_CHECKING:
    from napari_car.annotation.sheet import QuerySheet
    from napari_car.dataset.export import ExportReport
    from napari_car.dataset.project_images import ProjectImages

FORMAT_NAMES = ("coco", "yolo", "voc", "label-tiff", "binary-png", "cellpose", "ome-zarr", "imagefolder", "properties")
"""Formats that can be chosen; stated here, since their libraries take longer to load than the help takes to print."""

_FOLDER = click.Path(file_okay=False, path_type=Path)
_DATA = "Data set"
_IMAGES = "Images"
_MAX_NAMED = 5


@click.command(cls=SectionedCommand)
@click.argument("project", type=_FOLDER)
@in_section(_DATA, "--format", "format_name", type=click.Choice(FORMAT_NAMES), required=True, help="Format.")
@in_section(
    _DATA, "--out", type=_FOLDER, required=True, metavar="FOLDER", help="Folder of the data set; new, or empty."
)
@in_section(
    _IMAGES,
    "--only-checked",
    is_flag=True,
    help="Take only images of which a person has marked all classes as checked.",
)
@in_section(_IMAGES, "--without-empty", is_flag=True, help="Leave out images in which nothing is labelled.")
@in_section(
    _IMAGES,
    "--split",
    "shares",
    type=(float, float, float),
    metavar="TRAIN VAL TEST",
    help="Divide the images by these shares, such as 0.8 0.1 0.1, so that each class is divided alike. Without it, all "
    "are for training.",
)
@in_section(_IMAGES, "--seed", type=int, default=0, show_default=True, help="Of the division.")
@debug_option
def export(
    project: Path,
    format_name: str,
    out: Path,
    only_checked: bool,
    without_empty: bool,
    shares: tuple[float, float, float] | None,
    seed: int,
) -> None:
    """Write the labels of a project as a data set, read it back, and say what is lost.

    \b
    napari-car export weeds/ --format coco --out weeds-coco/
    napari-car export weeds/ --format yolo --out weeds-yolo/ --only-checked --split 0.8 0.1 0.1

    Nothing in the project changes. Each pixel that the format cannot hold is counted, by class. An image whose labels
    cannot be used is named, and the exit code is 3.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    from napari_car.annotation.project import Project
    from napari_car.dataset.export import export as write_data_set
    from napari_car.dataset.formats import FORMATS
    from napari_car.dataset.project_images import ProjectImages
    from napari_car.dataset.split import Fractions

    opened = Project.open(project)
    fractions = None if shares is None else Fractions(train=shares[0], val=shares[1], test=shares[2])
    images = ProjectImages(
        opened, only_checked=only_checked, with_empty=not without_empty, fractions=fractions, seed=seed
    )
    if not images:
        raise click.ClickException(_why_none(images))
    report = write_data_set(images, opened.ontology, FORMATS[format_name], out)
    _say(report, images, opened.ontology, FORMATS[format_name].title, out)


def _why_none(images: "ProjectImages") -> str:
    """Say why there is nothing to export."""
    reasons = _left_out(images)
    return f"There is nothing to export: {', '.join(reasons)}." if reasons else "There is nothing to export."


def _left_out(images: "ProjectImages") -> list[str]:
    """Return how many images were left out, and why."""
    counts = {
        "without labels yet": len(images.unlabelled),
        "not checked": len(images.unchecked),
        "in which nothing is labelled": len(images.empty),
        "whose labels cannot be used": len(images.failed),
    }
    return [f"{n} image{'s' if n != 1 else ''} {what}" for what, n in counts.items() if n]


def _say(report: "ExportReport", images: "ProjectImages", ontology: "QuerySheet", title: str, out: Path) -> None:
    """Say what was written, left out and lost; exit code 3 if labels could not be used."""
    click.echo(f"{title}: {report.n_images} images with {report.n_objects} objects are in {out}.")
    left_out = _left_out(images)
    if left_out:
        click.echo(f"Left out: {', '.join(left_out)}.")
    if not report.is_compared:
        click.echo("It holds no masks, so nothing was read back.")
    elif report.is_lossless:
        click.echo("Read back: every pixel is as it was.")
    else:
        names = {entry.id: entry.class_name for entry in ontology.entries} | {0: "background"}
        lost = ", ".join(f"{names.get(id_, id_)} {n:,} px" for id_, n in report.lost_px().items())
        click.echo(f"Read back, these pixels differ: {lost}.")
        for loss in report.losses[:_MAX_NAMED]:
            click.echo(f"  {loss.image}: {names.get(loss.class_id, loss.class_id)} {loss.n_px:,} px")
        if len(report.losses) > _MAX_NAMED:
            click.echo(f"  and {len(report.losses) - _MAX_NAMED} more")
    for key, error in images.failed:
        click.echo(f"Failed: {key}: {error}", err=True)
    if images.failed:
        click.get_current_context().exit(3)
