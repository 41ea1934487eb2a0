"""What holds for every test: fixtures, private folders, and no windows where there is no screen."""

import faulthandler
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

ROOT = Path(__file__).parents[1]

HAS_SCREEN = os.environ.get("QT_QPA_PLATFORM") != "offscreen" and (
    not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
)
if not HAS_SCREEN:
    # Qt ends the program otherwise; widgets without OpenGL can be tested without a screen.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

# napari reads this once, when it is imported: its settings stay in memory, away from the user's.
os.environ["NAPARI_CONFIG"] = ""


CRASH_FILE = ROOT / ".pytest_cache" / f"crash{os.environ.get('PYTEST_XDIST_WORKER', '')}.txt"
"""The test that runs, and where each thread was if the process died in it; ``make test`` prints it then."""

_crash = pytest.StashKey[TextIO]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Write what is known of a crash into a file: its long list would be all that is left of the output."""
    CRASH_FILE.parent.mkdir(exist_ok=True)
    config.stash[_crash] = CRASH_FILE.open("a", encoding="utf-8")
    faulthandler.enable(config.stash[_crash])


def pytest_runtest_logstart(nodeid: str) -> None:
    """Name the test that begins, in this process or in one of several."""
    CRASH_FILE.write_text(f"{nodeid}\n", encoding="utf-8")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """No test runs any more."""
    CRASH_FILE.write_text("", encoding="utf-8")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the file, which the interpreter must not write to any more."""
    faulthandler.disable()
    config.stash[_crash].close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what opens a window where there is no screen."""
    if not HAS_SCREEN:
        for item in items:
            if item.get_closest_marker("gui"):
                item.add_marker(pytest.mark.skip(reason="there is no screen: run pytest under xvfb-run"))


@pytest.fixture(autouse=True)
def _private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's caches, models and choices."""
    monkeypatch.setenv("NAPARI_CAR_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NAPARI_CAR_CONFIG", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from threads, which cost much on a busy machine."""
    import torch  # not loaded by tests that do without

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


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
