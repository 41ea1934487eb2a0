"""Presets against the tables of CAR.md, sections 2 and 6."""

import pytest

from napari_car.config import CaRConfig, ProposalConfig
from napari_car.errors import ConfigError
from napari_car.presets import BACKGROUND_LISTS, DEMO_CHANGES, PRESETS, background_queries, find_preset

# eta, theta, lambda, prompts, stuff prompts, SAM phi_iom, g
TABLE = {
    "voc": (0.4, 0.6, 0.4, {"circle", "blur"}, None, 0.6, "L"),
    "coco": (0.5, 0.3, 0.5, {"blur", "gray"}, None, 0.7, "L"),
    "context": (0.6, 0.25, 0.4, {"blur", "circle"}, {"blur", "gray"}, 0.5, "L"),
    "context-459": (0.4, 0.25, 0.7, {"gray", "blur"}, {"gray", "blur"}, 0.6, "L"),
    "ade": (0.6, 0.25, 0.7, {"gray", "blur"}, {"gray", "blur"}, 0.6, "L"),
    "refcoco": (0.5, 0.3, 0.5, {"circle"}, None, 0.5, "B"),
    "refcoco+": (0.2, 0.1, 0.5, {"circle", "blur"}, None, 0.5, "B"),
    "refcocog": (0.5, 0.1, 0.6, {"circle", "blur"}, None, 0.5, "B"),
    "gres": (0.5, 0.0, 0.3, {"circle"}, None, 0.5, "L"),
}


@pytest.mark.parametrize("name", TABLE)
def test_values(name: str) -> None:
    eta, theta, lambda_, kinds, stuff_kinds, iom, g = TABLE[name]
    preset = PRESETS[name]
    config = preset.config
    assert (config.prompts.mask_threshold, config.recurrence.score_threshold) == (eta, theta)
    assert config.proposals.box_threshold == lambda_
    assert set(config.prompts.kinds) == kinds
    assert config.mutual_background.enabled == (stuff_kinds is not None)
    if stuff_kinds:
        assert set(config.mutual_background.stuff_prompts) == stuff_kinds
    assert config.sam.iom_threshold == iom
    assert preset.g.startswith(f"ViT-{g}-")
    assert preset.f == "ViT-B-16/openai"


@pytest.mark.parametrize("name", TABLE)
def test_what_all_paper_presets_share(name: str) -> None:
    config = PRESETS[name].config
    assert config.recurrence.keep_best
    assert config.recurrence.min_steps == 2
    assert config.classifier.blocks == "all-but-last"
    assert config.classifier.fit == "crop"
    assert not config.classifier.background
    assert config.proposals.first_step_template == "{}"
    assert config.proposals.cam_template == "a clean origami {}."
    assert config.proposals.background_lists == ("released",)
    assert config.crf.background_factor == 1
    is_referring = name.startswith("ref") or name == "gres"
    assert (config.mode == "referring") == is_referring
    assert len(config.classifier.templates) == (1 if is_referring else 15)


def test_annotate() -> None:
    config = PRESETS["annotate"].config
    assert config == CaRConfig()
    assert config.classifier.background
    assert config.classifier.blocks == "all"
    assert not config.recurrence.keep_best


def test_demo() -> None:
    preset = PRESETS["demo"]
    assert preset.f == preset.g == "demo"
    assert preset.config == CaRConfig().changed(DEMO_CHANGES)
    assert preset.config.prompts.kinds == ("black",)


def test_all_presets_are_in_the_table() -> None:
    assert set(PRESETS) == {"annotate", "demo", *TABLE}


def test_unknown_preset() -> None:
    with pytest.raises(ConfigError, match="choose one of annotate, demo, voc"):
        find_preset("imagenet")


def test_background_lists() -> None:
    assert {name: len(words) for name, words in BACKGROUND_LISTS.items()} == {
        "released": 23,
        "terrestrial": 32,
        "aquatic-atmospheric": 44,
        "man-made": 36,
    }
    appendix = [word for name, words in BACKGROUND_LISTS.items() if name != "released" for word in words]
    assert len(appendix) == len(set(appendix)) == 112
    assert set(BACKGROUND_LISTS["released"]) - set(appendix) == {"helmet"}


def test_background_queries() -> None:
    config = ProposalConfig(background_lists=("released",), background_words=("desk", "grass", "Sky"))
    words = background_queries(config, {"grass", "sky"})
    assert len(words) == len(set(words)) == 22
    assert words[-1] == "desk"
    assert not {"grass", "sky", "Sky"} & set(words)


def test_background_may_keep_what_is_asked_for() -> None:
    config = ProposalConfig(background_drops_queries=False)
    assert background_queries(config, {"grass"}) == BACKGROUND_LISTS["released"]


def test_no_background() -> None:
    assert background_queries(ProposalConfig(background_lists=())) == ()
