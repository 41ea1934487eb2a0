"""The two commands of the README."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_test_runs_every_check_and_pytest_last() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "--always-make", "test"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    printed = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=True).stdout
    commands = [line.split()[0].rpartition("/")[2] for line in printed.splitlines() if line.startswith(".venv/bin/")]
    assert commands[-6:] == ["ruff", "ruff", "mypy", "lint-imports", "mkdocs", "python"]
    assert printed.splitlines()[-1].split()[1:3] == ["-m", "pytest"]


def test_ci_calls_make_test_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]
