"""The hooks that run before a commit are the checks that run in the tests."""

import shutil
import sys
from pathlib import Path

import yaml
from pages import ROOT

REPOSITORIES = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]


def test_hooks_of_others_are_pinned() -> None:
    assert all(entry["repo"] == "local" or entry["rev"].startswith("v") for entry in REPOSITORIES)


def test_local_hooks_need_no_network_and_are_installed() -> None:
    local = [hook for entry in REPOSITORIES if entry["repo"] == "local" for hook in entry["hooks"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in local:
        assert hook["language"] == "system"
        tool = hook["entry"].split()[0]
        assert shutil.which(tool, path=str(Path(sys.executable).parent))
        assert f"$(BIN)/{tool}" in makefile
