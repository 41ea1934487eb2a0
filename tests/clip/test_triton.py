"""triton's LLVM and the one of Mesa's OpenGL in one process."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from after_a_window import assert_importable_after_a_window

SOURCES = Path(__file__).parents[2] / "src"


@pytest.mark.gui
@pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed")
def test_the_networks_can_be_loaded_after_a_window_was_opened() -> None:
    assert_importable_after_a_window("napari_car.segmenter")


def test_open_clip_is_imported_in_one_place() -> None:
    importing = [
        file.name
        for file in SOURCES.rglob("*.py")
        if re.search(r"^\s*(import|from) open_clip", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == ["openclip.py"]
