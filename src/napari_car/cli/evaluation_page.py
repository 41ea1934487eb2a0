"""The report on an evaluation as one HTML page that needs nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from napari_car.annotation.label_layer import write_colour
from napari_car.evaluation.benchmarks.catalogue import find_benchmark
from napari_car.evaluation.report_text import count_items, find_warnings
from napari_car.evaluation.run_header import RunHeader, flat_items
from napari_car.evaluation.summary import EvaluationSummary
from napari_car.io.colours import RGB
from napari_car.presets import PRESETS

from .evaluation_pictures import ItemPictures
from .html_page import UNKNOWN, render_page

_BACKEND = "crf.backend"
_EXPLANATIONS = {
    "semantic": "the mean IoU of the classes in the image, 0 where only others were found. What has no colour is "
    "background, or of no class.",
    "referring": "the IoU of the mask with what the expressions mean.",
    "video": "J&F. Shown are the worst frame, one in the middle and the best one of the first annotator's texts.",
}
"""What the scores of items are, and what is seen in the pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """One of the worst items.

    Parameters
    ----------
    key : str
    value : float or None
        Its own score.
    sentences : list of str
    found : ItemPictures
    """

    key: str
    value: float | None
    sentences: list[str]
    found: ItemPictures


def render_evaluation(
    summary: EvaluationSummary, worst: Sequence[ShownItem], colours: Sequence[RGB | None], *, now: datetime
) -> str:
    """Return the page.

    Parameters
    ----------
    summary : EvaluationSummary
    worst : sequence of ShownItem
        In the order shown.
    colours : sequence of RGB or None
        Of the summary's classes; None for the background.
    now : datetime
        Date of the report.
    """
    filters: dict[str, Callable[..., str]] = {
        "percent": _write_percent,
        "points": _write_points,
        "colour": write_colour,
        "time": _write_time,
    }
    header = summary.header
    classes = zip(summary.classes, colours, strict=True)
    seen = [(item, colour) for item, colour in classes if item.n_true_px or item.n_predicted_px]
    stages = summary.speed.stages
    return render_page(
        "evaluation.html.jinja",
        filters,
        summary=summary,
        header=header,
        head=summary.rows[0],
        warnings=find_warnings(summary),
        counted=count_items(summary),
        has_paper=any(row.paper is not None for row in summary.rows),
        classes=sorted(seen, key=lambda pair: (pair[0].iou is None, pair[0].iou or 0.0)),
        n_classes=len(summary.classes),
        absent=[item.name for item in summary.classes if not item.n_true_px and not item.n_predicted_px],
        stages=[(name, seconds, seconds / (sum(stages.values()) or 1)) for name, seconds in stages.items()],
        worst=worst,
        explanation=_EXPLANATIONS[find_benchmark(header.benchmark).kind],
        changes=find_changes(header),
        now=f"{now:%Y-%m-%d %H:%M}",
    )


def find_changes(header: RunHeader) -> list[tuple[str, str, str]]:
    """Return the parameters that differ from the preset, as name, value of the preset, and value here."""
    preset = PRESETS.get(header.preset)
    known = dict(flat_items(preset.config.to_dict())) if preset else {}
    known["mode"] = header.config.mode  # the benchmark decides on it
    if known.get(_BACKEND) == "auto" and header.config.crf.backend != "none":
        known[_BACKEND] = header.config.crf.backend  # an evaluation settles it
    return [
        (key, _write_value(known.get(key)), _write_value(value))
        for key, value in flat_items(header.config.to_dict())
        if known.get(key) != value
    ]


def _write_value(value: Any) -> str:
    """Write a parameter's value."""
    if value is None:
        return UNKNOWN
    return ", ".join(map(str, value)) or "none" if isinstance(value, (list, tuple)) else str(value)


def _write_percent(value: float | None) -> str:
    """Write a fraction in percent, with two digits."""
    return UNKNOWN if value is None else f"{100 * value:.2f}".replace("-", "−")


def _write_points(value: float | None) -> str:
    """Write a difference of fractions in points of percent, with its sign."""
    return UNKNOWN if value is None else f"{100 * value:+.2f}".replace("-", "−")


def _write_time(seconds: float) -> str:
    """Write a time that can be short."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
