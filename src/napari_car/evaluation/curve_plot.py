"""The distractor curve as an SVG, in light or dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from .curve import Curve, Point

TEMPLATE_FILE = "curve.svg.jinja"

PANEL_PX = (300, 190)
"""Width and height of a panel's axes."""
MARGIN_PX = (58, 52)
"""Left of the axes, and above them."""
CELL_PX = (400, 290)
"""Width and height of a panel with all around it."""

_N_TICKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The points of one panel that are joined."""

    recurs: bool
    points: tuple[tuple[float, float], ...]
    """x and y in px."""

    @property
    def path(self) -> str:
        """What joins them."""
        return " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(self.points))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One quantity over the number of absent queries."""

    title: str
    left_px: int
    top_px: int
    lines: tuple[Line, ...]
    y_ticks: tuple[tuple[float, str], ...]
    """Height in px and text."""


def draw_curve(curve: Curve) -> str:
    """Return the curve as an SVG with four panels: mIoU, presence precision and recall, time."""
    n_absent = sorted({point.n_absent for point in curve.points})
    step = PANEL_PX[0] / max(1, len(n_absent) - 1)
    places = {count: number * step for number, count in enumerate(n_absent)}
    quantities: tuple[tuple[str, list[float | None], float | None], ...] = (
        ("mIoU (%)", [_percent(point.mean_iou) for point in curve.points], 100.0),
        ("presence precision (%)", [_percent(point.precision) for point in curve.points], 100.0),
        ("presence recall (%)", [_percent(point.recall) for point in curve.points], 100.0),
        ("time per image (s)", [point.seconds for point in curve.points], None),
    )
    panels = [
        _draw_panel(number, title, curve.points, values, places, top)
        for number, (title, values, top) in enumerate(quantities)
    ]
    text = files(__package__).joinpath(TEMPLATE_FILE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text).render(
        title=f"{curve.title}: scores with absent queries",
        panels=panels,
        panel_px=PANEL_PX,
        size_px=(2 * CELL_PX[0], 2 * CELL_PX[1] + 40),
        x_ticks=[(x, str(count)) for count, x in places.items()],
    )


def _draw_panel(
    number: int,
    title: str,
    points: Sequence[Point],
    values: Sequence[float | None],
    places: dict[int, float],
    top: float | None,
) -> Panel:
    """Place the points of a quantity whose axis starts at 0."""
    highest = top or _round_up(max((value for value in values if value is not None), default=0.0))
    height = PANEL_PX[1]
    lines = []
    for recurs in (True, False):
        known = [
            (places[point.n_absent], height * (1 - value / highest))
            for point, value in zip(points, values, strict=True)
            if point.recurs == recurs and value is not None
        ]
        lines.append(Line(recurs=recurs, points=tuple(sorted(known))))
    ticks = [(height * (1 - i / _N_TICKS), f"{highest * i / _N_TICKS:g}") for i in range(_N_TICKS + 1)]
    return Panel(
        title=title,
        left_px=number % 2 * CELL_PX[0] + MARGIN_PX[0],
        top_px=number // 2 * CELL_PX[1] + MARGIN_PX[1] + 30,
        lines=tuple(lines),
        y_ticks=tuple(ticks),
    )


def _percent(share: float | None) -> float | None:
    """Return a share in percent."""
    return None if share is None else 100 * share


def _round_up(value: float) -> float:
    """Return the end of an axis: 1, 2, 4 or 8 times a power of ten, at least the value."""
    end = 0.001
    while end < value:
        end = next((end_ for factor in (2, 4, 8, 10) if (end_ := end * factor) >= value), end * 10)
        if end >= value:
            break
    return round(end, 6)
