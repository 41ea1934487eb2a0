"""``napari-car batch``: a folder of images and an ontology in, a project out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_car.errors import OutputError
from napari_car.presets import PRESETS

from .checkpoints import checkpoint_options, choose_networks, network_options
from .options import EXIT_SOME_FAILED, SectionedCommand, debug_option, in_section
from .parameters import build_config, given_parameters, parameter_options
from .query_options import parameter_file_options

if TYPE_CHECKING:
    from .project_batch import Overwrite, ProjectOutcome

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_CLASSES = "Classes and parameters"
_PROJECT = "Project"
_WORKERS = "More processes and machines"


@click.command(cls=SectionedCommand)
@click.argument("folder", type=_FOLDER, required=False)
@in_section(
    _CLASSES,
    "--ontology",
    type=_FILE,
    metavar="FILE",
    help="Ontology, .toml or .json, whose classes are looked for. A new project needs one; it keeps a copy.",
)
@in_section(
    _CLASSES,
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="annotate",
    show_default=True,
    metavar="NAME",
    help="Parameters and networks to start from; `napari-car presets` lists them.",
)
@parameter_file_options(_CLASSES)
@checkpoint_options
@network_options
@in_section(
    _PROJECT,
    "--out",
    "project_folder",
    type=_FOLDER,
    required=True,
    metavar="PROJECT",
    help="Folder of the project: a new one, or one that is there, with which the batch goes on.",
)
@in_section(
    _PROJECT,
    "--overwrite",
    type=click.Choice(["nothing", "automatic", "all"]),
    default="nothing",
    show_default=True,
    help="Which labels that are there are made anew: none, those that nobody has corrected or checked, or all.",
)
@in_section(
    _WORKERS,
    "--workers",
    "n_workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Segment N images at a time, in as many processes on this machine. Each loads the networks.",
)
@in_section(
    _WORKERS,
    "--scheduler",
    metavar="ADDRESS",
    help="Let a dask.distributed cluster segment the images, whose scheduler has this address, such as tcp://HOST:8786.",
)
@debug_option
@click.pass_context
def batch(
    context: click.Context,
    /,
    folder: Path | None,
    ontology: Path | None,
    preset: str,
    toml: Path | None,
    assignments: tuple[str, ...],
    project_folder: Path,
    overwrite: "Overwrite",
    n_workers: int | None,
    scheduler: str | None,
    **networks: Any,
) -> None:
    """Segment all images of a folder into a project.

    FOLDER holds the images, also in folders below; it can be left out when PROJECT is there already.

    \b
    napari-car batch photos/ --ontology weeds.toml --out weeds/
    napari-car batch --out weeds/

    Each image gets a label document in PROJECT/labels, which napari opens with names and colours, and which keeps
    corrections. What has labels is skipped, so a batch that was stopped goes on when it is repeated, and nothing that a
    person has corrected is lost. An image that cannot be segmented does not stop the others; it is listed at the end,
    and the exit code is 3.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.annotation.label_image import with_distractors
    from napari_car.annotation.project_lock import ProjectLock

    from .cluster import choose_workers
    from .project_batch import ProjectBatch, open_project

    workers = choose_workers(scheduler, n_workers)
    given = {"sam.enabled": True} if networks["sam"] else {}  # whoever names a SAM wants it
    config = build_config(preset, toml, given | given_parameters(context), assignments, refer=False)
    models = networks.pop("models_folder")
    chosen = choose_networks(preset, folder=models, with_sam=config.sam.enabled, **networks)
    project, sheet = open_project(project_folder, folder, ontology)
    config = with_distractors(config, sheet)
    lock = ProjectLock(project.folder)
    holder = lock.take()
    if holder:
        raise OutputError(f"{holder} Close it there, or wait, then repeat the command.")
    try:
        for line in chosen.notices:
            click.echo(line)
        work = ProjectBatch(
            project=project,
            sheet=sheet,
            networks=chosen,
            config=config,
            preset=preset,
            overwrite=overwrite,
            workers=workers,
        )
        _report(work.run(), project_folder)
    finally:
        lock.release()


batch.params += parameter_options()


def _report(outcome: "ProjectOutcome", folder: Path) -> None:
    """Say what became of a batch; exit code 3 if an image failed."""
    counts = {
        "segmented": len(outcome.segmented),
        "skipped, since they have labels (--overwrite automatic makes them anew)": len(outcome.done),
        "skipped, since somebody has corrected them": len(outcome.corrected),
        "failed": len(outcome.failed),
    }
    parts = [f"{n} {what}" for what, n in counts.items() if n]
    n_images = sum(counts.values())
    click.echo(f"{n_images} image{'s' if n_images != 1 else ''}: {', '.join(parts)}. The project is {folder}.")
    for key, error in outcome.failed:
        click.echo(f"Failed: {key}: {error}", err=True)
    if outcome.failed:
        click.get_current_context().exit(EXIT_SOME_FAILED)
