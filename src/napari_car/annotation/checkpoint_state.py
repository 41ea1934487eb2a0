"""What of some checkpoints is on this machine, and what is said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from napari_car.checkpoints.folder import OnDisk, how_to_get
from napari_car.checkpoints.registry import HUB_PREFIX, Checkpoint

from .sizes import say_size


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointState:
    """What of some checkpoints is on this machine.

    Parameters
    ----------
    checkpoints : tuple of Checkpoint
        Those that have a name in the registry or on the hub, once each.
    missing : tuple of Checkpoint
        Those of them that a download would complete.
    damaged : tuple of Checkpoint
        Those of the missing ones of which a file is there that cannot be used.
    n_partial_bytes : int
        What earlier downloads of the missing ones have received.
    problem : str
        Sentence on what no download can repair, such as a name that does not exist; empty if there is nothing.
    n_wanted : int
        How many there are, those of the user's own files counted.
    """

    checkpoints: tuple[Checkpoint, ...] = ()
    missing: tuple[Checkpoint, ...] = ()
    damaged: tuple[Checkpoint, ...] = ()
    n_partial_bytes: int = 0
    problem: str = ""
    n_wanted: int = 1

    @classmethod
    def of(cls, found: Mapping[Checkpoint, OnDisk], folder: Path, **others: Any) -> Self:
        """Return the state of checkpoints from what was found of each in the models folder; other fields as given."""
        missing = _in_state(found, ("absent", "partial", "damaged"))
        lost = [checkpoint for checkpoint in missing if checkpoint.hub_repo is None]
        return cls(
            checkpoints=tuple(found),
            missing=tuple(checkpoint for checkpoint in missing if checkpoint.hub_repo is not None),
            damaged=_in_state(found, ("damaged",)),
            n_partial_bytes=sum(on_disk.size_bytes for on_disk in found.values() if on_disk.state == "partial"),
            problem=f"The checkpoint {lost[0].name} is missing or damaged: {how_to_get(lost[0], folder)}."
            if lost
            else "",
            **others,
        )

    @property
    def is_ready(self) -> bool:
        """Whether a run can start."""
        return not self.missing and not self.problem

    @property
    def can_be_downloaded(self) -> bool:
        """Whether a download would make a run possible."""
        return bool(self.missing) and not self.problem

    @property
    def is_restricted(self) -> bool:
        """Whether a licence forbids some uses, such as commercial ones."""
        return any(checkpoint.restriction for checkpoint in self.checkpoints)

    @property
    def size_mb(self) -> int | None:
        """Size of the missing ones in MB, approximate; None if not known before the download starts."""
        sizes = [checkpoint.size_mb for checkpoint in self.missing]
        return sum(size for size in sizes if size) if all(sizes) else None

    @property
    def n_bytes_left(self) -> float | None:
        """What is still to be downloaded, approximate; None if not known before the download starts."""
        return None if self.size_mb is None else max(0.0, self.size_mb * 1e6 - self.n_partial_bytes)

    @property
    def sentence(self) -> str:
        """What is installed or missing, for users."""
        if self.problem:
            return self.problem
        if not self.missing:
            return "Installed."
        if self.damaged:
            names = " and ".join(checkpoint.name for checkpoint in self.damaged)
            return f"{names}: the file is damaged or was not copied to its end, so download it again."
        if self.n_partial_bytes:
            total = "" if self.size_mb is None else f" of {say_size(self.size_mb * 1e6)}"
            return f"{say_size(self.n_partial_bytes)}{total} are here already: the download goes on where it stopped."
        return self._absence

    @property
    def _absence(self) -> str:
        """What is missing, and how large it is."""
        what = "Not on this machine"
        if len(self.missing) < self.n_wanted:
            what = f"{self.missing[0].name} is not on this machine"
        if self.size_mb is None:
            return f"{what}: to be downloaded, its size is known once the download starts."
        return f"{what}: {say_size(self.size_mb * 1e6)} to download."

    @property
    def licence(self) -> str:
        """Under which licences the named checkpoints are, as a sentence; empty if there are none."""
        licences = dict.fromkeys(_licence(checkpoint) for checkpoint in self.checkpoints)
        if not licences:
            return ""
        return f"Licence{'s' if len(licences) > 1 else ''}: {'; '.join(licences)}."


def _licence(checkpoint: Checkpoint) -> str:
    """Return the licence with what it forbids."""
    if checkpoint.name.startswith(HUB_PREFIX):
        return f"see {checkpoint.source}"
    return ", ".join(part for part in (checkpoint.licence, checkpoint.restriction) if part)


def _in_state(found: Mapping[Checkpoint, OnDisk], states: Iterable[str]) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that are in one of some states."""
    return tuple(checkpoint for checkpoint, on_disk in found.items() if on_disk.state in states)
