"""Options that stand in titled sections of a command's help."""

from collections.abc import Callable
from typing import Any

import click

EXIT_SOME_FAILED = 3
"""Some of many failed, and the others are finished."""

DEBUG_KEY = "napari_car.debug"
"""Where the context holds whether tracebacks are wanted."""

_LAST_SECTION = "Other"


class SectionedOption(click.Option):
    """An option with the title of the section of the help in which it stands."""

    def __init__(self, *args: Any, section: str = _LAST_SECTION, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help lists its options by section, in the order in which sections first occur."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one titled list per section, the section without a title of its own last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(getattr(parameter, "section", _LAST_SECTION), []).append(record)
        last = sections.pop(_LAST_SECTION, [])
        for title, records in [*sections.items(), (_LAST_SECTION, last)]:
            with formatter.section(title):
                formatter.write_dl(records)


def in_section(title: str, *declarations: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an option in a section of the help; arguments as for :func:`click.option`."""
    return click.option(*declarations, cls=SectionedOption, section=title, **attributes)


def _remember_debug(context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    """Keep the flag where the group finds it, whether it stands before or after the command's name."""
    if is_wanted:
        context.meta[DEBUG_KEY] = True


debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_remember_debug,
    help="Show the traceback of errors, and what is logged.",
)
