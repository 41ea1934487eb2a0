"""What a form has to know about each parameter: its name in plain words, its kind, range and meaning."""

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from napari_car.schema import UNBOUNDED, Checked, field_docs, field_keys

LABELS = {
    "proposals.cam_template": "Template for the maps",
    "proposals.first_step_template": "Template in the first step",
    "proposals.background_words": "More background words",
    "proposals.background_drops_queries": "Queries are no background",
    "prompts.kinds": "Visual prompts",
    "classifier.blocks": "Transformer blocks",
    "classifier.fit": "Fit to a square",
    "classifier.background": "Background words compete",
    "recurrence.uncertain_margin": "Margin of uncertainty",
    "recurrence.keep_best": "Keep the best query",
    "recurrence.min_steps": "Fewest time steps",
    "recurrence.max_steps": "Most time steps",
    "mutual_background.enabled": "Segment things and stuff apart",
    "mutual_background.thing_background": "Background of things",
    "mutual_background.stuff_prompts": "Visual prompts for stuff",
    "crf.spatial_sxy_px": "Smoothing width (px)",
    "crf.spatial_weight": "Smoothing weight",
    "crf.bilateral_sxy_px": "Colour width (px)",
    "crf.bilateral_srgb": "Colour difference",
    "crf.bilateral_weight": "Colour weight",
    "sam.enabled": "Outlines by SAM",
    "sam.box_nms_threshold": "Overlap of boxes",
    "sam.iom_threshold": "Match threshold",
    "sam.iou_threshold": "Agreement threshold",
    "sam.min_overlap": "Least overlap",
    "sam.best_if_none": "Best one if none matches",
    "video.ask_again_every": "Ask for all again (slices)",
    "video.reuse_below": "Features of like slices",
    "video.smoothing": "Smoothing over slices",
    "video.cut_above": "New scene above",
    "compute.max_side_px": "Longer side (px)",
    "compute.max_features_cached": "Images in memory",
}
"""Names of the fields whose own name is not plain enough; any other field's name is written as words."""

STAGE_TITLES = {
    "": "General",
    "proposals": "Mask proposals (f)",
    "prompts": "Visual prompts (v)",
    "classifier": "Mask classifier (g)",
    "mutual_background": "Things and stuff",
    "crf": "Edges of masks (CRF)",
    "sam": "SAM masks",
    "video": "Slices as video",
    "compute": "Size and memory",
}
"""Titles of the stages whose own name is not plain enough."""

_UNITS = {"px": "px", "mb": "MiB", "s": "s"}
_SYMBOL = re.compile(r"([a-z\u0370-\u03ff](?:_\w+)?): ")
_MARKUP = re.compile(r":[\w:]+:`~?|`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterField:
    """A parameter, described.

    Parameters
    ----------
    key : str
        Dotted name, such as ``recurrence.score_threshold``.
    label : str
        Its name in plain words, with the paper's symbol.
    meaning : str
        A sentence on what it does.
    annotation : type
        As in the dataclass.
    low, high : float or None
        Closed range of a number; None where there is no bound.
    where : str
        How messages about invalid values call it, such as ``RecurrenceConfig.score_threshold``.
    """

    key: str
    label: str
    meaning: str
    annotation: Any
    low: float | None
    high: float | None
    where: str

    @property
    def stage(self) -> str:
        """Dotted name of the stage it belongs to; empty for the top level."""
        return self.key.rpartition(".")[0]

    def of(self, config: Checked) -> Any:
        """Return its value in a configuration."""
        return operator.attrgetter(self.key)(config)

    def explain(self, preset_value: Any) -> tuple[str, ...]:
        """Return its meaning, its range, the preset's value and its name in files, a line each."""
        lines = [self.meaning]
        if self.low is not None:
            lines.append(f"At least {self.low:g}." if self.high is None else f"From {self.low:g} to {self.high:g}.")
        return (*lines, f"Preset: {value_text(preset_value)}", f"In files: {self.key}")


def parameter_fields(config: Checked) -> Iterator[ParameterField]:
    """Describe all fields of a configuration's class, by stage."""
    for key in field_keys(config):
        path, _, name = key.rpartition(".")
        stage = type(_stage(config, path))
        limits = stage.__dataclass_fields__[name].metadata  # type: ignore[attr-defined]  # Checked are dataclasses
        doc = _plain(field_docs(stage)[name])  # type: ignore[arg-type]  # classes are hashable
        symbol = _SYMBOL.match(doc)
        high = limits.get("high")
        yield ParameterField(
            key=key,
            label=" ".join([LABELS.get(key) or _words(name), *(symbol.groups() if symbol else ())]),
            meaning=_capitalised(doc[symbol.end() :] if symbol else doc),
            annotation=get_type_hints(stage)[name],
            low=limits.get("low"),
            high=None if high == UNBOUNDED else high,
            where=f"{stage.__name__}.{name}",
        )


def stage_title(stage: str) -> str:
    """Return the title of a stage in plain words."""
    return STAGE_TITLES.get(stage) or _words(stage)


def stage_meaning(config: Checked, stage: str) -> str:
    """Return a sentence on what a stage does."""
    return _capitalised(_plain(type(_stage(config, stage)).__doc__ or "").partition("\n")[0])


def value_text(value: Any) -> str:
    """Write a value for people: on and off, lists with commas, long ones by their length."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        joined = ", ".join(map(str, value))
        return f"{len(value)} entries" if len(joined) > 60 else joined or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _stage(config: Checked, path: str) -> Checked:
    """Return a stage by its dotted name."""
    return operator.attrgetter(path)(config) if path else config


def _words(name: str) -> str:
    """Write ``n_affinity_steps`` as ``Affinity steps`` and ``max_side_px`` as ``Max side (px)``."""
    words, _, unit = name.rpartition("_")
    if unit in _UNITS and words:
        name = f"{words} ({_UNITS[unit]})"
    return _capitalised(name.removeprefix("n_").replace("_", " "))


def _capitalised(text: str) -> str:
    """Write the first letter large; a symbol that opens a sentence stays as it is."""
    return text if text[1:2] == "," else text[:1].upper() + text[1:]


def _plain(text: str) -> str:
    """Take the markup out of a docstring."""
    return _MARKUP.sub("", text)
