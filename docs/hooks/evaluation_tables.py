"""Tables of the benchmarks: what they need, how they are run, and what the paper says, from the program's catalogue."""

from collections.abc import Iterator
from pathlib import Path

from markdown_table import code, table

from napari_car.errors import DocumentError
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS, BenchmarkEntry
from napari_car.evaluation.benchmarks.published import Figure

FOLDERS = {
    "voc": "data",
    "voc-20": "data",
    "coco-object": "data/coco",
    "context-60": "data",
    "context-59": "data",
    "context-459": "data/pascal_ctx459",
    "ade-150": "data/ADEChallengeData2016",
    "ade-847": "data/ADE20K_2021_17_01",
    "refcoco": "data/refer",
    "refcoco+": "data/refer",
    "refcocog-umd": "data/refer",
    "refcocog-google": "data/refer",
    "gres": "data/refer",
    "ref-davis": "data/DAVIS",
    "davis-frames": "data/DAVIS",
}
"""Where the commands of the page look for each data set."""


def paper_commands() -> str:
    """Return a table with one command for each figure of the paper."""
    rows = [(entry.title, code(command), said) for entry, command, said in _commands()]
    return table(("benchmark", "command", "paper"), rows, "llr")


def benchmark_layouts() -> str:
    """Return a table of what the folder of each data set holds, and where it comes from."""
    rows: dict[str, list[str]] = {}
    for name, folder in FOLDERS.items():
        rows.setdefault(f"{code(folder)} | {_layout(BENCHMARKS[name])}", []).append(code(name))
    cells = ((", ".join(names), *said.split(" | ", 1)) for said, names in rows.items())
    return table(("benchmark", "folder here", "what it holds"), cells)


def benchmark_options() -> str:
    """Return a table of the splits and options of the benchmarks."""
    rows = [
        (code(entry.name), ", ".join(map(code, entry.splits)), "; ".join(_options(entry)), code(entry.preset))
        for entry in BENCHMARKS.values()
    ]
    return table(("benchmark", "splits", "options", "preset"), rows)


def _commands() -> Iterator[tuple[BenchmarkEntry, str, str]]:
    """Yield a command for each split that the paper reports, without and with SAM, and what it reports."""
    for entry in BENCHMARKS.values():
        groups: dict[tuple[str, bool], list[Figure]] = {}
        for figure in entry.figures:
            groups.setdefault((figure.split, figure.with_sam), []).append(figure)
        for (split, with_sam), figures in groups.items():
            words = ["napari-car evaluate", entry.name, "--root", FOLDERS[entry.name]]
            words += ["--split", split] if split != entry.splits[0] else []
            words += [f"--option {key}={value}" for key, value in entry.released_options.items()]
            words += ["--sam"] if with_sam else []
            out = "-".join([entry.name, *([split] if split != entry.splits[0] else []), *(["sam"] if with_sam else [])])
            words += ["--out", f"results/{out}"]
            yield entry, " ".join(words), ", ".join(f"{item.metric} {item.value:.2f}" for item in figures)


def _options(entry: BenchmarkEntry) -> Iterator[str]:
    """Yield the options of a benchmark with their values, the default first."""
    for option, values in entry.choices.items():
        yield code(option) + (f": {', '.join(map(code, values))}" if values else "")


def _layout(entry: BenchmarkEntry) -> str:
    """Return what the program says of a folder that is missing."""
    try:
        entry.open(Path("a-folder-that-is-not-there"))
    except DocumentError as error:
        sentence = str(error).partition(": ")[2].rstrip(".")
        sentence = f"{sentence[:1].upper()}{sentence[1:]}."
        return sentence.replace("*", r"\*")  # in markdown, what stands between two of them is slanted
    raise AssertionError(f"{entry.name} was opened without a folder")
