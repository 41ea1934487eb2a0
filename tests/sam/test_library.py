"""segment_anything_hq is loaded late, quietly, and without a trace in timm."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from after_a_window import assert_importable_after_a_window

SOURCES = Path(__file__).parents[2] / "src"
TIMM_BEFORE_AND_AFTER = """
import warnings, timm
def table():
    names = timm.list_models("tiny_vit*")
    return names, timm.list_pretrained("tiny_vit*"), [timm.models.model_entrypoint(name) for name in names]
before, filters = table(), list(warnings.filters)
import napari_car.sam.library
print(table() == before and len(before[0]) > 4, warnings.filters == filters)
"""


def run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=120)


def test_import_says_nothing_and_leaves_timm_as_it_was() -> None:
    done = run(TIMM_BEFORE_AND_AFTER, "-W", "always")
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_import_works_where_warnings_are_errors() -> None:
    assert run("import napari_car.sam.loading", "-W", "error").stderr == ""


def test_what_needs_no_sam_does_not_load_it() -> None:
    program = (
        "import sys, napari_car.sam.matching, napari_car.sam.prompts, napari_car.checkpoints.sam_files; "
        "print({'segment_anything_hq', 'timm', 'torchvision', 'torch'} & set(sys.modules))"
    )
    assert run(program).stdout == "set()\n"


@pytest.mark.gui
@pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed")
def test_sam_can_be_loaded_after_a_window_was_opened() -> None:
    assert_importable_after_a_window("napari_car.sam.loading")


@pytest.mark.parametrize("package", ["segment_anything_hq", "timm"])
def test_it_is_imported_in_one_place(package: str) -> None:
    importing = [
        file.name
        for file in SOURCES.rglob("*.py")
        if re.search(rf"^\s*(import|from) {package}", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == ["library.py"]
