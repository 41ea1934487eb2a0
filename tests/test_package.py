"""The package as a whole."""

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import napari_car

ROOT = Path(__file__).parents[1]


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_is_light() -> None:
    loaded = run_python("import sys, napari_car; print(*sys.modules)").split()
    heavy = {"torch", "open_clip", "numpy", "cv2", "scipy", "napari", "qtpy", "PyQt6", "PySide6", "click", "rich"}
    assert heavy.isdisjoint(loaded)


def test_public_names_are_loaded_on_first_use() -> None:
    for name in napari_car.__all__:
        assert getattr(napari_car, name) is not None
    assert set(napari_car.__all__) <= set(dir(napari_car))
    with pytest.raises(AttributeError, match="no attribute 'Segmentor'"):
        _ = napari_car.Segmentor


def test_the_engine_runs_without_napari() -> None:
    blocked = (
        "import sys; sys.modules.update(dict.fromkeys(['napari', 'qtpy', 'magicgui', 'superqt', 'npe2', 'pandas']))\n"
    )
    names = [module.name for module in pkgutil.walk_packages(napari_car.__path__, "napari_car.")]
    headless = [name for name in names if not f"{name}.".startswith("napari_car.gui.")]
    assert {"napari_car.annotation.survey", "napari_car.cli.app", "napari_car.scenes"} <= set(headless)
    run_python(f"{blocked}import {', '.join(headless)}")


def test_changelog_names_this_version() -> None:
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == napari_car.__version__


def test_citation_names_this_version_and_the_paper() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {napari_car.__version__}" in citation
    assert "CLIP as RNN: Segment Countless Visual Concepts without Training Endeavor" in citation


def test_modules_are_one_subject_each() -> None:
    long = {
        str(file.relative_to(ROOT)): n_lines
        for file in (ROOT / "src").rglob("*.py")
        if (n_lines := len(file.read_text(encoding="utf-8").splitlines())) > 320
    }
    assert not long


def test_every_dependency_is_explained() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    named = [*project["project"]["dependencies"], *extras["gui"], *extras["crf"]]
    for group in project["dependency-groups"].values():
        named += [item for item in group if isinstance(item, str)]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for requirement in named:
        name = re.split(r"[\[<>=]", requirement)[0]
        assert f"`{name}`" in page, f"{name} is not explained in docs/dependencies.md"
