"""Every command and every Python example of README and site does what it says."""

import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from pages import PAGES, ROOT, Block, Command, read_blocks, read_commands

from napari_car.cli.app import app

pytestmark = pytest.mark.timeout(300)

LANGUAGES = {"console", "python", "text", "toml", "bibtex", "json"}
START_WITHOUT_WEIGHTS = {"README.md", "install.md", "quickstart.md"}
"""Pages that tell their reader to download the networks before they are used."""
WITH_BENCHMARKS = {"evaluation.md", "paper.md", "experiments.md"}
VARIABLES = {"NAPARI_CAR_MODELS", "NAPARI_CAR_CACHE", "NAPARI_CAR_TEST_DATA", "NAPARI_CAR_REFERENCE"}
CLASHING = {"opencv-python"}
"""Packages that may have to go."""
VARIABLES_OF_OTHERS = {"LIBGL_ALWAYS_SOFTWARE"}


def read(page: Path) -> list[Block]:
    return read_blocks(page.read_text(encoding="utf-8"))


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WITH_EXAMPLES = [page for page in PAGES if {block.language for block in read(page)} & {"console", "python"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_is_of_a_known_kind(page: Path) -> None:
    for block in read(page):
        assert block.language in LANGUAGES, f"line {block.line}: {block.language or 'no language'}"
        assert block.language != "console" or block.text.startswith("$ "), f"line {block.line}: no command"


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_examples_run_from_top_to_bottom(page: Path, workplace) -> None:
    if page.name not in START_WITHOUT_WEIGHTS:
        workplace.add_paper_networks()
    if page.name in WITH_BENCHMARKS:
        workplace.add_benchmarks()
    names: dict[str, object] = {"__name__": "__main__"}
    for block in read(page):
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command in read_commands(block):
                run_command(command)
        elif block.language == "python":
            # Line numbers in tracebacks are those of the page.
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)


def test_summary_has_the_keys_that_the_page_lists(workplace) -> None:
    run_command(Command("napari-car segment scene.png -q star --preset demo", ""))
    summary = json.loads(Path("napari-car-output/scene/summary.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    table = page[page.index("| key | content |") :].split("\n\n")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert set(listed) == set(summary)
    assert set(re.findall(r"`(\w+)`", listed["queries"])) == set(summary["queries"][0])


def test_run_record_has_the_keys_that_the_page_lists(workplace) -> None:
    page = ROOT / "docs" / "microscopy.md"
    names: dict[str, Any] = {}
    for block in read(page):
        if block.language == "python":
            exec(block.text, names)
    table = page.read_text(encoding="utf-8").split("| key | content |")[1].split("\n\n")[0]
    first_cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", ", ".join(first_cells))) == sorted(names["run"])
    assert names["labels"].any()


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("napari-car segment scene.png --querry star", "No such option"),
        ("make coffee", "coffee"),
        ('pip install "napari-car[qt]"', "qt"),
        ("python benchmarks/size.py", "size.py"),
        ("python benchmarks/speed.py --fast", "--fast"),
        ("git push", "git"),
        ('napari --with napari-car "CLIP as CNN"', "CNN"),
    ],
)
def test_wrong_commands_are_noticed(command: str, complaint: str, workplace) -> None:
    with pytest.raises(AssertionError, match=complaint):
        run_command(Command(command, ""))


def test_wrong_outputs_are_noticed(workplace) -> None:
    run_command(Command("napari-car --version", "napari-car, version 7.8.9"))
    with pytest.raises(AssertionError, match="goodbye"):
        run_command(Command("napari-car --version", "goodbye"))


def run_command(command: Command) -> None:
    """Run a command of the program; of those that change the machine check that what they name is there."""
    words = shlex.split(command.text, comments=True)
    assert words[0] in RUNNERS, f"no test knows {words[0]}"
    output = RUNNERS[words[0]](words[1:])
    for line in command.output.splitlines():
        assert line.strip() in ("", "...") or normalised(line) in normalised(output), f"{line!r} is not in:\n{output}"


def normalised(text: str) -> str:
    """Return a text in which numbers and runs of blanks do not count."""
    return re.sub(r"\s+", " ", re.sub(r"[\d.,]*\d", "#", text)).strip()


def run_program(arguments: list[str]) -> str:
    result = CliRunner().invoke(app, arguments, prog_name="napari-car")
    assert result.exit_code == 0, f"napari-car {shlex.join(arguments)}: {result.output} {result.exception!r}"
    return result.output


def check_make(targets: list[str]) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"the Makefile has no target {target}"
    return ""


def check_pip(words: list[str]) -> str:
    assert words[0] in ("install", "uninstall"), words
    for word in words[1:]:
        if match := re.fullmatch(r"(?:napari-car|\.)\[([\w,]+)\]", word):
            missing = set(match[1].split(",")) - set(PROJECT["project"]["optional-dependencies"])
            assert not missing, f"there is no extra {missing}"
        elif not word.startswith(("-", "https://")):
            base = {re.split(r"[\[<>=]", name)[0] for name in PROJECT["project"]["dependencies"]}
            base |= CLASHING if words[0] == "uninstall" else set()
            assert word in {".", "napari-car", *base}, f"{word} is no dependency"
    return ""


def check_python(words: list[str]) -> str:
    """Check that a script is there and has the options that are named; or that a module is."""
    if words[0] == "-m":
        return check_tool(words[1:])
    script = ROOT / words[0]
    assert script.is_file(), f"there is no {words[0]}"
    source = script.read_text(encoding="utf-8")
    for option in (word.split("=")[0] for word in words[1:] if word.startswith("--")):
        assert f'"{option}"' in source, f"{words[0]} has no option {option}"
    return ""


def check_tool(words: list[str]) -> str:
    """Check that a tool of the development environment is there, and paths it is given, too."""
    assert shutil.which(words[0], path=str(Path(sys.executable).parent)), f"{words[0]} is not installed"
    for word in words[1:]:
        assert "/" not in word or (ROOT / word).exists(), f"there is no {word}"
    return ""


def check_napari(words: list[str]) -> str:
    """Check the options of napari, and that the plugin has the widget that is to be opened."""
    manifest = yaml.safe_load((ROOT / "napari.yaml").read_text(encoding="utf-8"))
    if "--with" in words:
        plugin, widget = words[words.index("--with") + 1 :]
        assert plugin == manifest["name"]
        assert widget in [entry["display_name"] for entry in manifest["contributions"]["widgets"]], widget
    options = {word for word in words if word.startswith("--")}
    assert options <= {"--with", "--info"}, f"no test knows {options}"
    return ""


def check_export(words: list[str]) -> str:
    name, equals, _ = words[0].partition("=")
    assert equals, "export needs a value"
    assert name in VARIABLES | VARIABLES_OF_OTHERS, f"nothing reads {name}"
    return ""


RUNNERS: dict[str, Callable[[list[str]], str]] = {
    "napari-car": run_program,
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
    "export": check_export,
    "napari": check_napari,
    **{
        tool: lambda words, tool=tool: check_tool([tool, *words])
        for tool in ("ruff", "mypy", "lint-imports", "mkdocs", "pre-commit", "pytest")
    },
}
