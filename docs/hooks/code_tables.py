"""Tables made from the command line, the configuration, presets, the registry of checkpoints, and the dock's keys."""

import dataclasses
import itertools
import sys
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
from markdown_table import code, table

from napari_car.checkpoints.registry import Kind, load_registry
from napari_car.cli.app import app
from napari_car.cli.parameters import WITHOUT_OPTION, ParameterOption, option_name
from napari_car.config import CaRConfig
from napari_car.gui.shortcuts import CORRECTION_SHORTCUTS, SHORTCUTS, Shortcut
from napari_car.presets import PRESETS
from napari_car.schema import Checked, field_docs, field_keys


def commands() -> str:
    """Return a table of all commands and what they do."""
    rows = [(code(f"napari-car {name}"), first_sentence(command)) for name, command in _walk(app)]
    return table(("command", "what it does"), rows)


def options(*path: str) -> str:
    """Return tables of a command's own options, one per section of its help; parameters are left out."""
    command: click.Command = app
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    shown = [
        parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and not isinstance(parameter, ParameterOption)
    ]
    texts = []
    for title, members in itertools.groupby(shown, key=lambda option: getattr(option, "section", "")):
        heading = f"**{title}**\n\n" if title else ""
        texts.append(heading + table(("option", "meaning"), [(_names(option), _help(option)) for option in members]))
    return "\n".join(texts)


def parameters() -> str:
    """Return one table per stage of the configuration: option, name in files, default, range, meaning."""
    texts = []
    for stage, keys in itertools.groupby(field_keys(CaRConfig()), key=lambda key: key.rpartition(".")[0]):
        config: Checked = getattr(CaRConfig(), stage) if stage else CaRConfig()
        title = stage or "general"
        subject = " ".join((type(config).__doc__ or "").split("\n")[0].replace("``", "`").split())
        rows = [_parameter_row(key, config) for key in keys]
        heading = f"### {title}\n\n" + (f"{subject}\n\n" if stage else "")
        texts.append(heading + table(("name in files", "option", "default", "values", "meaning"), rows))
    return "\n".join(texts)


def presets() -> str:
    """Return a table of the presets."""
    rows = []
    for preset in PRESETS.values():
        config = preset.config
        thresholds = (
            f"{value:g}"
            for value in (
                config.prompts.mask_threshold,
                config.recurrence.score_threshold,
                config.proposals.box_threshold,
            )
        )
        networks = [code(name) for name in (preset.f, preset.g)]
        rows.append((code(preset.name), preset.summary, *thresholds, ", ".join(config.prompts.kinds), *networks))
    return table(("preset", "for", "η", "θ", "λ", "visual prompt", "f", "g"), rows, "llrrr")


def checkpoints(kind: Kind) -> str:
    """Return a table of the checkpoints of a kind that can be named."""
    rows = [
        (code(checkpoint.name), f"{checkpoint.size_mb} MB", " ".join(checkpoint.suits), checkpoint.licence)
        for checkpoint in load_registry(kind).values()
    ]
    return table(("name", "size", "suits", "licence of the weights"), rows, "lr")


def shortcuts() -> str:
    """Return a table of the keys of the dock widget."""
    return _key_table(SHORTCUTS)


def correction_shortcuts() -> str:
    """Return a table of the keys of a correction by pointing."""
    return _key_table(CORRECTION_SHORTCUTS)


def first_sentence(command: click.Command) -> str:
    """Return the first paragraph of a command's help in one line."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def _key_table(shortcuts: Iterable[Shortcut]) -> str:
    """Return a table of keys."""
    return table(("key", "what it does"), [(code(shortcut.keys), shortcut.text) for shortcut in shortcuts])


def _walk(group: click.Group, prefix: str = "") -> list[tuple[str, click.Command]]:
    """List the commands of a group and of the groups in it."""
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        found.append((prefix + name, command))
        if isinstance(command, click.Group):
            found += _walk(command, f"{prefix}{name} ")
    return found


def _names(option: click.Option) -> str:
    """Write the names of an option and what stands behind it."""
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(app))}"
    names = sorted(option.opts, key=len, reverse=True) + list(option.secondary_opts)
    return ", ".join(code(name + value) for name in names)


def _help(option: click.Option) -> str:
    """Write the help of an option, with its default where that is one."""
    text = (option.help or "").replace("  [default: ", " [default: ")
    is_shown = bool(option.show_default) and option.default is not None and not option.is_flag
    return f"{text} [default: {option.default}]" if is_shown else text


def _parameter_row(key: str, config: Checked) -> tuple[str, str, str, str, str]:
    """Describe one field of the configuration."""
    name = key.rpartition(".")[2]
    field = next(field for field in dataclasses.fields(config) if field.name == name)  # type: ignore[arg-type]
    annotation = get_type_hints(type(config))[name]
    option = "--refer" if key == "mode" else "" if key in WITHOUT_OPTION else f"--{option_name(key)}"
    meaning = field_docs(type(config))[name].replace("``", "`")  # type: ignore[arg-type]
    return code(key), code(option), _default(getattr(config, name)), _values(annotation, field.metadata), meaning


def _default(value: Any) -> str:
    """Write a default as it stands in a TOML file, unless it is long."""
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, tuple):
        quoted = ", ".join(f'"{item}"' for item in value)
        return code(f"[{quoted}]") if len(quoted) < 60 else f"{len(value)} texts"
    return code(f'"{value}"' if isinstance(value, str) else f"{value}")


def _values(annotation: Any, limits: Any) -> str:
    """Write which values a field takes."""
    if get_origin(annotation) is tuple:
        return f"list of: {_values(get_args(annotation)[0], limits)}"
    if get_origin(annotation) is Literal:
        return ", ".join(code(str(choice)) for choice in get_args(annotation))
    if limits:
        low, high = limits["low"], limits["high"]
        return f"at least {low:g}" if high >= sys.maxsize else f"{low:g} to {high:g}"
    return {bool: "`true`, `false`", str: "text"}[annotation]
