"""``napari-car export``: the labels of a project as a data set for training."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import SectionedCommand, debug_option, in_section

if TYPE_CHECKING:
    from napari_car.dataset.cutting import CutImages
    from napari_car.dataset.export import ExportReport
    from napari_car.dataset.project_images import ProjectImages

FORMAT_NAMES = ("coco", "yolo", "voc", "label-tiff", "binary-png", "cellpose", "ome-zarr", "imagefolder", "properties")
"""Formats that can be chosen; stated here, since their libraries take longer to load than the help takes to print."""

_FOLDER = click.Path(file_okay=False, path_type=Path)
_DATA = "Data set"
_IMAGES = "Images"
_PARTS = "Parts of images"
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
@in_section(_IMAGES, "--without-empty", is_flag=True, help="Leave out images and tiles in which nothing is labelled.")
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
@in_section(
    _PARTS,
    "--crop",
    "margin_px",
    type=click.IntRange(min=0),
    metavar="MARGIN",
    help="Cut each image to what is labelled, and so many px around it. Images without labels stay whole.",
)
@in_section(
    _PARTS,
    "--tile",
    "tile_px",
    type=click.IntRange(min=1),
    metavar="SIZE",
    help="Cut images into square tiles of so many px a side. Names of tiles end in their first row and column.",
)
@in_section(
    _PARTS,
    "--overlap",
    "overlap_px",
    type=click.IntRange(min=0),
    metavar="LENGTH",
    help="Let tiles overlap by so many px at least; 0 by default.",
)
@debug_option
def export(
    project: Path,
    format_name: str,
    out: Path,
    only_checked: bool,
    without_empty: bool,
    shares: tuple[float, float, float] | None,
    seed: int,
    margin_px: int | None,
    tile_px: int | None,
    overlap_px: int | None,
) -> None:
    """Write the labels of a project as a data set, read it back, and say what is lost.

    \b
    napari-car export weeds/ --format coco --out weeds-coco/
    napari-car export weeds/ --format yolo --out weeds-yolo/ --only-checked --split 0.8 0.1 0.1
    napari-car export slides/ --format coco --out slides-coco/ --tile 1024 --overlap 128 --without-empty

    Nothing in the project changes. Each plane of a stack is an image of its own, and so is each tile. Each pixel that
    the format cannot hold is counted, by class. An image whose labels cannot be used is named, and the exit code is 3.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    from napari_car.annotation.project import Project
    from napari_car.dataset.cutting import CutImages, Cutting
    from napari_car.dataset.export import export as write_data_set
    from napari_car.dataset.formats import FORMATS
    from napari_car.dataset.project_images import ProjectImages
    from napari_car.dataset.split import Fractions

    if overlap_px is not None and tile_px is None:
        raise click.UsageError("--overlap is of tiles: give their size by --tile.")
    cutting = Cutting(margin_px=margin_px, tile_px=tile_px, overlap_px=overlap_px or 0)
    opened = Project.open(project)
    fractions = None if shares is None else Fractions(train=shares[0], val=shares[1], test=shares[2])
    images = ProjectImages(
        opened, only_checked=only_checked, with_empty=not without_empty, fractions=fractions, seed=seed
    )
    if not images:
        raise click.ClickException(_why_none(images))
    parts = None if cutting == Cutting() else CutImages(images, cutting, with_empty=not without_empty)
    report = write_data_set(images if parts is None else parts, opened.ontology, FORMATS[format_name], out)
    _say_written(report, images, parts, FORMATS[format_name].title, out)
    _say_lost(report, {entry.id: entry.class_name for entry in opened.ontology.entries})
    for key, error in images.failed:
        click.echo(f"Failed: {key}: {error}", err=True)
    if images.failed:
        click.get_current_context().exit(3)


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


def _say_written(
    report: "ExportReport", images: "ProjectImages", parts: "CutImages | None", title: str, out: Path
) -> None:
    """Say what was written, and left out."""
    has_tiles, n_empty = (False, 0) if parts is None else (parts.has_tiles, parts.n_empty)
    written = f"{report.n_images} tiles of {len(images)} images" if has_tiles else f"{report.n_images} images"
    click.echo(f"{title}: {written} with {report.n_objects} objects are in {out}.")
    left_out = _left_out(images)
    if n_empty:
        left_out.append(f"{n_empty} tile{'s' if n_empty != 1 else ''} in which nothing is labelled")
    if left_out:
        click.echo(f"Left out: {', '.join(left_out)}.")


def _say_lost(report: "ExportReport", class_names: Mapping[int, str]) -> None:
    """Say what is not as it was when it is read back."""
    click.echo(report.describe_loss(class_names))
    names = {0: "background", **class_names}
    for loss in report.losses[:_MAX_NAMED]:
        click.echo(f"  {loss.image}: {names.get(loss.class_id, loss.class_id)} {loss.n_px:,} px")
    if len(report.losses) > _MAX_NAMED:
        click.echo(f"  and {len(report.losses) - _MAX_NAMED} more")
