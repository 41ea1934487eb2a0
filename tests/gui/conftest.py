"""What holds for every test of the plugin."""

from collections.abc import Iterator
from typing import Any

import pytest


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
