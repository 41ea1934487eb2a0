"""mkdocs hook: put tables made from the code and from stored benchmarks into the pages.

A line ``<!-- generated: NAME -->`` of a page stands for the text that the function of that name returns, so that
options, defaults, checkpoints and figures are written once: where they are decided or measured.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark_tables import clicks, crf, demo, speed, video, window
from code_tables import checkpoints, commands, correction_shortcuts, options, parameters, presets, shortcuts
from evaluation_tables import benchmark_layouts, benchmark_options, paper_commands
from experiment_tables import distractors, experiments, sharing
from roles import link_roles

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
MARKER = re.compile(r"^<!-- generated: ([\w -]+) -->$", re.MULTILINE)

SOURCES: dict[str, Callable[..., str]] = {
    "commands": commands,
    "options": options,
    "parameters": parameters,
    "presets": presets,
    "checkpoints": checkpoints,
    "shortcuts": shortcuts,
    "correction_shortcuts": correction_shortcuts,
    "experiments": experiments,
    "paper_commands": paper_commands,
    "benchmark_layouts": benchmark_layouts,
    "benchmark_options": benchmark_options,
    "demo": lambda: stored("demo_checkpoint", demo),
    "speed": lambda: stored("speed", speed),
    "crf": lambda: stored("crf", crf),
    "window": lambda: stored("window", window),
    "video": lambda: stored("video", video),
    "clicks": lambda: stored("clicks", clicks),
    "distractors": lambda: stored("distractors", distractors),
    "sharing": lambda: stored("experiments", sharing),
}
"""Name in a marker -> what makes the text; further words of the marker are its arguments."""


def stored(name: str, describe: Callable[[dict[str, Any]], str]) -> str:
    """Describe the stored result of a benchmark; nothing where it has not been run."""
    file = RESULTS / f"{name}.json"
    return describe(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else ""


def fill(markdown: str) -> str:
    """Replace every marker of a page; raise KeyError if one names nothing."""

    def text_of(match: re.Match[str]) -> str:
        name, *arguments = match[1].split()
        return SOURCES[name](*arguments)

    return MARKER.sub(text_of, markdown)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill a page before it is rendered (called by mkdocs)."""
    return fill(markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Link the names in docstrings (called by mkdocs)."""
    return link_roles(html)
