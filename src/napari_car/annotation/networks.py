"""Which checkpoints are f and g, what of them is on this machine, and what a user should know about them."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from napari_car.checkpoints.folder import inspect
from napari_car.checkpoints.registry import HUB_PREFIX, Checkpoint, Role, find_checkpoint, load_registry
from napari_car.clip.own_files import find_own_files, names_own_files
from napari_car.errors import CheckpointError
from napari_car.presets import PRESETS, Preset

from .checkpoint_state import CheckpointState

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
class NetworkState(CheckpointState):
    """What of the networks of a choice is on this machine.

    Parameters
    ----------
    choice : NetworkChoice
    """

    choice: NetworkChoice

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
    return NetworkState.of(found, folder, choice=choice, n_wanted=len(choice.names))


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
