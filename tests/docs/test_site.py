"""The site builds strictly, without a network, and has a page for everything it names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    # Whoever asked an address beyond this machine would fail.
    variables = {"NO_MKDOCS_2_WARNING": "1", **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")}
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, env=os.environ | variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=[\"']?((?:https?:)?//[^\s\"'>]+)", html
        )
        assert loaded == [], page.name


def test_markers_and_roles_are_replaced(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert "generated:" not in html, page.name
        assert not re.search(r":(?:attr|class|data|func|meth|mod):", html), page.name


def test_search_knows_the_parameters(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "score_threshold" in index


def test_hooks_are_not_published(site: Path) -> None:
    assert not (site / "hooks").exists()


def test_links_of_the_readme_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
        assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_paths_named_in_the_pages_exist() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        paths = re.findall(r"`((?:src|tests|docs|benchmarks|training)/[\w./-]+)`", page.read_text(encoding="utf-8"))
        assert [path for path in paths if not (ROOT / path).exists()] == [], page.name
