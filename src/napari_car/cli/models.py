"""``napari-car models``: which checkpoints there are, which are on disk, and how to get one."""

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from napari_car.checkpoints.folder import FOLDER_VARIABLE, OnDisk, hub_checkpoints, inspect, models_folder
from napari_car.checkpoints.registry import Checkpoint, find_checkpoint, load_registry


def folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--models-folder`` to a command; :func:`models_folder` turns its value into the folder."""
    return click.option(
        "--models-folder",
        type=click.Path(file_okay=False, path_type=Path),
        help=f"Folder of the checkpoints.  [default: {FOLDER_VARIABLE}, else the user's data directory]",
    )(command)


@click.group(invoke_without_command=True)
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print all that is known about each checkpoint as JSON.")
@click.option("--architectures", is_flag=True, help="List the names that may stand in ARCHITECTURE:FILE instead.")
@click.pass_context
def models(context: click.Context, models_folder: Path | None, as_json: bool, architectures: bool) -> None:
    """List the checkpoints that can be named, and which are on disk."""
    if context.invoked_subcommand is not None:
        return
    if architectures:
        click.echo("\n".join(_vision_transformers()))
    else:
        folder = _folder(models_folder)
        known = [(checkpoint, inspect(checkpoint, folder)) for checkpoint in load_registry().values()]
        others = [(checkpoint, inspect(checkpoint, folder)) for checkpoint in hub_checkpoints(folder)]
        if as_json:
            click.echo(_as_json(known + others, folder))
        else:
            _print_tables(known)
            for checkpoint, on_disk in others:
                click.echo(f"{checkpoint.name} is on disk ({on_disk.state}, {_mb(on_disk)})")
            click.echo(
                "suits: f proposes masks, g classifies them, sam makes their outlines exact\n"
                f"models folder: {folder}\n"
                "download one: napari-car models download NAME"
            )


@models.command()
@click.argument("name")
@folder_option
@click.pass_context
def download(context: click.Context, name: str, models_folder: Path | None) -> None:
    """Download the checkpoint NAME and verify it.

    NAME is one of those that `napari-car models` lists, such as ViT-B-16/openai or sam-hq/vit_b, or
    hf-hub:owner/repository.
    A download that was interrupted goes on where it stopped.
    """
    checkpoint = find_checkpoint(name)
    parent_params = context.parent.params if context.parent else {}
    folder = _folder(models_folder or parent_params.get("models_folder"))
    if (on_disk := inspect(checkpoint, folder)).state == "complete":
        click.echo(f"{checkpoint.name} is on disk already: {on_disk.path}")
        return
    _download_with_bar(checkpoint, folder)
    on_disk = inspect(checkpoint, folder)
    click.echo(f"{checkpoint.name}, {_mb(on_disk)}, verified: {on_disk.path}")


def _folder(chosen: Path | None) -> Path:
    """Return the models folder; the commands' parameter hides the function of that name."""
    return models_folder(chosen)


def _download_with_bar(checkpoint: Checkpoint, folder: Path) -> None:
    """Drain a download into a progress bar on stderr."""
    # Imported here because the network client takes longer to load than the list takes to print.
    from napari_car.checkpoints.download import download as download_steps

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    text = TextColumn("{task.description}")
    with Progress(text, *columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bars = {
            "downloading": progress.add_task(f"Downloading {checkpoint.name}", total=None),
            "verifying": progress.add_task("Verifying", total=None, visible=False),
        }
        for step in download_steps(checkpoint, folder):
            progress.update(bars[step.stage], completed=step.n_bytes, total=step.total_bytes, visible=True)


def _vision_transformers() -> list[str]:
    """Return open_clip's names of the architectures that can serve as f or g."""
    # Imported here because it loads torch.
    from napari_car.clip.openclip import open_clip

    configs = {name: open_clip.get_model_config(name) for name in open_clip.list_models()}
    return [
        name
        for name, config in configs.items()
        if isinstance(config["vision_cfg"].get("layers"), int)  # others are ResNets or models of timm
        and not config["vision_cfg"].keys() & {"attentional_pool", "pool_type"}
        and "multimodal_cfg" not in config  # CoCa
        and not config["text_cfg"].keys() & {"hf_model_name", "hf_tokenizer_name"}
    ]


def _as_json(stored: list[tuple[Checkpoint, OnDisk]], folder: Path) -> str:
    """Return the registry and what is on disk as JSON."""
    entries = [asdict(checkpoint) | {"on_disk": asdict(on_disk)} for checkpoint, on_disk in stored]
    return json.dumps({"models_folder": folder, "checkpoints": entries}, indent=2, default=str)


def _print_tables(stored: list[tuple[Checkpoint, OnDisk]]) -> None:
    """Print one table for each publication, under its licence and source."""
    console = Console(highlight=False)
    families = itertools.groupby(stored, key=lambda entry: (entry[0].note, entry[0].licence, entry[0].source))
    for i, ((note, licence, source), members) in enumerate(families):
        console.print(f"[bold]{note}[/] ({licence})\n[dim]{source}[/]", soft_wrap=True)
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=i == 0, header_style="dim")
        # Fixed widths line the tables up; together they fill 80 columns.
        table.add_column("name", width=31)
        table.add_column("architecture", width=22)
        table.add_column("size", width=7, justify="right")
        table.add_column("suits", width=5)
        table.add_column("on disk", width=7)
        for checkpoint, on_disk in members:
            is_complete = on_disk.state == "complete"
            table.add_row(
                checkpoint.name,
                checkpoint.architecture or "its own",
                _mb(on_disk) if is_complete else f"{checkpoint.size_mb} MB",
                " ".join(checkpoint.suits) or "–",
                {"absent": "–", "complete": "yes"}.get(on_disk.state, on_disk.state),
                style="green" if is_complete else None,
            )
        console.print(table, "")


def _mb(on_disk: OnDisk) -> str:
    """Return the size of a file in MB."""
    return f"{on_disk.size_bytes / 1e6:.0f} MB"
