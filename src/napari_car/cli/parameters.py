"""Options made from the fields of the configuration, and the configuration made from options."""

import dataclasses
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from napari_car.config import CaRConfig
from napari_car.errors import ConfigError
from napari_car.presets import find_preset
from napari_car.schema import UNBOUNDED, Checked, field_docs, field_keys

from .options import SectionedOption

OPTION_NAMES = {
    "proposals.method": "proposal-method",
    "proposals.background_lists": "background-list",
    "proposals.background_words": "background",
    "prompts.kinds": "visual-prompt",
    "classifier.templates": "classifier-template",
    "classifier.blocks": "classifier-blocks",
    "classifier.fit": "classifier-fit",
    "classifier.background": "classifier-background",
    "mutual_background.enabled": "mutual-background",
    "mutual_background.stuff_prompts": "stuff-prompt",
    "sam.enabled": "sam",
}
"""Options whose name is not the field's; those of lists are singular, since each one adds an entry."""

WITHOUT_OPTION = frozenset(
    [
        "mode",  # --refer
        "compute.max_features_cached",  # each image is segmented once
    ]
)
"""Fields that have no option of their own; ``--set`` reaches them."""

_GIVEN_KEY = "napari_car.given_parameters"


class ParameterOption(SectionedOption):
    """An option that sets one field of the configuration.

    Parameters
    ----------
    key : str
        Dotted name of the field, such as ``recurrence.score_threshold``.
    """

    def __init__(self, key: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return names and help without click's parentheses around a default given as text."""
        names, text = super().get_help_record(ctx) or ("", "")
        return names, text.replace(f"default: ({self.show_default})", f"default: {self.show_default}")


def parameter_options(*, of_videos: bool = False) -> list[click.Parameter]:
    """Make an option for each field of the configuration; :func:`given_parameters` returns what was given.

    Those of what a frame takes over from others are for commands that segment videos.
    """
    defaults = CaRConfig()
    options: list[click.Parameter] = []
    for key in field_keys(defaults):
        stage, _, name = key.rpartition(".")
        if key not in WITHOUT_OPTION and (of_videos or stage != "video"):
            options.append(_make_option(key, getattr(defaults, stage) if stage else defaults, name))
    return options


def given_parameters(context: click.Context) -> dict[str, Any]:
    """Return the fields that were set by options, by dotted name."""
    given: dict[str, Any] = context.meta.setdefault(_GIVEN_KEY, {})
    return given


def build_config(
    preset: str, toml: Path | None, given: dict[str, Any], assignments: Iterable[str], *, refer: bool
) -> CaRConfig:
    """Put the parameters of a run together.

    Parameters
    ----------
    preset : str
        Name of the preset that all else changes.
    toml : Path or None
        File of parameters that differ from the preset.
    given : dict
        Fields set by options; they win over the file.
    assignments : iterable of str
        ``key=value`` with a dotted key and a value in TOML's spelling; they win over options.
    refer : bool
        Whether queries are referring expressions.

    Raises
    ------
    ConfigError
        If a key does not exist, or a value is of another type or out of range.
    """
    config = find_preset(preset).config
    if toml is not None:
        config = CaRConfig.from_toml(toml, config)
    changes = given | ({"mode": "referring"} if refer else {})
    return config.changed(changes).changed(dict(map(_parse_assignment, assignments)))


def option_name(key: str) -> str:
    """Return the name of a field's option without its dashes, such as ``crf-iterations``."""
    if key in OPTION_NAMES:
        return OPTION_NAMES[key]
    stage, _, name = key.rpartition(".")
    prefix = f"{stage}-" if stage in ("crf", "sam") else ""
    return prefix + name.removeprefix("n_").replace("_", "-")


def _make_option(key: str, stage: Checked, name: str) -> ParameterOption:
    """Make the option of one field from its annotation, range and docstring."""
    annotation = get_type_hints(type(stage))[name]
    field = next(field for field in dataclasses.fields(stage) if field.name == name)  # type: ignore[arg-type]
    default = getattr(stage, name)
    is_list = get_origin(annotation) is tuple
    dashed = option_name(key)
    text = field_docs(type(stage))[name].replace("``", "")  # type: ignore[arg-type]  # classes are hashable
    return ParameterOption(
        key,
        [f"--{dashed}/--no-{dashed}" if annotation is bool else f"--{dashed}", key.replace(".", "__")],
        type=_option_type(get_args(annotation)[0] if is_list else annotation, field.metadata),
        default=None,
        multiple=is_list,
        metavar={int: "N", float: "NUMBER"}.get(annotation),
        expose_value=False,
        callback=_remember,
        help=f"{text} May be repeated." if is_list else text,
        show_default=_default_text(default),
        section=(type(stage).__doc__ or "").split("\n")[0].rstrip(".").replace("``", ""),
    )


def _option_type(annotation: Any, limits: Any) -> click.ParamType[Any] | type:
    """Return click's type of a field; the check of the configuration itself comes after it."""
    if get_origin(annotation) is Literal:
        return click.Choice(get_args(annotation))
    if annotation in (int, float) and limits:
        high = None if limits["high"] == UNBOUNDED else limits["high"]
        return (click.IntRange if annotation is int else click.FloatRange)(limits["low"], high)
    return annotation  # type: ignore[no-any-return]


def _default_text(default: Any) -> str:
    """Write the default of the preset ``annotate`` for the help."""
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        joined = ", ".join(default)
        return f"{len(default)} entries" if len(joined) > 60 else joined or "none"
    return str(default)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep an explicitly given value."""
    if value is not None and value != () and isinstance(parameter, ParameterOption):
        given_parameters(context)[parameter.key] = value


def _parse_assignment(text: str) -> tuple[str, Any]:
    """Split ``key=value``; a value that is not TOML is taken as text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {text}: write it as key=value, for example recurrence.score_threshold=0.4.")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()
    return key.strip(), parsed["value"]
