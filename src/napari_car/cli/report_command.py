"""``napari-car report``: what has become of a project, as a page to look at and to pass on."""

from datetime import datetime
from pathlib import Path

import click

from .options import EXIT_SOME_FAILED, SectionedCommand, debug_option, in_section

REPORT_FILE = "report.html"

_PAGE = "Page"


@click.command(cls=SectionedCommand)
@click.argument("project", type=click.Path(file_okay=False, path_type=Path))
@in_section(
    _PAGE,
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"File of the page; {REPORT_FILE} in the project by default. One that exists is replaced.",
)
@in_section(
    _PAGE,
    "--worst",
    "n_worst",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    metavar="N",
    help="How many of the images that need a look most are shown.",
)
@debug_option
def report(project: Path, out: Path | None, n_worst: int) -> None:
    """Write a page on a project: classes, verdicts, corrections, time, and the images that need a look most.

    \b
    napari-car report weeds/
    napari-car report weeds/ --out weeds-report.html --worst 30

    The page is one HTML file that holds its pictures and loads nothing. Nothing else in the project changes. An image
    whose labels cannot be read is named, in the page, too, and the exit code is 3.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.annotation.project import Project
    from napari_car.annotation.project_summary import summarise_project
    from napari_car.io.outputs import write_bytes

    from .report_page import render_report
    from .report_pictures import draw_pictures

    opened = Project.open(project)
    summary = summarise_project(opened)
    if not summary.images and not summary.unreadable:
        raise click.ClickException(
            f"There is nothing to report: no image of {project} has labels yet. napari-car batch makes them."
        )
    pictures = {image.key: draw_pictures(opened, image) for image in summary.worst(n_worst)}
    page = render_report(summary, pictures, name=project.resolve().name, now=datetime.now().astimezone())
    path = project / REPORT_FILE if out is None else out
    # File names of a foreign encoding hold lone surrogates, which UTF-8 has not.
    write_bytes(path, page.encode("utf-8", "backslashreplace"))
    click.echo(f"The report on {_counted(len(summary.images), 'image')} with labels is {path}.")
    for failed in summary.unreadable:
        click.echo(f"Failed: {failed.key}: {failed.sentence}", err=True)
    if summary.unreadable:
        click.get_current_context().exit(EXIT_SOME_FAILED)


def _counted(n: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{n} {noun}{'s' if n != 1 else ''}"
