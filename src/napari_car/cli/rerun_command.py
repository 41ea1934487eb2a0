"""``napari-car rerun``: what the program wrote into labels, made again from their record."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .checkpoints import network_options
from .options import SectionedCommand, debug_option, in_section

if TYPE_CHECKING:
    from .rerun import RerunOutcome

EXIT_NOTHING_REPEATED = 1
EXIT_NOT_EXACT = 3

_LABELS = "Labels and images"


@click.command(cls=SectionedCommand)
@click.argument("labels", type=click.Path(path_type=Path), nargs=-1, required=True)
@in_section(
    _LABELS,
    "--image",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The image of a document that is in no project. By default it is looked for beside the document.",
)
@in_section(
    _LABELS,
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write what was made again into this folder, as documents without a person's work.",
)
@in_section(
    _LABELS,
    "--use",
    "replacements",
    multiple=True,
    metavar="NAME=CHECKPOINT",
    help="Where the checkpoint that was called NAME is now: a name, or a file. Its content must be the same.",
)
@network_options
@debug_option
@click.pass_context
def rerun(
    context: click.Context,
    /,
    labels: tuple[Path, ...],
    image: Path | None,
    out: Path | None,
    replacements: tuple[str, ...],
    **networks: Any,
) -> None:
    """Repeat what the program did to labels, and compare.

    LABELS are projects or label documents (.car.json). Each holds the record of its runs: queries, parameters,
    checkpoints and what was seen of the image. They are repeated, and what they write now is compared with what the
    program wrote then. A person's work does not count, and nothing is changed.

    \b
    napari-car rerun weeds/
    napari-car rerun photo.car.json --image photo.jpg

    The exit code is 0 if every pixel is the same, 3 if some differ or some labels cannot be repeated, and 1 if nothing
    could be. Why not is said for each: no run, another image, a checkpoint that is not here.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from .rerun import rerun_all
    from .rerun_inputs import RecordedNetworks, find_sources

    pairs = [text.partition("=") for text in replacements]
    if not all(equals and name and place for name, equals, place in pairs):
        raise click.UsageError("--use takes NAME=CHECKPOINT, as in --use ViT-B-16/openai=ViT-B-16:weights.pt.")
    recorded = RecordedNetworks({name: place for name, _, place in pairs}, **networks)
    outcome = rerun_all(find_sources(labels, image), recorded, out)
    _report(outcome, out)
    if not outcome.n_exact and not outcome.n_differing:
        context.exit(EXIT_NOTHING_REPEATED)
    if outcome.n_differing or outcome.n_refused:
        context.exit(EXIT_NOT_EXACT)


def _report(outcome: "RerunOutcome", out: Path | None) -> None:
    """Say what became of all."""
    counts = {
        "exactly as before": outcome.n_exact,
        "not as before": outcome.n_differing,
        "not repeated": outcome.n_refused,
    }
    parts = [f"{n} {what}" for what, n in counts.items() if n]
    n_layers = sum(counts.values())
    where = f" What was made again is in {out}." if out is not None and outcome.n_written else ""
    click.echo(f"{n_layers} label layer{'s' if n_layers != 1 else ''}: {', '.join(parts)}.{where}")
    for note in outcome.notes:
        click.echo(f"Note: {note}")
