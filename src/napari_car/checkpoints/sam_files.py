"""Which file a SAM's name stands for. Nothing here loads torch, so that what is typed can be checked at once."""

from dataclasses import dataclass
from pathlib import Path

from napari_car.errors import CheckpointError

from .folder import find_path, require
from .registry import HUB_PREFIX, find_checkpoint, load_registry

_SUFFIXES = (".pth", ".pt", ".bin", ".safetensors")


@dataclass(frozen=True, slots=True)
class SamFile:
    """A SAM on disk.

    Parameters
    ----------
    weights : pathlib.Path
        An existing file; nothing of it has been read.
    architecture : str or None
        What it holds if it has a name of the registry, such as ``HQ-SAM vit_b``; else the file itself tells.
    """

    weights: Path
    architecture: str | None


def find_sam_file(name: str, folder: Path) -> SamFile:
    """Return the file that a SAM's name stands for.

    Parameters
    ----------
    name : str
        A name of the registry, such as ``sam-hq/vit_b``, or the path of a checkpoint file; see
        :func:`~napari_car.sam.loading.load_sam`. If a path has a name of the registry, write ``./sam/vit_b``.
    folder : pathlib.Path
        The models folder.

    Raises
    ------
    CheckpointError
        If there is no such name or file, it is not on disk, or it is a CLIP.
    """
    if name not in load_registry() and not name.startswith(HUB_PREFIX):
        if path := find_path(name):
            if path.is_dir():
                raise CheckpointError(f"{name} is a folder: name the checkpoint file in it.")
            return SamFile(path, None)
        if name.endswith(_SUFFIXES):
            raise CheckpointError(f"There is no checkpoint file {name}.")
    checkpoint = find_checkpoint(name, "sam")
    return SamFile(require(name, folder), checkpoint.architecture)
