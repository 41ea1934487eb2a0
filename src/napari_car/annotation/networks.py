"""Which checkpoints are f and g, what of them is on this machine, and what a user should know about them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from napari_car.checkpoints.folder import OnDisk, how_to_get, inspect
from napari_car.checkpoints.registry import HUB_PREFIX, Checkpoint, Role, find_checkpoint, load_registry
from napari_car.clip.own_files import find_own_files, names_own_files
from napari_car.errors import CheckpointError
from napari_car.presets import PRESETS, Preset

from .sizes import say_size

_ARCHITECTURE = re.compile(r"(ViT-\w+)-(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """The networks of a run.

    Parameters
    ----------
    f : str
        Name of the mask proposal generator, in any form that :func:`~napari_car.clip.loading.load_clip` understands.
    g : str
        Name of the mask classifier.
    """

    f: str
    g: str

    @classmethod
    def of_preset(cls, preset: Preset) -> Self:
        """Return the networks that a preset was made with."""
        return cls(preset.f, preset.g)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of f and g, one if they are the same."""
        return tuple(dict.fromkeys((self.f, self.g)))


DEMO = NetworkChoice.of_preset(PRESETS["demo"])
"""The networks that are in the package."""
PAPER = NetworkChoice.of_preset(PRESETS["annotate"])
"""The networks of the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """What of the networks of a choice is on this machine.

    Parameters
    ----------
    choice : NetworkChoice
    checkpoints : tuple of Checkpoint
        Those of f and g that have a name in the registry or on the hub, once each.
    missing : tuple of Checkpoint
        Those of them that a download would complete.
    damaged : tuple of Checkpoint
        Those of the missing ones of which a file is there that cannot be used.
    n_partial_bytes : int
        What earlier downloads of the missing ones have received.
    problem : str
        Sentence on what no download can repair, such as a name that does not exist; empty if there is nothing.
    """

    choice: NetworkChoice
    checkpoints: tuple[Checkpoint, ...] = ()
    missing: tuple[Checkpoint, ...] = ()
    damaged: tuple[Checkpoint, ...] = ()
    n_partial_bytes: int = 0
    problem: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether a run can start."""
        return not self.missing and not self.problem

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
        if len(self.missing) < len(self.choice.names):
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

    @property
    def note(self) -> str:
        """What the networks are good for, as a sentence or two."""
        limits = [checkpoint.note for checkpoint in self.checkpoints if checkpoint.name in DEMO.names]
        if limits:
            return f"{limits[0][0].upper()}{limits[0][1:]}."
        f, g = _names_in_pair(self.choice)
        duties = f"{f} proposes masks and tells" if self.choice.f == self.choice.g else f"{f} proposes masks, {g} tells"
        sentences = [f"{duties} what they show."]
        if not self._suits("f"):
            sentences.append(f"{short_name(PAPER.f)} proposes better masks than {short_name(self.choice.f)}.")
        if not self._suits("g"):
            sentences.append(f"{short_name(PAPER.g)} tells better than {short_name(self.choice.g)} what masks show.")
        return " ".join(sentences)

    def _suits(self, role: Role) -> bool:
        """Tell whether f or g does well as such, as far as is known."""
        name = self.choice.f if role == "f" else self.choice.g
        checkpoint = load_registry().get(name)
        return checkpoint is None or role in checkpoint.suits


def describe(choice: NetworkChoice, folder: Path) -> NetworkState:
    """Tell what of some networks is on this machine.

    Parameters
    ----------
    choice : NetworkChoice
    folder : pathlib.Path
        The models folder.

    Returns
    -------
    NetworkState
        Only names, sizes and tables of contents of files are read, so it is quick. A file that the user named
        is loaded by no one yet: whether it fits its architecture is seen when the run starts.
    """
    checkpoints: list[Checkpoint] = []
    try:
        for name in choice.names:
            if not name.strip():
                return NetworkState(choice=choice, problem="Name a network for f and one for g.")
            if find_own_files(name) is None:
                checkpoints.append(find_checkpoint(name, "clip"))
        found = {checkpoint: inspect(checkpoint, folder) for checkpoint in dict.fromkeys(checkpoints)}
    except CheckpointError as error:
        return NetworkState(choice=choice, checkpoints=tuple(dict.fromkeys(checkpoints)), problem=str(error))
    return _state(choice, found, folder)


def default_choice(folder: Path) -> NetworkChoice:
    """Return the networks to start with: those of the paper if they are on disk, else the demo.

    Parameters
    ----------
    folder : pathlib.Path
        The models folder.
    """
    return PAPER if describe(PAPER, folder).is_ready else DEMO


def name_choice(choice: NetworkChoice) -> str:
    """Return a title for two networks, such as ``ViT-B/16 + ViT-L/14, OpenAI``."""
    if choice == DEMO:
        return "Demo (built in)"
    f, g = _names_in_pair(choice)
    training = _training(choice.f) if _training(choice.f) == _training(choice.g) else ""
    title = f"{f} for both" if choice.f == choice.g else f"{f} + {g}"
    return f"{title}, {training}" if training else title


def short_name(name: str) -> str:
    """Return what people call a network, such as ``ViT-B/16``, or ``my_clip`` for a folder of one's own."""
    if names_own_files(name):
        return PurePath(name.replace("\\", "/")).name
    if name.startswith(HUB_PREFIX):
        return name.rpartition("/")[2]
    match = _ARCHITECTURE.match(name)
    if not match:
        return name
    size, patch_px, side_px = match.groups()
    return f"{size}/{patch_px}" + (f"@{side_px}px" if side_px else "")


def _names_in_pair(choice: NetworkChoice) -> tuple[str, str]:
    """Return the short names of f and g, with what they were trained on where they differ in that."""
    trainings = {_training(name) for name in choice.names}
    f, g = (
        f"{short_name(name)} ({_training(name)})" if len(trainings) > 1 and _training(name) else short_name(name)
        for name in (choice.f, choice.g)
    )
    return f, g


def _training(name: str) -> str:
    """Return what a registered checkpoint was trained on; nothing for others, whose short name says enough."""
    try:
        checkpoint = find_checkpoint(name)
    except CheckpointError:
        return ""
    return checkpoint.training if checkpoint.tag else ""


def _licence(checkpoint: Checkpoint) -> str:
    """Return the licence with what it forbids."""
    if checkpoint.name.startswith(HUB_PREFIX):
        return f"see {checkpoint.source}"
    return ", ".join(part for part in (checkpoint.licence, checkpoint.restriction) if part)


def _state(choice: NetworkChoice, found: dict[Checkpoint, OnDisk], folder: Path) -> NetworkState:
    """Gather what was found."""
    missing = _in_state(found, ("absent", "partial", "damaged"))
    lost = [checkpoint for checkpoint in missing if checkpoint.hub_repo is None]
    return NetworkState(
        choice=choice,
        checkpoints=tuple(found),
        missing=tuple(checkpoint for checkpoint in missing if checkpoint.hub_repo is not None),
        damaged=_in_state(found, ("damaged",)),
        n_partial_bytes=sum(on_disk.size_bytes for on_disk in found.values() if on_disk.state == "partial"),
        problem=f"The checkpoint {lost[0].name} is missing or damaged: {how_to_get(lost[0], folder)}." if lost else "",
    )


def _in_state(found: dict[Checkpoint, OnDisk], states: Iterable[str]) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that are in one of some states."""
    return tuple(checkpoint for checkpoint, on_disk in found.items() if on_disk.state in states)
