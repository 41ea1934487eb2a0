"""What holds for every test of the plugin."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.viewer import Viewer
from numpy.typing import NDArray
from qtpy.QtCore import QThreadPool

from napari_car import read_image
from napari_car.gui.commands import WIDGET
from napari_car.gui.dock import CarWidget
from napari_car.presets import PRESETS
from napari_car.scenes import load_scenes

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

sys.path.append(str(Path(__file__).parent))  # conftest files of several folders have no package


@pytest.fixture(autouse=True)
def _fresh_preferences() -> Iterator[None]:
    """Start each test from napari's defaults: its settings live as long as the program."""
    from napari import settings

    yield
    settings._clear_plugin_settings_cache()


@pytest.fixture
def registered(npe2pm: Any) -> Iterator[None]:
    """Let napari know this plugin, and no other that may be installed, without a window."""
    with npe2pm.tmp_plugin(package="napari-car"):
        yield


@pytest.fixture(scope="session", autouse=True)
def _threads_end() -> Iterator[None]:
    """Wait for worker threads at the end, as napari does when it quits: Qt ends the program under those that run."""
    yield
    QThreadPool.globalInstance().waitForDone()


@pytest.fixture(scope="session")
def no_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty models folder, the same for all tests, so that the demo networks are loaded once."""
    return tmp_path_factory.mktemp("no_models")


@pytest.fixture(scope="session")
def _loaded_libraries() -> Iterator[None]:
    """Load torch before any dock does, and spare its objects the search for garbage at each removal of a layer."""
    import napari_car.segmenter  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def dock(
    make_napari_viewer: Callable[..., Viewer],
    no_models: Path,
    monkeypatch: pytest.MonkeyPatch,
    _loaded_libraries: None,
) -> tuple[Viewer, CarWidget]:
    """A real window with the dock as the Plugins menu opens it; see :mod:`dock_driving` for what to do with it."""
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(no_models))
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget("napari-car", WIDGET)
    assert isinstance(widget, CarWidget)
    return viewer, widget


@pytest.fixture(scope="session")
def scenes() -> dict[str, NDArray[np.uint8]]:
    """The sample images by name, RGB; not to be written to."""
    images = {scene.name: read_image(scene.image).rgb for scene in load_scenes()}
    for image in images.values():
        image.flags.writeable = False
    return images


@pytest.fixture(scope="session")
def demo_segmenter() -> "Segmenter":
    """The engine with the demo networks, without any window."""
    from napari_car.segmenter import Segmenter

    return Segmenter("demo")


@pytest.fixture(scope="session")
def headless(demo_segmenter: "Segmenter") -> Callable[..., NDArray[np.int32]]:
    """Return a function that segments without a window what the dock would, with ids that count from 1."""

    found: dict[tuple[object, ...], NDArray[np.int32]] = {}

    def segment(rgb: NDArray[np.uint8], queries: Iterable[str], **changes: Any) -> NDArray[np.int32]:
        asked = tuple(queries)
        dotted = {name.replace("__", "."): value for name, value in changes.items()}
        config = PRESETS["demo"].config.changed({"crf.backend": "torch", **dotted})
        key = (rgb.shape, rgb.tobytes(), asked, config)
        if key not in found:
            found[key] = demo_segmenter.segment(rgb, asked, config).label_map
        return found[key]

    return segment
