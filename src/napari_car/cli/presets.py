"""``napari-car presets``: named parameter sets."""

import click
from rich.console import Console
from rich.table import Table

from napari_car.presets import PRESETS, find_preset


@click.group(invoke_without_command=True)
@click.pass_context
def presets(context: click.Context) -> None:
    """List the named parameter sets."""
    if context.invoked_subcommand is not None:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("preset", "for", "η", "θ", "λ", "visual prompt", "f, g"):
        table.add_column(title, no_wrap=title == "preset", justify="right" if len(title) == 1 else "left")
    for preset in PRESETS.values():
        config = preset.config
        table.add_row(
            preset.name,
            preset.summary,
            f"{config.prompts.mask_threshold:g}",
            f"{config.recurrence.score_threshold:g}",
            f"{config.proposals.box_threshold:g}",
            ", ".join(config.prompts.kinds),
            f"{preset.f.split('/')[0]}, {preset.g.split('/')[0]}",
        )
    Console(highlight=False).print(table)
    click.echo("\nη: --mask-threshold, θ: --score-threshold, λ: --box-threshold")
    click.echo("all parameters of one, as a file for `segment --config`: napari-car presets show NAME")


@presets.command()
@click.argument("name", type=click.Choice(list(PRESETS)), metavar="NAME")
def show(name: str) -> None:
    """Print all parameters of the preset NAME as TOML."""
    preset = find_preset(name)
    click.echo(f"# {preset.name}: {preset.summary} Made with f = {preset.f} and g = {preset.g}.")
    click.echo(preset.config.to_toml(), nl=False)
