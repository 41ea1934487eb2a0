"""Fenced blocks of the pages, and the commands in them."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    """Name of the file that the block shows; empty if it shows none."""
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command as typed, and the output that the page shows for it."""

    text: str
    output: str


def read_blocks(markdown: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [
        Block(
            language=match["info"].split(" ")[0],
            title=title[1] if (title := re.search(r'title="([^"]+)"', match["info"])) else "",
            text=textwrap.dedent(match["text"]),
            line=markdown.count("\n", 0, match.start()) + 1,
        )
        for match in _FENCE.finditer(markdown)
    ]


def read_commands(block: Block) -> list[Command]:
    """Return the commands after ``$``, each with the lines below it; a line that ends in a backslash goes on."""
    _, *parts = re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)
    pairs = (part.rstrip("\n").partition("\n") for part in parts)
    return [Command(text, output) for text, _, output in pairs]
