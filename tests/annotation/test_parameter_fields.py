"""Parameters in plain words."""

from dataclasses import dataclass
from typing import Literal

import pytest

from napari_car.annotation.parameter_fields import (
    LABELS,
    STAGE_TITLES,
    ParameterField,
    parameter_fields,
    stage_meaning,
    stage_title,
    value_text,
)
from napari_car.config import CaRConfig
from napari_car.schema import Checked, field_keys, within

FIELDS = {field.key: field for field in parameter_fields(CaRConfig())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner(Checked):
    """The ``inner`` stage, see :meth:`run`."""

    n_long_names: int = within(3, 1)
    """κ: how many ``long`` names there are."""

    gap_px: float = within(0.5, 0.0, 2.0)
    """Gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer(Checked):
    """All."""

    kind: Literal["a", "b"] = "a"
    """Kind, as in :data:`~napari_car.config.PromptKind`."""

    inner_part: Inner = Inner()


def test_every_field_is_described_in_the_order_of_the_stages() -> None:
    assert list(FIELDS) == list(field_keys(CaRConfig()))
    labels = [(field.stage, field.label) for field in FIELDS.values()]
    assert len(set(labels)) == len(labels)


def test_names_for_fields_and_stages_that_are_gone_are_gone_too() -> None:
    assert set(LABELS) <= set(FIELDS)
    assert set(STAGE_TITLES) <= {field.stage for field in FIELDS.values()}


def test_a_new_field_gets_a_plain_name_without_being_listed() -> None:
    kind, names, gap = parameter_fields(Outer())
    assert kind == ParameterField(
        key="kind",
        label="Kind",
        meaning="Kind, as in napari_car.config.PromptKind.",
        annotation=Literal["a", "b"],
        low=None,
        high=None,
        where="Outer.kind",
    )
    assert (names.key, names.stage, names.label) == ("inner_part.n_long_names", "inner_part", "Long names κ")
    assert (names.meaning, names.low, names.high) == ("How many long names there are.", 1, None)
    assert (gap.label, gap.low, gap.high) == ("Gap (px)", 0.0, 2.0)
    assert stage_title("inner_part") == "Inner part"
    assert stage_meaning(Outer(), "inner_part") == "The inner stage, see run."


def test_the_paper_s_symbol_stands_behind_the_name_and_a_stage_s_before_its_meaning() -> None:
    assert FIELDS["recurrence.score_threshold"].label == "Score threshold θ"
    assert FIELDS["proposals.n_affinity_steps"].label == "Affinity steps t"
    assert FIELDS["recurrence.score_threshold"].meaning.startswith("A query whose mask scores lower")
    assert stage_meaning(CaRConfig(), "proposals").startswith("f, the mask proposal generator")


def test_an_explanation_has_meaning_range_preset_and_name() -> None:
    assert FIELDS["recurrence.score_threshold"].explain(0.6)[1:] == (
        "From 0 to 1.",
        "Preset: 0.6",
        "In files: recurrence.score_threshold",
    )
    assert FIELDS["crf.n_iterations"].explain(10)[1] == "At least 1."
    assert FIELDS["crf.backend"].explain("auto")[1] == "Preset: auto"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "on"),
        (False, "off"),
        ((), "none"),
        (("circle", "blur"), "circle, blur"),
        (("a photo of a {}.",) * 15, "15 entries"),
        (67.0, "67"),
        (3, "3"),
        ("{}", "{}"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert value_text(value) == text
