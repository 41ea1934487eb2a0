"""The report on a project as one HTML page that needs nothing else."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime

from napari_car.annotation.image_summary import ClassInImage, ImageSummary
from napari_car.annotation.label_layer import Colour, write_colour
from napari_car.annotation.project_summary import ProjectSummary, is_corrected, measured_iou

from .html_page import UNKNOWN, render_page
from .report_pictures import Pictures

_MAX_NAMED = 3
_MINUTE_S, _HOUR_S = 60, 3600


def render_report(summary: ProjectSummary, pictures: Mapping[str, Pictures], *, name: str, now: datetime) -> str:
    """Return the page.

    Parameters
    ----------
    summary : ProjectSummary
    pictures : mapping of str to Pictures
        Of the images that need a look most, by key, in the order shown.
    name : str
        Of the project.
    now : datetime
        Date of the report.
    """
    images = {image.key: image for image in summary.images}
    filters: dict[str, Callable[..., str]] = {
        "colour": _write_colour,
        "duration": write_duration,
        "iou": write_iou,
        "share": write_share,
    }
    return render_page(
        "report.html.jinja",
        filters,
        summary=summary,
        classes=summary.classes(),
        iou=measured_iou(summary.agreement),
        worst=[(images[key], explain_need(images[key]), found) for key, found in pictures.items()],
        n_needed=summary.n_needed,
        saved=max((image.saved for image in summary.images), default="")[:10],
        name=name,
        now=f"{now:%Y-%m-%d %H:%M}",
    )


def explain_need(image: ImageSummary) -> list[str]:
    """Say in sentences why an image needs a look."""
    sentences = []
    agreement = image.agreement
    if is_corrected(agreement):
        sentences.append(
            f"Corrected: IoU {write_iou(agreement.iou)} of automatic and corrected labels, "
            f"{agreement.n_added:,} px added and {agreement.n_removed:,} px removed."
        )
        changed = [found for found in image.classes.values() if is_corrected(found.agreement)]
        changed.sort(key=lambda found: found.agreement.iou)
        named = [f"{found.name} ({write_iou(found.agreement.iou)})" for found in changed]
        sentences.append(f"Changed: {_enumerated(named)}.")
    if image.in_doubt:
        named = [_scored(found) for found in image.in_doubt]
        sentences.append(
            f"In doubt: the program was uncertain of {_enumerated(named)}; nobody has changed or checked it."
        )
    return sentences


def write_duration(seconds: float | None) -> str:
    """Write a time: ``3.2 s``, ``4 min 12 s``, ``1 h 05 min``; a dash if it is not known."""
    if seconds is None:
        return UNKNOWN
    if seconds < _MINUTE_S - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02} s"
    minutes = round(seconds / _MINUTE_S)
    return f"{minutes // 60:,} h {minutes % 60:02} min"


def write_iou(iou: float | None) -> str:
    """Write an IoU with three digits, rounded down: 1 stands for masks that are equal; a dash if it is not known."""
    return UNKNOWN if iou is None else f"{math.floor(iou * 1000 + 1e-9) / 1000:.3f}"


def write_share(share: float | None) -> str:
    """Write a share in per cent; a dash if it is not known."""
    if share is None:
        return UNKNOWN
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")


def _write_colour(colour: Colour) -> str:
    """Write a colour for a style."""
    return write_colour(colour[:3])


def _scored(found: ClassInImage) -> str:
    """Name a class with its score."""
    return found.name if found.score is None else f"{found.name} ({found.score:.2f})"


def _enumerated(names: list[str]) -> str:
    """Name some and count the rest."""
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more
