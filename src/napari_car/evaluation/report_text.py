"""An evaluation in words and as a table in Markdown."""

from napari_car.presets import PRESETS
from napari_car.results import CheckpointIdentity

from .benchmarks.catalogue import find_benchmark
from .experiments import find_roles
from .run_header import RunHeader
from .summary import EvaluationSummary, Row

UNKNOWN = "–"


def describe_scores(summary: EvaluationSummary) -> list[str]:
    """Return lines for a terminal: the score that the paper reports first."""
    head = summary.rows[0]
    paper = "" if head.paper is None else f", {percent(head.paper)} in the paper"
    lines = [f"{summary.title} ({summary.header.split}): {head.score.name} {percent(head.score.value)} %{paper}"]
    others = ", ".join(f"{row.score.name} {percent(row.score.value)}" for row in summary.rows[1:])
    lines.append(f"Also, in percent: {others}.")
    lines.append(f"{count_items(summary)}; {summary.speed.seconds:.2f} s per picture.")
    return [*lines, *find_warnings(summary)]


def write_markdown(summary: EvaluationSummary) -> str:
    """Return the report as Markdown."""
    header = summary.header
    lines = [
        f"# {summary.title}, {header.split}",
        "",
        f"{count_items(summary)}. Preset `{header.preset}`, f `{header.f.name}`, g `{header.g.name}`"
        + (f", SAM `{header.sam.name}`" if header.sam else "")
        + ".",
        "",
        *(f"**{warning}**\n" for warning in find_warnings(summary)),
        "| in percent | here | paper | difference |",
        "| --- | ---: | ---: | ---: |",
        *(_row(row) for row in summary.rows),
        "",
    ]
    if summary.classes:
        lines += [
            "| class | IoU | accuracy | pixels | predicted |",
            "| --- | ---: | ---: | ---: | ---: |",
            *(
                f"| {_plain(item.name)} | {percent(item.iou)} | {percent(item.accuracy)} | {item.n_true_px:,} | "
                f"{item.n_predicted_px:,} |"
                for item in summary.classes
            ),
            "",
        ]
    speed = summary.speed
    lines += [
        "| per picture | |",
        "| --- | ---: |",
        f"| median time | {speed.seconds:.3f} s |",
        *(f"| {stage} | {seconds:.3f} s |" for stage, seconds in speed.stages.items()),
        f"| time steps | {speed.n_steps:.2f} |",
        f"| highest memory | {UNKNOWN if speed.memory_mb is None else f'{speed.memory_mb:,.0f} MiB'} |",
        "",
    ]
    return "\n".join(lines)


def find_warnings(summary: EvaluationSummary) -> list[str]:
    """Say why figures cannot be compared with the paper's."""
    warnings = []
    n_items, n_published = summary.header.n_items, summary.n_published
    if not summary.is_whole:
        warnings.append(f"Only {summary.n_done:,} of {n_items:,} items are evaluated.")
    if n_published is not None and n_items != n_published:
        warnings.append(f"The data set has {n_items:,} items in this split, and as published it has {n_published:,}.")
    if any(row.paper is not None for row in summary.rows):
        warnings += _find_other_ways(summary.header)
    return warnings


def _find_other_ways(header: RunHeader) -> list[str]:
    """Say what else than in the paper was done: other options, another preset, other networks."""
    entry = find_benchmark(header.benchmark)
    said = []
    for option, values in entry.choices.items():
        published = entry.released_options.get(option, values[0])
        if header.options.get(option, values[0]) != published:
            here = header.options.get(option, values[0])
            said.append(f"The paper's figure is with {option}={published}, and this one with {option}={here}.")
    if header.preset != entry.preset:
        said.append(f"The paper's parameters are those of the preset {entry.preset}, and these are {header.preset}'s.")
    preset = PRESETS[entry.preset]
    names = {"f": preset.f, "g": preset.g}
    for part, role in zip(("f", "g"), find_roles(header.variant, header.benchmark), strict=True):
        network: CheckpointIdentity = getattr(header, part)
        name = names[role]
        if network.name != name:
            said.append(f"The paper's {part} is {name}, and this one is {network.name}.")
    return said


def count_items(summary: EvaluationSummary) -> str:
    """Say how many items are evaluated."""
    n_items = summary.header.n_items
    what = f"{summary.n_done:,} item{'s' if summary.n_done != 1 else ''}"
    return f"{what} evaluated" if summary.is_whole else f"{what} of {n_items:,} evaluated"


def counted(n: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{n:,} {noun}{'s' if n != 1 else ''}"


def percent(value: float | None) -> str:
    """Write a fraction in percent, with two digits."""
    return UNKNOWN if value is None else f"{100 * value:.2f}"


def _row(row: Row) -> str:
    """Write a score beside the paper's."""
    difference = UNKNOWN if row.difference is None else f"{100 * row.difference:+.2f}"
    return f"| {row.score.name} | {percent(row.score.value)} | {percent(row.paper)} | {difference} |"


def _plain(text: str) -> str:
    """Return a text that does not end a cell."""
    return text.replace("|", "\\|").replace("\n", " ")
