"""What the cells of the list of queries say."""

import html
from enum import IntEnum

from napari_car.annotation.sheet import SheetEntry
from napari_car.results import Verdict

MARKS: dict[Verdict, str] = {"present": "✓", "uncertain": "?", "absent": "✗"}
_VERDICTS: dict[Verdict, str] = {
    "present": "Found in the last run.",
    "uncertain": "Uncertain in the last run: look at the image.",
    "absent": "Not found in the last run.",
}
_DISTRACTOR = "A distractor competes with the queries, but gets no mask."
_GROUP = (
    "Things can be counted (cup, cell), stuff cannot (sky, soil); it matters where they are segmented apart. "
    "Click to change it."
)


class Column(IntEnum):
    """What stands where in a row."""

    ENABLED = 0
    COLOUR = 1
    TEXT = 2
    GROUP = 3
    ROLE = 4
    VERDICT = 5


def cell_text(entry: SheetEntry, column: Column, verdict: Verdict | None) -> str | None:
    """Return the text of a cell; None where there is only a mark."""
    if column == Column.TEXT:
        return " | ".join(entry.words)
    if column == Column.VERDICT:
        return MARKS[verdict] if verdict else None
    return entry.group if column == Column.GROUP and entry.role == "query" else None


def cell_tip(entry: SheetEntry, column: Column, verdict: Verdict | None) -> str:
    """Return the tooltip of a cell, as rich text so that long ones are wrapped."""
    is_distractor = entry.role == "background"
    tips = {
        Column.ENABLED: f"The next run {'uses it' if entry.enabled else 'leaves it out'}. Click to change that.",
        Column.COLOUR: "A distractor has no mask." if is_distractor else "Double-click to choose another colour.",
        Column.TEXT: _entry_tip(entry),
        Column.GROUP: "" if is_distractor else _GROUP,
        Column.ROLE: f"{_DISTRACTOR} Click to {'look for this one instead' if is_distractor else 'make this one'}.",
        Column.VERDICT: _VERDICTS[verdict] if verdict else "",
    }
    return f"<qt>{tips[column]}</qt>" if tips[column] else ""


def _entry_tip(entry: SheetEntry) -> str:
    """Return all words of an entry, and what it is."""
    synonyms = [f"Synonyms: {', '.join(entry.synonyms)}"] if entry.synonyms else []
    kind = _DISTRACTOR if entry.role == "background" else f"Label {entry.id}"
    return "<br>".join(map(html.escape, [entry.text, *synonyms, kind]))
