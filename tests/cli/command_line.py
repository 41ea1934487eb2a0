"""The command as typed, in a process of its own, and small images for it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from click.testing import Result
from PIL import Image

Command = Callable[..., Result]
"""Runs ``napari-car`` with the given arguments, in this process."""


def fast_options(model: Path) -> list[str]:
    """Options that keep a run short."""
    changes = ("proposals.background_lists=[]", 'proposals.background_words=["grass"]', 'classifier.templates=["{}"]')
    options = [option for change in changes for option in ("--set", change)]
    return ["--model", str(model), "--crf-backend", "none", "--score-threshold", "0", *options]


def run_process(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``napari-car`` as a process of its own."""
    return subprocess.run(
        process_command(*arguments), capture_output=True, text=True, timeout=500, env=os.environ | variables
    )


def process_command(*arguments: str | Path) -> list[str]:
    """Return the command line of a process in which Ctrl-C works even if it was started in the background."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from napari_car.cli import main; main()"
    )
    return [sys.executable, "-c", code, *map(str, arguments)]


def write_image(path: Path, height: int = 40, width: int = 56, seed: int = 0) -> Path:
    """Write a small picture of coloured blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST).save(path)
    return path
