"""A module that is imported in a process whose window has drawn already, and so loaded Mesa's LLVM."""

import subprocess
import sys

import pytest

_PROGRAM = """
import napari, numpy
from pathlib import Path
viewer = napari.Viewer()
viewer.add_image(numpy.zeros((8, 8)))
napari.qt.get_qapp().processEvents()
print("LLVM" if "libLLVM" in Path("/proc/self/maps").read_text() else "no LLVM", flush=True)
import {module}
print("alive")
viewer.close()
"""


def assert_importable_after_a_window(module: str) -> None:
    """Import a module in such a process, which dies without a word if LLVMs meet; skipped where OpenGL brings none."""
    program = _PROGRAM.format(module=module)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    if done.stdout.startswith("no LLVM"):
        pytest.skip("OpenGL brings no LLVM here")
    assert "alive" in done.stdout, f"exit code {done.returncode}: {done.stderr[-500:]}"
