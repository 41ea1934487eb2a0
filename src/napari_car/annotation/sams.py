"""Which SAMs can be chosen, and what of them is on this machine."""

from dataclasses import dataclass
from pathlib import Path, PurePath

from napari_car.checkpoints.folder import inspect
from napari_car.checkpoints.registry import load_registry
from napari_car.checkpoints.sam_files import find_sam_file
from napari_car.errors import CheckpointError

from .checkpoint_state import CheckpointState
from .sizes import say_size


@dataclass(frozen=True, slots=True, kw_only=True)
class SamState(CheckpointState):
    """What of a SAM is on this machine.

    Parameters
    ----------
    name : str
        Its name in the registry, or the path of a checkpoint file.
    """

    name: str

    @property
    def title(self) -> str:
        """What it is called in a list, such as ``sam-hq/vit_b (379 MB to download)``."""
        if self.problem or not self.missing:
            return self.name if self.checkpoints else PurePath(self.name).name
        size = "" if self.n_bytes_left is None else f" ({say_size(self.n_bytes_left)} to download)"
        return f"{self.name}{size}"


def describe_sam(name: str, folder: Path) -> SamState:
    """Tell what of a SAM is on this machine; of a file that the user named, no more than that it is there.

    Parameters
    ----------
    name : str
        See :func:`napari_car.sam.loading.load_sam`.
    folder : pathlib.Path
        The models folder.
    """
    try:
        checkpoint = load_registry("sam").get(name)
        if checkpoint is None:
            find_sam_file(name, folder)
            return SamState(name=name)
        return SamState.of({checkpoint: inspect(checkpoint, folder)}, folder, name=name)
    except CheckpointError as error:
        return SamState(name=name, problem=str(error))


def list_sams(folder: Path) -> tuple[SamState, ...]:
    """Return the SAMs of the registry, those on this machine first."""
    states = [describe_sam(name, folder) for name in load_registry("sam")]
    return tuple(sorted(states, key=lambda state: not state.is_ready))


def default_sam(folder: Path) -> str:
    """Return the SAM to start with: one on this machine, else the smallest."""
    return min(list_sams(folder), key=lambda state: state.n_bytes_left or 0).name
