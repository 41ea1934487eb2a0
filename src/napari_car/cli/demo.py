"""``napari-car demo``: the sample scenes of the package, segmented with the checkpoint of the package."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from napari_car.presets import find_preset
from napari_car.scenes import load_scenes

from .batch import Batch, Job
from .checkpoints import DEMO, DEMO_NOTICE, choose_networks
from .folders import SUMMARY
from .options import debug_option
from .record import read_summary
from .segment import report

DEFAULT_OUT = Path("demo-output")


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder of the results.",
)
@click.option("--overwrite", is_flag=True, help="Segment again what is done.")
@debug_option
def demo(out: Path, overwrite: bool) -> None:
    """Segment the sample scenes of the package by text, without any download."""
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.io.outputs import write_json

    click.echo(DEMO_NOTICE)
    preset = find_preset(DEMO)
    networks = choose_networks(preset.name)
    jobs = tuple(Job(scene.image, scene.queries, out / scene.name) for scene in load_scenes())
    outcome = Batch(jobs=jobs, networks=networks, config=preset.config, out=out).run(overwrite=overwrite)
    summaries = {job.folder.name: summary for job in jobs if (summary := read_summary(job.folder))}
    write_json(out / SUMMARY, {"checkpoint": DEMO_NOTICE, "scenes": summaries})
    _print_verdicts(summaries)
    click.echo("Masks, overlays and summaries, one folder per scene:")
    for name in summaries:
        click.echo(f"  {out / name / 'overlay.png'}")
    click.echo(f"  {out / SUMMARY} (all scenes)")
    report(outcome, out)


def _print_verdicts(summaries: dict[str, dict[str, Any]]) -> None:
    """Print a table of all queries."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("scene")
    table.add_column("query")
    table.add_column("verdict")
    table.add_column("score", justify="right")
    table.add_column("share of the image", justify="right")
    colours = {"present": "green", "uncertain": "yellow", "absent": "dim"}
    for scene, summary in summaries.items():
        height, width = summary["size_px"]
        for index, query in enumerate(summary["queries"]):
            table.add_row(
                "" if index else scene,
                query["text"],
                f"[{colours[query['verdict']]}]{query['verdict']}[/]",
                f"{query['score']:.2f}",
                f"{query['area_px'] / (height * width):.1%}" if query["has_mask"] else "–",
            )
    Console(highlight=False).print(table)
