"""triton's LLVM and the one of Mesa's OpenGL in one process."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
PROGRAM = """
import napari, numpy
from pathlib import Path
viewer = napari.Viewer()
viewer.add_image(numpy.zeros((8, 8)))
napari.qt.get_qapp().processEvents()
print("LLVM" if "libLLVM" in Path("/proc/self/maps").read_text() else "no LLVM", flush=True)
import napari_car.segmenter
print("alive")
viewer.close()
"""


@pytest.mark.gui
@pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed")
def test_the_networks_can_be_loaded_after_a_window_was_opened() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    if done.stdout.startswith("no LLVM"):
        pytest.skip("OpenGL brings no LLVM here")
    assert "alive" in done.stdout, f"exit code {done.returncode}: {done.stderr[-500:]}"


def test_open_clip_is_imported_in_one_place() -> None:
    importing = [
        file.name
        for file in SOURCES.rglob("*.py")
        if re.search(r"^\s*(import|from) open_clip", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == ["openclip.py"]
