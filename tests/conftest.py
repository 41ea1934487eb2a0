"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's caches and models."""
    monkeypatch.setenv("NAPARI_CAR_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """Outputs of the authors' program; tests that need them are skipped where they are absent."""
    folder = Path(os.environ.get("NAPARI_CAR_REFERENCE", ROOT.parent / "shared" / "reference"))
    if not (folder / "golden" / "manifest.json").is_file():
        pytest.skip(f"no reference data in {folder}; set NAPARI_CAR_REFERENCE")
    return folder


@pytest.fixture(scope="session")
def photo_folder() -> Path:
    """Real images with masks; tests that need them are skipped where they are absent."""
    folder = Path(os.environ.get("NAPARI_CAR_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "voc2011").is_dir():
        pytest.skip(f"no test photographs in {folder}; set NAPARI_CAR_TEST_DATA")
    return folder
