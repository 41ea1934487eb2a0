"""The rows of the table of results, in words: of what a run found, or of what a layer holds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari.layers import Labels

from napari_car.annotation.correction.mask_state import MaskState
from napari_car.annotation.outcome import QuerySummary
from napari_car.io import RGB

from .layer_notes import notes_of

PxArea = tuple[float, str]
"""Area of a pixel and its unit; the unit is empty where pixels have no size."""

_MARKS = {"present": "✓", "uncertain": "?", "absent": "✗"}
_MEANINGS = {
    "present": "Its mask was recognised as showing it.",
    "uncertain": "Its score is close to the threshold: look at the image.",
    "absent": "Its mask looks more like something else, so it was dropped.",
}
_NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """What the table shows of a query.

    Parameters
    ----------
    id : int
    text : str
    colour : RGB or None
    verdict, meaning : str
        The verdict, and what it means.
    score : str
    share, area : str
        Of the image, and in pixels and units.
    """

    id: int
    text: str
    colour: RGB | None
    verdict: str
    meaning: str
    score: str
    share: str
    area: str


def rows_of_summaries(
    summaries: Sequence[QuerySummary], colours: Mapping[int, RGB], n_pixels: int, px_area: PxArea
) -> tuple[ResultRow, ...]:
    """Return the rows of a run.

    Parameters
    ----------
    summaries : sequence of QuerySummary
    colours : mapping of int to RGB
        By id.
    n_pixels : int
        Pixels of all frames, of which areas are shares.
    px_area : float and str
        Area of a pixel and its unit.
    """
    return tuple(
        ResultRow(
            id=summary.id,
            text=summary.text,
            colour=colours.get(summary.id),
            verdict=verdict_text(summary),
            meaning=_meaning(summary),
            score=f"{summary.score:.2f}",
            share=_share(summary.area_px, n_pixels),
            area=_area(summary.area_px, px_area),
        )
        for summary in summaries
    )


def rows_of_layer(layer: Labels, masks: Mapping[int, MaskState], px_area: PxArea) -> tuple[ResultRow, ...]:
    """Return the rows of a result layer that was opened: what its features say of verdicts, and its areas as of now.

    Parameters
    ----------
    layer : Labels
    masks : mapping of int to MaskState
        As far as they are known.
    px_area : float and str
        Area of a pixel and its unit.
    """
    n_pixels, rows = math.prod(layer.data.shape), []
    entries = queries_of(layer)
    noted = _noted(layer, [entry["id"] for entry in entries])
    for entry in entries:
        id_, mask = entry["id"], masks.get(entry["id"])
        verdict, score = (noted.get(id_, {}).get(name) for name in ("verdict", "score"))
        rows.append(
            ResultRow(
                id=id_,
                text=entry["text"],
                colour=tuple(entry["colour"]),
                verdict=f"{_MARKS[verdict]} {verdict}" if verdict in _MARKS else _NOTHING,
                meaning=_MEANINGS[verdict] if verdict in _MARKS else "The layer does not say.",
                score=f"{score:.2f}" if isinstance(score, float) and math.isfinite(score) else _NOTHING,
                share="" if mask is None else _share(mask.area_px, n_pixels),
                area="" if mask is None else _area(mask.area_px, px_area),
            )
        )
    return tuple(rows)


def queries_of(layer: Labels) -> tuple[Mapping[str, Any], ...]:
    """Return the entries of a result layer's queries that have masks."""
    entries: Iterable[Mapping[str, Any]] = notes_of(layer).get("queries", [])
    return tuple(entry for entry in entries if entry["role"] == "query")


def verdict_text(summary: QuerySummary) -> str:
    """Return a verdict in words: ``✓ present``, ``✗ absent``, ``✓ in 3 of 10``."""
    if summary.n_frames > 1 and summary.verdict != "absent":
        return f"{_MARKS[summary.verdict]} in {summary.n_found} of {summary.n_frames}"
    return f"{_MARKS[summary.verdict]} {summary.verdict}"


def _meaning(summary: QuerySummary) -> str:
    """Return what a verdict means, and the time step at which the query was dropped."""
    text = _MEANINGS[summary.verdict]
    return text if summary.dropped_at_step is None else f"{text} Time step: {summary.dropped_at_step}."


def _noted(layer: Labels, ids: Sequence[int]) -> dict[Any, dict[Any, Any]]:
    """Return what the features of a layer say of some labels, by label."""
    features = layer.features
    if "index" not in features:
        return {}
    rows = features[features["index"].isin(ids)]  # there can be a row for each of many instances
    noted: dict[Any, dict[Any, Any]] = rows.drop_duplicates("index", keep="last").set_index("index").to_dict("index")
    return noted


def _share(area_px: int, n_pixels: int) -> str:
    """Return the share of the image."""
    if not area_px:
        return _NOTHING
    share = area_px / n_pixels
    return f"{share:.1%}" if share >= 0.0005 else "< 0.1%"


def _area(area_px: int, px_area: PxArea) -> str:
    """Return the area in pixels, and in the image's unit where it has one."""
    size, unit = px_area
    in_px = f"{area_px:,} px"
    return f"{in_px}, {area_px * size:,.4g} {unit}²" if unit else in_px
