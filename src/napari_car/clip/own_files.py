"""Networks that are files of the user's own: ``ARCHITECTURE:FILE``, or a folder in open_clip's format.

Nothing here loads torch, so that what is typed can be checked at once.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from napari_car.checkpoints.folder import CONFIG_FILE, find_path
from napari_car.checkpoints.registry import HUB_PREFIX, WEIGHTS_FILES, load_registry
from napari_car.errors import CheckpointError

_HOW_TO_NAME_FILES = "write the architecture and a colon before it (`napari-car models --architectures` lists them)"


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Where a network of the user's own is.

    Parameters
    ----------
    weights : pathlib.Path
        An existing file.
    architecture : str or None
        As open_clip names it; None if an ``open_clip_config.json`` beside the weights says it.
    """

    weights: Path
    architecture: str | None


def names_own_files(name: str) -> bool:
    """Tell whether a name stands for files of the user's own, which are not looked for in the models folder.

    Parameters
    ----------
    name : str
        Name of a network in any of the forms that :func:`~napari_car.clip.loading.load_clip` understands.

    Returns
    -------
    bool
        True for an existing file or folder and for ``ARCHITECTURE:FILE``; names of the registry and of the hub
        come first.
    """
    if name in load_registry() or name.startswith(HUB_PREFIX):
        return False
    return ":" in name or find_path(name) is not None


def find_own_files(name: str) -> OwnFiles | None:
    """Return the files that a name stands for, or None if it names a checkpoint of the registry or hub, or nothing.

    Parameters
    ----------
    name : str
        See :func:`names_own_files`.

    Raises
    ------
    CheckpointError
        If they are not there, or are no network as they are named.
    """
    if not names_own_files(name):
        return None
    architecture, colon, file = name.partition(":")
    if colon and _is_known(architecture):
        weights = find_path(file) or Path(file)
        if not weights.is_file():
            raise CheckpointError(f"There is no checkpoint file {weights}.")
        return OwnFiles(weights, architecture)
    if path := find_path(name):
        if path.is_dir():
            return OwnFiles(_find_weights(path), None)
        raise CheckpointError(f"{name} is a single file: {_HOW_TO_NAME_FILES}, such as ViT-B-16:{name}.")
    if find_path(file):
        raise CheckpointError(f"open_clip knows no architecture {architecture!r} for {file}: {_HOW_TO_NAME_FILES}.")
    return None


def _find_weights(folder: Path) -> Path:
    """Return the weights in a folder of open_clip's format."""
    if not (folder / CONFIG_FILE).is_file():
        raise CheckpointError(f"{folder} has no {CONFIG_FILE}, so it is no model folder of open_clip.")
    for file in WEIGHTS_FILES:
        if (folder / file).is_file():
            return folder / file
    raise CheckpointError(f"{folder} has no weights: {' or '.join(WEIGHTS_FILES)} is missing.")


def _is_known(architecture: str) -> bool:
    """Tell whether open_clip knows an architecture; its own list would load torch."""
    return architecture in _architectures()


@cache
def _architectures() -> frozenset[str]:
    """Read the names of open_clip's architectures from the files that it reads them from itself."""
    spec = find_spec("open_clip")
    locations = (spec.submodule_search_locations or []) if spec else []
    return frozenset(path.stem for place in locations for path in Path(place, "model_configs").glob("*.json"))
