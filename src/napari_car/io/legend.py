"""The legend of an overlay: which colour is which query, with its score and verdict."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from napari_car.io.colours import RGB
from napari_car.io.lettering import Font, blend, default_font, draw_text, printable, wrap
from napari_car.results import Verdict

PAPER: RGB = (250, 250, 248)
INK: RGB = (32, 34, 38)
DIMMED: RGB = (120, 122, 126)

MAX_ENTRIES = 60
"""Entries listed at most; those left out are counted in a last line."""

_MAX_COLUMNS = 8
_MAX_NAME_LINES = 3


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One query in the legend.

    Parameters
    ----------
    name
        The query.
    colour
        Its colour in picture and legend.
    score
        Its last score in [0, 1], None if there is none.
    verdict
        "present", "uncertain" or "absent"; absent entries are dimmed and come last.
    dropped_at_step
        Time step at which an absent query was dropped.
    """

    name: str
    colour: RGB
    score: float | None
    verdict: Verdict = "present"
    dropped_at_step: int | None = None

    @property
    def remark(self) -> str:
        """What stands at the end of the line: ``0.93``, ``uncertain 0.41``, ``absent (step 1)``."""
        if self.verdict == "absent":
            return "absent" if self.dropped_at_step is None else f"absent (step {self.dropped_at_step})"
        score = "" if self.score is None else f"{self.score:.2f}"
        return f"uncertain {score}".rstrip() if self.verdict == "uncertain" else score


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry broken into lines."""

    entry: LegendEntry | None
    lines: list[str]


@dataclass(frozen=True, slots=True)
class _Column:
    """Rows below each other, and the widths they need."""

    rows: list[_Row]
    name_width_px: int
    remark_width_px: int


@dataclass(frozen=True, slots=True)
class Legend:
    """Entries arranged in columns, ready to be drawn.

    Parameters
    ----------
    columns
        From the left.
    caption
        Lines under the columns.
    size_px
        Font size, on which all distances rest.
    font
        The font.
    """

    columns: list[_Column]
    caption: list[str]
    size_px: int
    font: Font

    @property
    def line_px(self) -> int:
        """Distance of base lines."""
        return math.ceil(1.35 * self.size_px)

    @property
    def width_px(self) -> int:
        """Width of the whole legend with its margins."""
        widths = [self._column_width_px(column) for column in self.columns]
        return sum(widths) + 2 * self.size_px * len(widths)

    @property
    def height_px(self) -> int:
        """Height of the whole legend with its margins."""
        return self._columns_height_px + len(self.caption) * self.line_px + 2 * self.size_px

    @property
    def _columns_height_px(self) -> int:
        return max((sum(map(self._row_height_px, column.rows)) for column in self.columns), default=0)

    def _row_height_px(self, row: _Row) -> int:
        return len(row.lines) * self.line_px + self.size_px // 3

    def _column_width_px(self, column: _Column) -> int:
        return 3 * self.size_px + column.name_width_px + column.remark_width_px

    def draw(self, canvas: UInt8[np.ndarray, "H W 3"], corner: tuple[int, int]) -> None:
        """Draw onto a canvas in place, the legend's corner at (row, col)."""
        top, left = corner[0] + self.size_px, corner[1] + self.size_px
        for column in self.columns:
            row_top = top
            for row in column.rows:
                self._draw_row(canvas, row, (row_top, left), self._column_width_px(column))
                row_top += self._row_height_px(row)
            left += self._column_width_px(column) + 2 * self.size_px
        self._draw_lines(canvas, self.caption, (top + self._columns_height_px, corner[1] + self.size_px), DIMMED)

    def _draw_row(self, canvas: UInt8[np.ndarray, "H W 3"], row: _Row, corner: tuple[int, int], width_px: int) -> None:
        """Draw swatch, name and remark."""
        top, left = corner
        if row.entry is None:
            self._draw_lines(canvas, row.lines, corner, DIMMED)
            return
        is_absent = row.entry.verdict == "absent"
        ink = DIMMED if is_absent else INK
        fill = {"present": 1.0, "uncertain": 0.35, "absent": 0.0}[row.entry.verdict]
        side = math.ceil(1.1 * self.size_px)
        swatch = _swatch(side, fill, border_px=max(1.5, self.size_px / 9))
        blend(canvas, swatch, (top + (self.line_px - side) // 2, left), DIMMED if is_absent else row.entry.colour)
        name_left = left + 2 * self.size_px
        self._draw_lines(canvas, row.lines, (top, name_left), ink)
        remark_width = self.font.width_px(row.entry.remark, self.size_px)
        remark_left = left + width_px - remark_width
        self._draw_lines(canvas, [row.entry.remark], (top, remark_left), ink)

    def _draw_lines(
        self, canvas: UInt8[np.ndarray, "H W 3"], lines: list[str], corner: tuple[int, int], colour: RGB
    ) -> None:
        """Draw lines below each other, the first one's box at (row, col)."""
        for index, line in enumerate(lines):
            base = corner[0] + index * self.line_px + round(0.5 * self.line_px + 0.36 * self.size_px)
            draw_text(canvas, line, (base, corner[1]), self.size_px, colour, self.font)


def arrange_legends(entries: Sequence[LegendEntry], caption: str, size_px: int) -> Iterator[Legend]:
    """Yield the legend in one column, in two, and so on, as many as make sense.

    Parameters
    ----------
    entries
        The queries; absent ones are moved to the end.
    caption
        Text under the entries; may be empty.
    size_px
        Font size.
    """
    font = default_font()
    rows = list(_rows(entries, size_px, font))
    n_before = 0
    for n_columns in range(1, min(_MAX_COLUMNS, max(1, len(rows))) + 1):
        columns = [_measure(column, size_px, font) for column in _fill_columns(rows, n_columns)]
        if len(columns) == n_before:  # rows of several lines do not part any further
            continue
        n_before = len(columns)
        text_width = Legend(columns, [], size_px, font).width_px - 2 * size_px
        lines = wrap(printable(caption, font), size_px, text_width, 4, font) if caption else []
        yield Legend(columns, lines, size_px, font)


def _measure(rows: list[_Row], size_px: int, font: Font) -> _Column:
    """Return a column as wide as its longest name and remark."""
    names = [font.width_px(line, size_px) for row in rows for line in row.lines]
    remarks = [font.width_px(row.entry.remark, size_px) for row in rows if row.entry]
    return _Column(rows, max(names, default=4 * size_px), max(remarks, default=0))


def _rows(entries: Sequence[LegendEntry], size_px: int, font: Font) -> Iterator[_Row]:
    """Yield the entries in lines, those with a mask first, and a last row that counts what is left out."""
    ordered = sorted(entries, key=lambda entry: entry.verdict == "absent")
    shown = ordered if len(ordered) <= MAX_ENTRIES else ordered[: MAX_ENTRIES - 1]
    for entry in shown:
        yield _Row(entry, wrap(printable(entry.name, font), size_px, 16 * size_px, _MAX_NAME_LINES, font))
    if hidden := ordered[len(shown) :]:
        n_absent = sum(entry.verdict == "absent" for entry in hidden)
        yield _Row(None, [f"… and {len(hidden)} more, {n_absent} of them absent"])


def _fill_columns(rows: list[_Row], n_columns: int) -> list[list[_Row]]:
    """Spread rows over columns, in order, so that the tallest is as short as possible."""
    heights = [len(row.lines) + 0.25 for row in rows]
    limit = max([sum(heights) / n_columns, *heights], default=0.0)
    while True:
        columns: list[list[_Row]] = [[]]
        filled = 0.0
        for row, height in zip(rows, heights, strict=True):
            if filled + height > limit + 1e-9 and columns[-1]:
                columns.append([])
                filled = 0.0
            columns[-1].append(row)
            filled += height
        if len(columns) <= n_columns:
            return columns
        limit += 0.25


def _swatch(side_px: int, fill: float, border_px: float) -> Float32[np.ndarray, "h w"]:
    """Return the coverage of a square with round corners, filled to a share within its border."""
    radius = 0.25 * side_px
    offsets = np.abs(np.arange(side_px) + 0.5 - side_px / 2) - (side_px / 2 - radius)
    corner = np.hypot(np.maximum(offsets, 0)[:, np.newaxis], np.maximum(offsets, 0))
    depth = radius - corner - np.minimum(np.maximum(offsets[:, np.newaxis], offsets), 0)
    shape, inner = np.clip(depth + 0.5, 0, 1), np.clip(depth - border_px + 0.5, 0, 1)
    coverage: Float32[np.ndarray, "h w"] = (shape - (1 - fill) * inner).astype(np.float32)
    return coverage
