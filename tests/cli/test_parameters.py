"""Options are made from the configuration; what is given wins over file and preset."""

import dataclasses
from pathlib import Path

import click
import pytest

from napari_car.cli.parameters import (
    OPTION_NAMES,
    WITHOUT_OPTION,
    ParameterOption,
    build_config,
    given_parameters,
    option_name,
    parameter_options,
)
from napari_car.cli.segment import segment
from napari_car.cli.video_command import video
from napari_car.config import CaRConfig
from napari_car.errors import ConfigError
from napari_car.presets import PRESETS
from napari_car.schema import field_keys

OPTIONS = [option for option in parameter_options(of_videos=True) if isinstance(option, ParameterOption)]


def parse(*arguments: str) -> dict[str, object]:
    """Return what options set."""
    command = click.Command("test", params=parameter_options(of_videos=True))
    return given_parameters(command.make_context("test", list(arguments)))


def config_of(
    *arguments: str, preset: str = "annotate", toml: Path | None = None, sets: tuple[str, ...] = ()
) -> CaRConfig:
    return build_config(preset, toml, parse(*arguments), sets, refer=False)


def test_every_field_is_an_option_or_named_as_an_exception() -> None:
    assert {option.key for option in OPTIONS} | WITHOUT_OPTION == set(field_keys(CaRConfig()))
    assert {option.key for option in OPTIONS}.isdisjoint(WITHOUT_OPTION)
    assert set(OPTION_NAMES) <= set(field_keys(CaRConfig()))


@pytest.mark.parametrize("command", [segment, video], ids=lambda command: command.name)
def test_options_are_part_of_commands_and_clash_with_nothing(command: click.Command) -> None:
    spellings = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    assert len(spellings) == len(set(spellings))
    names = {parameter.name for parameter in command.params}
    for option in OPTIONS:
        assert (option.name in names) == (command is video or not option.key.startswith("video."))


def test_nothing_given_changes_nothing() -> None:
    assert parse() == {}
    for name, preset in PRESETS.items():
        assert config_of(preset=name) == preset.config


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option_name(option.key))
def test_option_sets_its_field_and_no_other(option: ParameterOption) -> None:
    stage, _, name = option.key.rpartition(".")
    default = getattr(getattr(CaRConfig(), stage), name)
    if isinstance(default, bool):
        value = not default
        arguments = [option.opts[0] if value else option.secondary_opts[0]]
    else:
        value = changed_value(option, default)
        arguments = [
            part for item in (value if isinstance(value, tuple) else [value]) for part in (option.opts[0], item)
        ]
    config = config_of(*map(str, arguments))
    assert config == CaRConfig().changed({option.key: value})
    assert config != CaRConfig()


def changed_value(option: ParameterOption, default: object) -> object:
    """Return a permitted value that is not the default."""
    if isinstance(option.type, click.Choice):
        choice = next(
            choice
            for choice in option.type.choices
            if choice not in (default, *([default] if isinstance(default, str) else default))
        )
        return (choice,) if option.multiple else choice
    if isinstance(default, tuple):
        return ("{} of cloth", "{}, seen from above")
    if isinstance(default, str):
        return "many {}"
    assert isinstance(default, int | float)
    return default + 1 if isinstance(default, int) else default / 2 + 0.01


def test_help_text_default_and_range_come_from_the_field() -> None:
    option = next(option for option in OPTIONS if option.key == "recurrence.score_threshold")
    names, text = option.get_help_record(click.Context(segment)) or ("", "")
    assert names == "--score-threshold NUMBER"
    assert text.startswith("θ: a query whose mask scores lower is dropped (Eq. 6).")
    assert f"default: {CaRConfig().recurrence.score_threshold};" in text
    assert "0.0<=x<=1.0" in text


def test_options_win_over_file_and_file_over_preset(tmp_path: Path) -> None:
    toml = tmp_path / "mine.toml"
    toml.write_text("[recurrence]\nscore_threshold = 0.11\nuncertain_margin = 0.22\n")
    config = config_of("--uncertain-margin", "0.33", preset="voc", toml=toml)
    assert config.recurrence.score_threshold == 0.11
    assert config.recurrence.uncertain_margin == 0.33
    assert config.recurrence.keep_best is PRESETS["voc"].config.recurrence.keep_best
    assert config.classifier == PRESETS["voc"].config.classifier


def test_refer_sets_the_mode() -> None:
    assert build_config("annotate", None, {}, (), refer=True) == dataclasses.replace(CaRConfig(), mode="referring")


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("recurrence.score_threshold=0.4", "recurrence.score_threshold", 0.4),
        ("crf.backend=none", "crf.backend", "none"),
        ('proposals.background_words=["snow", "fog"]', "proposals.background_words", ("snow", "fog")),
        ("proposals.background_lists = []", "proposals.background_lists", ()),
        ("recurrence.keep_best=true", "recurrence.keep_best", True),
        ("proposals.cam_template=one {}", "proposals.cam_template", "one {}"),
        ("sam.iou_threshold=0.9", "sam.iou_threshold", 0.9),
    ],
)
def test_set_reaches_every_field(assignment: str, key: str, value: object) -> None:
    assert config_of(sets=(assignment,)) == CaRConfig().changed({key: value})


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("recurrence.score_treshold=0.4", "Unknown parameter recurrence.score_treshold"),
        ("nothing=1", "Unknown parameter nothing"),
        ("recurrence.score_threshold=2", "must be between 0.0 and 1.0"),
        ("recurrence.score_threshold=nan", "must be between 0.0 and 1.0"),
        ("recurrence.score_threshold=high", "must be a number"),
        ("recurrence=1", "must be a table"),
        ("recurrence.score_threshold.more=1", "must be a number"),
        ("keep_best", "key=value"),
        ("=1", "key=value"),
    ],
)
def test_wrong_assignment_is_one_sentence(assignment: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(sets=(assignment,))


def test_nan_is_no_threshold() -> None:
    with pytest.raises(ConfigError, match="between"):
        config_of("--score-threshold", "nan")


@pytest.mark.parametrize("content", ["[recurrence", "\xff\xfe", "[recurrence]\nscore = 1\n"])
def test_wrong_configuration_file_is_one_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(ConfigError):
        config_of(toml=file)
    with pytest.raises(ConfigError):
        config_of(toml=tmp_path / "none.toml")
