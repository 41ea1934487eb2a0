"""What napari's preferences say about the networks, and what was chosen in the dock last time."""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import platformdirs
from napari.settings import PluginSettings, get_plugin_settings

from napari_car.checkpoints.folder import models_folder
from napari_car.errors import OutputError
from napari_car.io.outputs import write_json

PLUGIN = "napari-car"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where checkpoints are kept, and how networks run, as the preferences say.

    Parameters
    ----------
    models_folder : Path
        Absolute; what ``NAPARI_CAR_MODELS`` says, or the user's data folder, unless the preferences name one.
    device, precision : str
        See :mod:`napari_car.device`.
    """

    models_folder: Path
    device: str = "auto"
    precision: str = "auto"

    @classmethod
    def current(cls) -> Self:
        """Return what napari's preferences say now; defaults where the plugin is not registered."""
        settings = _plugin_settings()
        if settings is None:
            return cls(models_folder())
        networks = settings.networks
        return cls(models_folder(networks.models_folder.strip()), networks.device, networks.precision)


def watch_engine_settings(changed: Callable[[EngineSettings], object]) -> Callable[[], None]:
    """Call a function whenever the preferences of this plugin change.

    Parameters
    ----------
    changed : callable
        Gets the new settings. While a folder is being typed, each letter is a change.

    Returns
    -------
    callable
        Ends this.
    """
    settings = _plugin_settings()
    if settings is None:
        return lambda: None

    def notify() -> None:
        changed(EngineSettings.current())

    settings.events.changed.connect(notify)
    return lambda: settings.events.changed.disconnect(notify)


def load_choices() -> dict[str, Any]:
    """Return what :func:`save_choices` kept, by name; empty if there is nothing.

    A file that holds something else is logged and set aside, so that nobody starts with half of it.
    """
    file = _choices_file()
    try:
        choices = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        _logger.warning("The choices of last time in %s cannot be read: %s.", file, error.strerror)
        return {}
    except (ValueError, RecursionError):
        choices = None
    if not isinstance(choices, dict):
        _set_aside(file)
        return {}
    return choices


def save_choices(choices: Mapping[str, Any]) -> None:
    """Keep choices for the next time, in one step; a disk that cannot be written to is logged.

    Parameters
    ----------
    choices : mapping of str to value
        Values that JSON has.
    """
    try:
        write_json(_choices_file(), choices)
    except OutputError as error:
        _logger.warning("What was chosen will not be there next time: %s", error)


def _plugin_settings() -> PluginSettings | None:
    """Return napari's settings of this plugin; None if it is not registered, or disabled."""
    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:
        return None


def _choices_file() -> Path:
    """Return the file of choices: in ``$NAPARI_CAR_CONFIG``, or in the user's configuration folder."""
    folder = os.environ.get("NAPARI_CAR_CONFIG") or platformdirs.user_config_path(PLUGIN, appauthor=False)
    return Path(folder) / "widget.json"


def _set_aside(file: Path) -> None:
    """Rename a damaged file, so that it can be looked at."""
    aside = file.with_name(f"{file.name}.damaged")
    try:
        file.replace(aside)
    except OSError as error:
        _logger.warning("The choices of last time in %s are damaged, and stay: %s.", file, error.strerror)
    else:
        _logger.warning("The choices of last time are damaged: they were moved to %s.", aside)
