"""The pictures of the dock widget: those that are taken are those that the pages show, and they can be taken again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT
from PIL import Image

pytestmark = pytest.mark.gui  # the program loads napari's window

IMAGES = ROOT / "docs" / "images"
SCREENSHOTS = ROOT / "docs" / "screenshots.py"
MADE_OTHERWISE = {"demo.png", "evaluation.png", "report.png"}
MAX_BYTES = 300_000


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the pictures that the program takes."""
    monkeypatch.syspath_prepend(SCREENSHOTS.parent)
    import screenshots

    return {f"{name}.png" for names in screenshots.SESSIONS.values() for name in names}


def shown() -> set[str]:
    """Return the names of the pictures that the pages show."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    return {name for text in texts for name in re.findall(r"images/([\w.-]+)\)", text)}


def test_pages_show_each_picture_that_is_taken_and_no_other(taken: set[str]) -> None:
    assert shown() - MADE_OTHERWISE == taken


def test_no_picture_is_stale_or_large(taken: set[str]) -> None:
    assert {file.name for file in IMAGES.iterdir()} - MADE_OTHERWISE == taken
    assert [name for name in taken if (IMAGES / name).stat().st_size > MAX_BYTES] == []


@pytest.mark.slow
def test_pictures_can_be_taken_again(taken: set[str], tmp_path: Path) -> None:
    command = [sys.executable, str(SCREENSHOTS), "--out", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=500)
    assert {file.name for file in tmp_path.iterdir()} == taken
    for name in taken:
        with Image.open(IMAGES / name) as old, Image.open(tmp_path / name) as new:
            assert new.size == old.size, f"{name} is out of date: run docs/screenshots.py"
            assert len(new.getcolors(1 << 24)) > 20, f"{name} shows nothing"
