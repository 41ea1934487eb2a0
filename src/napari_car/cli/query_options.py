"""Options that say what is looked for, and with which parameters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from napari_car.presets import PRESETS

from .options import in_section

_SECTION = "Queries and parameters"
_FILE = click.Path(dir_okay=False, path_type=Path)


def query_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--query``, ``--queries-file``, ``--refer``, ``--preset``, ``--config`` and ``--set``."""
    command = parameter_file_options(_SECTION)(command)
    for option in (
        in_section(
            _SECTION,
            "--preset",
            type=click.Choice(list(PRESETS)),
            default="annotate",
            show_default=True,
            metavar="NAME",
            help="Parameters and networks to start from; `napari-car presets` lists them.",
        ),
        in_section(
            _SECTION,
            "--refer",
            is_flag=True,
            help='Queries are referring expressions, such as "the man on the left": each is segmented by itself, '
            "and masks may overlap.",
        ),
        in_section(
            _SECTION,
            "--queries-file",
            type=_FILE,
            metavar="FILE",
            help="Text file of one query per line, written as in --query; lines that start with # are comments.",
        ),
        in_section(
            _SECTION,
            "--query",
            "-q",
            "texts",
            multiple=True,
            metavar="TEXT",
            help="What to look for; repeat it for more. Synonyms stand behind a bar: "
            '-q "leaf | foliage". What is not looked for but could be confused with it: -q "not: stem". For presets '
            'that segment things and stuff apart, stuff is marked: -q "stuff: sky".',
        ),
    ):
        command = option(command)
    return command


def parameter_file_options(section: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--config`` and ``--set`` in a section of the help."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            in_section(
                section,
                "--set",
                "assignments",
                multiple=True,
                metavar="KEY=VALUE",
                help="Set any parameter by its name in the file, such as recurrence.score_threshold=0.4. May be "
                "repeated.",
            ),
            in_section(
                section,
                "--config",
                "toml",
                type=_FILE,
                metavar="TOML",
                help="File of parameters that differ from the preset; `napari-car presets show NAME` writes one.",
            ),
        ):
            command = option(command)
        return command

    return add
