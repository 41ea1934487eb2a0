"""The models folder: where it is, and which checkpoints are in it.

Each checkpoint has a plain folder of its own, named as the checkpoint, so that it can be copied to a machine
without a network::

    <models folder>/ViT-B-16/openai/open_clip_model.safetensors
    <models folder>/hf-hub/owner/repository/open_clip_model.safetensors and open_clip_config.json
    <models folder>/sam-hq/vit_b/sam_hq_vit_b.pth
"""

import json
import os
import zipfile
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Literal

import platformdirs

from napari_car.errors import CheckpointError

from .registry import HUB_NAME, HUB_PREFIX, Checkpoint, Kind, find_checkpoint

FOLDER_VARIABLE = "NAPARI_CAR_MODELS"
"""Environment variable that names the models folder."""

CONFIG_FILE = "open_clip_config.json"
"""Name of the file that says the architecture of weights whose name does not."""

PARTIAL_SUFFIX = ".partial"
"""Ending of files whose download has not finished."""

_STATES = ("complete", "damaged", "partial")
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", PARTIAL_SUFFIX)


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What of a checkpoint is on disk."""

    state: Literal["absent", "partial", "damaged", "complete"]
    """``partial`` is an unfinished download, ``damaged`` a weights file that is cut off or no weights file."""
    path: Path | None
    """The file in question; None if absent."""
    size_bytes: int
    """Size of that file; 0 if absent."""


def models_folder(chosen: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds the checkpoints; it need not exist yet.

    Parameters
    ----------
    chosen : path-like, optional
        The user's explicit choice. Else the environment variable ``NAPARI_CAR_MODELS`` decides, else it is
        the ``models`` folder in the user's data directory of this platform.

    Returns
    -------
    pathlib.Path
        Absolute path.
    """
    folder = chosen or os.environ.get(FOLDER_VARIABLE) or platformdirs.user_data_path("napari-car", False) / "models"
    return Path(folder).expanduser().absolute()


def checkpoint_folder(checkpoint: Checkpoint, folder: Path) -> Path:
    """Return the folder of one checkpoint: inside the package for the demo, else inside the models folder."""
    if checkpoint.hub_repo is None:
        return Path(str(files("napari_car"))) / "demo" / "clip"
    return folder / checkpoint.name.replace(":", "/")


def hub_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return the checkpoints in the models folder that are named by their repository on the hub."""
    names = (f"{HUB_PREFIX}{path.parent.name}/{path.name}" for path in sorted(folder.glob("hf-hub/*/*")))
    found = [find_checkpoint(name) for name in names if HUB_NAME.fullmatch(name)]
    return [checkpoint for checkpoint in found if inspect(checkpoint, folder).state != "absent"]


def inspect(checkpoint: Checkpoint, folder: Path) -> OnDisk:
    """Tell what of a checkpoint is on disk, whoever put it there.

    Parameters
    ----------
    checkpoint : Checkpoint
        Entry of the registry.
    folder : pathlib.Path
        The models folder.

    Returns
    -------
    OnDisk
        The best file there is: complete before damaged before partial, safetensors before other formats. A
        file counts as complete if its own table of contents says so; contents are not read. Weights of unknown
        architecture are partial without their ``open_clip_config.json``.

    Raises
    ------
    CheckpointError
        If a file cannot be read.
    """
    # Hidden files do not count: macOS leaves a ._NAME beside each NAME on a USB stick.
    present = checkpoint_folder(checkpoint, folder).glob("[!.]*")
    candidates = sorted(present, key=lambda path: _preference(path, checkpoint))
    try:
        found = [_inspect_file(path) for path in candidates if path.suffix in _SUFFIXES and path.is_file()]
    except OSError as error:
        raise CheckpointError(f"Cannot read {error.filename}: {error.strerror}.") from error
    best = min(found, key=lambda on_disk: _STATES.index(on_disk.state), default=OnDisk("absent", None, 0))
    if best.state == "complete" and not has_config(checkpoint, folder):
        return replace(best, state="partial")
    return best


def has_config(checkpoint: Checkpoint, folder: Path) -> bool:
    """Tell whether the architecture is known, by the checkpoint's name or by the file beside its weights."""
    return checkpoint.architecture is not None or (checkpoint_folder(checkpoint, folder) / CONFIG_FILE).is_file()


