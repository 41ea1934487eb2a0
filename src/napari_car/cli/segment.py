"""``napari-car segment``: image files in, label maps, masks, overlays and summaries out."""

from pathlib import Path
from typing import Any

import click

from napari_car.queries import collect_queries

from .batch import Batch, Job, Outcome
from .checkpoints import checkpoint_options, choose_networks, network_options
from .folders import name_folders
from .options import SectionedCommand, debug_option, in_section
from .parameters import build_config, given_parameters, parameter_options
from .query_options import query_options
from .texts import gather_queries

DEFAULT_OUT = Path("napari-car-output")

_OUTPUT = "Images and results"


@click.command(cls=SectionedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@query_options
@checkpoint_options
@network_options
@in_section(
    _OUTPUT,
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder of the results; each image gets a folder of its own in it.",
)
@in_section(_OUTPUT, "--overwrite", is_flag=True, help="Segment again what is done, and replace its result.")
@in_section(_OUTPUT, "--recursive", is_flag=True, help="Search the subfolders of folders, too.")
@in_section(
    _OUTPUT,
    "--labels",
    type=click.Choice(["tiff", "png"]),
    default="tiff",
    show_default=True,
    help="Format of the label maps.",
)
@debug_option
@click.pass_context
def segment(
    context: click.Context,
    /,
    images: tuple[str, ...],
    texts: tuple[str, ...],
    queries_file: Path | None,
    refer: bool,
    preset: str,
    toml: Path | None,
    assignments: tuple[str, ...],
    out: Path,
    overwrite: bool,
    recursive: bool,
    labels: str,
    **networks: Any,
) -> None:
    """Segment images by text queries.

    IMAGE is a file, a folder or a pattern such as "cells/*.tif".

    \b
    napari-car segment photo.jpg -q cat -q sofa
    napari-car segment cells/ -q nucleus -q debris --preset demo
    napari-car segment photo.jpg --refer -q "the man on the left"
    napari-car segment photo.jpg -q cat --sam --sam-model sam-hq/vit_b

    For each image OUT/<name of the image>/ holds the label map (labels.tif: 0 is background, 1 the first query),
    masks/<query>.png for each query that was found, overlay.png and summary.json with verdicts, scores and all that
    the result was computed with. What is done is not done again, so a run that was stopped goes on when it is
    repeated.

    The options under the last headings change single parameters of the preset; the defaults shown are those of the
    preset annotate.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.io.find import find_images

    if not texts and queries_file is None:
        raise click.UsageError("Say what to look for: --query TEXT or --queries-file FILE.")
    given = {"sam.enabled": True} if networks["sam"] else {}  # whoever names a SAM wants it
    config = build_config(preset, toml, given | given_parameters(context), assignments, refer=refer)
    folder = networks.pop("models_folder")
    chosen = choose_networks(preset, folder=folder, with_sam=config.sam.enabled, **networks)
    asked, distractors = gather_queries(texts, queries_file)
    config = config.changed({"proposals.background_words": (*config.proposals.background_words, *distractors)})
    queries, notes = collect_queries(asked)
    names = name_folders(find_images(images, recursive=recursive))
    jobs = tuple(Job(image, queries, out / name) for image, name in names.items())
    for line in (*chosen.notices, *notes):
        click.echo(line)
    batch = Batch(jobs=jobs, networks=chosen, config=config, out=out, labels=labels)
    report(batch.run(overwrite=overwrite), out)


segment.params += parameter_options()


def report(outcome: Outcome, out: Path) -> None:
    """Say what became of a batch; end with exit code 1 if an image failed.

    Raises
    ------
    CaRError
        The reason, if the only image failed.
    """
    n_images = len(outcome.segmented) + len(outcome.skipped) + len(outcome.failed)
    if outcome.failed and n_images == 1:
        raise outcome.failed[0][1]
    parts = [f"{len(outcome.segmented)} segmented"]
    if outcome.skipped:
        parts.append(f"{len(outcome.skipped)} skipped, since they are done (--overwrite does them again)")
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} failed")
    click.echo(f"{n_images} image{'s' if n_images > 1 else ''}: {', '.join(parts)}. Results are in {out}.")
    for _, error in outcome.failed:
        click.echo(f"Failed: {error}", err=True)
    if outcome.failed:
        click.get_current_context().exit(1)
