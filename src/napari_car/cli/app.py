"""The command ``napari-car``: its subcommands, and how errors end it."""

import logging
import sys
import traceback
from typing import Any

import click

from napari_car.errors import CaRError

from .batch_command import batch
from .demo import demo
from .evaluate_command import evaluate
from .export_command import export
from .import_command import import_
from .info import info
from .merge_evaluations import merge_evaluations
from .models import models
from .options import DEBUG_KEY, debug_option
from .presets import presets
from .report_command import report
from .rerun_command import rerun
from .segment import segment
from .video_command import video

EXIT_ERROR = 1
EXIT_STOPPED = 130
"""128 + SIGINT, as shells have it."""


class Application(click.Group):
    """A group that turns errors meant for the user into one line on stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; exit code 1 for an error of ours, 130 for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except CaRError as error:
            if ctx.meta.get(DEBUG_KEY):
                click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
            else:
                click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            ctx.exit(EXIT_ERROR)
        except KeyboardInterrupt:
            click.echo("Stopped. What is finished is kept; repeat the command to go on.", err=True)
            ctx.exit(EXIT_STOPPED)


@click.group(cls=Application, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="napari-car", prog_name="napari-car")
@debug_option
@click.pass_context
def app(context: click.Context) -> None:
    """Segment images by text: CLIP as RNN, training-free and open-vocabulary.

    Start with `napari-car demo`, which needs no download, or see `napari-car segment --help`.
    """
    if context.meta.get(DEBUG_KEY):
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")


for command in (
    segment,
    video,
    batch,
    report,
    rerun,
    export,
    import_,
    evaluate,
    merge_evaluations,
    demo,
    models,
    presets,
    info,
):
    app.add_command(command)


def main() -> None:
    """Run the command line; what a terminal cannot show is replaced, never fatal."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="napari-car")
