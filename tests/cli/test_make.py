"""The two commands of the README."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def commands_of_make_test(**variables: str) -> list[str]:
    """Return what ``make test`` would run."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", "--dry-run", "--always-make", "test"]
    printed = subprocess.run(
        command, cwd=ROOT, env=outside | variables, capture_output=True, text=True, check=True
    ).stdout
    return [line.strip() for line in printed.splitlines()]


@needs_make
def test_make_test_runs_every_check_and_pytest_last() -> None:
    *checks, _, without_windows, with_windows, says_where = commands_of_make_test()[-9:]
    assert [line.split()[0] for line in checks] == [
        f".venv/bin/{name}" for name in ("ruff", "ruff", "mypy", "lint-imports", "mkdocs")
    ]
    default = "not slow and not weights and not gpu"
    assert f'.venv/bin/python -m pytest -m "not gui and {default}" -n auto' in without_windows
    assert f'.venv/bin/python -m pytest -m "gui and {default}"' in with_windows
    assert says_where == "{ status=$?; head -n 30 .pytest_cache/crash*.txt; exit $status; }"


@needs_make
def test_without_a_screen_pytest_gets_a_virtual_one(tmp_path: Path) -> None:
    xvfb_run = tmp_path / "xvfb-run"
    xvfb_run.write_text("#!/bin/sh\n")
    xvfb_run.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    assert commands_of_make_test(PATH=path, DISPLAY="")[-2].startswith("xvfb-run -a -s ")
    assert commands_of_make_test(PATH=path, DISPLAY=":1")[-2].startswith(".venv/bin/python -m pytest ")


def test_ci_calls_make_test_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]
