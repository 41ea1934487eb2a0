"""Configuration: checked, frozen, complete in TOML, documented field by field."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from napari_car.config import CaRConfig, CRFConfig, PromptConfig, ProposalConfig, RecurrenceConfig
from napari_car.errors import ConfigError
from napari_car.presets import PRESETS
from napari_car.schema import field_docs


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_toml_round_trip(preset, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(preset.config.to_toml(), encoding="utf-8")
    assert CaRConfig.from_toml(file) == preset.config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recurrence.score_threshold": 1.2}, "between 0.0 and 1.0"),
        ({"recurrence.score_threshold": -0.1}, "between 0.0 and 1.0"),
        ({"prompts.mask_threshold": float("nan")}, "between 0.0 and 1.0"),
        ({"crf.spatial_sxy_px": float("inf")}, "finite"),
        ({"crf.n_iterations": 0}, "at least 1"),
        ({"crf.n_iterations": 2.5}, "a whole number"),
        ({"crf.n_iterations": True}, "a whole number"),
        ({"recurrence.keep_best": 1}, "true or false"),
        ({"mode": "both"}, "one of semantic, referring"),
        ({"crf.backend": "gpu"}, "one of auto, torch, pydensecrf, none"),
        ({"prompts.kinds": "blur"}, "must be a list"),
        ({"prompts.kinds": ["blur", "glow"]}, "one of blur"),
        ({"prompts.kinds": ["blur", "blur"]}, "twice"),
        ({"proposals.cam_template": "a photo"}, "must contain {} once"),
        ({"proposals.cam_template": "{} and {}"}, "must contain {} once"),
        ({"classifier.templates": []}, "is empty"),
        ({"classifier.templates": ["{0}"]}, "must contain {} once"),
        ({"proposals.background_lists": ["urban"]}, "one of released"),
        ({"crf": 3}, "CRFConfig"),
        ({"threshold": 0.5}, "Unknown parameter threshold"),
        ({"recurrence.theta": 0.5}, "Unknown parameter recurrence.theta"),
        ({"mode": "semantic", "mode.x": 1}, "cannot both be set"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("{", r"\{")) as caught:
        CaRConfig().changed(changes)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_replace_is_checked_too() -> None:
    with pytest.raises(ConfigError):
        dataclasses.replace(RecurrenceConfig(), score_threshold=2.0)


def test_whole_numbers_serve_as_numbers() -> None:
    config = RecurrenceConfig(score_threshold=1)
    assert config.score_threshold == 1.0
    assert isinstance(config.score_threshold, float)


def test_lists_become_tuples() -> None:
    assert PromptConfig(kinds=["gray", "blur"]).kinds == ("gray", "blur")  # type: ignore[arg-type]


def test_configurations_are_values() -> None:
    assert CaRConfig() == CaRConfig()
    assert hash(CaRConfig()) == hash(CaRConfig().changed({}))
    with pytest.raises(dataclasses.FrozenInstanceError):
        CaRConfig().mode = "referring"  # type: ignore[misc]


def test_changed_keeps_the_rest() -> None:
    config = CaRConfig().changed({"recurrence.score_threshold": 0.2, "crf.backend": "none"})
    assert config.recurrence == RecurrenceConfig(score_threshold=0.2)
    assert config.crf == CRFConfig(backend="none")
    assert config.proposals == ProposalConfig()


@pytest.mark.parametrize("text", ["mode = ", "[recurrence]\ntheta = 1", "\udcff"])
def test_bad_files(text: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError):
        CaRConfig.from_toml(file)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        CaRConfig.from_toml(tmp_path / "nowhere.toml")


def stages() -> list[Any]:
    """Return the nested configurations."""
    nested = [getattr(CaRConfig(), field.name) for field in dataclasses.fields(CaRConfig)]
    return [stage for stage in nested if dataclasses.is_dataclass(stage)]


@pytest.mark.parametrize("stage", stages(), ids=lambda stage: type(stage).__name__)
def test_every_field_is_documented(stage: Any) -> None:
    docs = field_docs(type(stage))
    assert set(docs) == {field.name for field in dataclasses.fields(stage)}
    assert all(text.endswith(".") for text in docs.values())