def locate(name: str, folder: Path, kind: Kind | None = None) -> Path | None:
    """Return the weights file of a named checkpoint, or None if it is not, or not wholly, on disk.

    Parameters
    ----------
    name : str
        Name of the checkpoint.
    folder : pathlib.Path
        The models folder.
    kind : str, optional
        What it has to be, if that matters.

    Returns
    -------
    pathlib.Path or None
        The demo checkpoint's is inside the package.

    Raises
    ------
    CheckpointError
        If the name is unknown or stands for another kind, or the file is damaged.
    """
    checkpoint = find_checkpoint(name, kind)
    on_disk = inspect(checkpoint, folder)
    if on_disk.state == "damaged":
        raise CheckpointError(
            f"{on_disk.path} is damaged or was not copied to its end: {how_to_get(checkpoint, folder)}."
        )
    return on_disk.path if on_disk.state == "complete" else None


def require(name: str, folder: Path, kind: Kind | None = None) -> Path:
    """Return the weights file of a named checkpoint, which must be on disk.

    Parameters
    ----------
    name : str
        Name of the checkpoint.
    folder : pathlib.Path
        The models folder.
    kind : str, optional
        What it has to be, if that matters.

    Returns
    -------
    pathlib.Path
        The weights file.

    Raises
    ------
    CheckpointError
        If the name is unknown or stands for another kind, or the file is not on disk; the text says how to get it
        there.
    """
    path = locate(name, folder, kind)
    if path is None:
        checkpoint = find_checkpoint(name)
        raise CheckpointError(f"The checkpoint {checkpoint.name} is not on disk: {how_to_get(checkpoint, folder)}.")
    return path


def how_to_get(checkpoint: Checkpoint, folder: Path) -> str:
    """Return the half sentence that says how a missing checkpoint gets onto this machine."""
    if checkpoint.hub_repo is None:
        return "install napari-car again, it is part of the package"
    size = f" ({checkpoint.size_mb} MB)" if checkpoint.size_mb else ""
    return f"run `napari-car models download {checkpoint.name}`{size}, or {how_to_copy(checkpoint, folder)}"


def how_to_copy(checkpoint: Checkpoint, folder: Path) -> str:
    """Return the half sentence that says which file to copy where on a machine without a network."""
    config = f"{CONFIG_FILE} and " if checkpoint.architecture is None else ""
    best, *others = checkpoint.hub_files
    alternatives = f" (or {' or '.join(others)})" if others else ""
    return (
        f"copy {config}{best}{alternatives} from https://huggingface.co/{checkpoint.hub_repo} "
        f"into {checkpoint_folder(checkpoint, folder)}"
    )


def find_path(name: str) -> Path | None:
    """Return the file or folder of the user's own that a name stands for, or None if there is none."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long for the file system, unknown home, NUL
        return None


def _preference(path: Path, checkpoint: Checkpoint) -> tuple[int, str]:
    """Order the publisher's own file names first, safetensors before the rest."""
    names = [*checkpoint.weights_files, path.name]
    return names.index(path.name), path.name


def _inspect_file(path: Path) -> OnDisk:
    """Tell the state of one file."""
    if path.suffix == PARTIAL_SUFFIX:
        state: Literal["partial", "damaged", "complete"] = "partial"
    else:
        whole = _safetensors_is_whole(path) if path.suffix == ".safetensors" else zipfile.is_zipfile(path)
        state = "complete" if whole else "damaged"
    return OnDisk(state, path, path.stat().st_size)


def _safetensors_is_whole(path: Path) -> bool:
    """Tell whether a file is as long as the header of the safetensors format says."""
    with path.open("rb") as file:
        n_header_bytes = int.from_bytes(file.read(8), "little")
        size_bytes = path.stat().st_size
        if n_header_bytes > size_bytes - 8:
            return False
        try:
            header = json.loads(file.read(n_header_bytes))
            n_data_bytes = max(entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__")
        except (ValueError, TypeError, KeyError, AttributeError):
            return False
    return bool(size_bytes == 8 + n_header_bytes + n_data_bytes)
