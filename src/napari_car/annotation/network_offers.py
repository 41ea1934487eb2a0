"""The pairs of networks that a user can choose from a list, and which one goes with a preset."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_car.checkpoints.folder import hub_checkpoints
from napari_car.checkpoints.registry import load_registry
from napari_car.errors import CheckpointError
from napari_car.presets import PRESETS, Preset

from .networks import DEMO, PAPER, NetworkChoice, NetworkState, describe, name_choice
from .sizes import say_size

LIGHT = NetworkChoice(PAPER.f, PAPER.f)
"""The smaller network of the paper for both: the least that serves photographs."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An entry of the list.

    Parameters
    ----------
    title : str
        In users' words, such as ``Paper: ViT-B/16 + ViT-L/14, OpenAI``.
    state : NetworkState
        The networks, what of them is on this machine, and what a user should know about them.
    """

    title: str
    state: NetworkState

    @property
    def choice(self) -> NetworkChoice:
        """The networks."""
        return self.state.choice


def list_offers(folder: Path) -> tuple[Offer, ...]:
    """Return the pairs of networks worth offering.

    Parameters
    ----------
    folder : pathlib.Path
        The models folder.

    Returns
    -------
    tuple of Offer
        First those that are on this machine, then those to be downloaded, those of restricted use last. There is one
        pair for each checkpoint of the registry that is a good g, and each other checkpoint on disk for both f and g.
    """
    titles = {
        DEMO: name_choice(DEMO),
        PAPER: f"Paper: {name_choice(PAPER)}",
        LIGHT: f"Light: {name_choice(LIGHT)}",
    }
    for choice in _registered_pairs():
        titles.setdefault(choice, name_choice(choice))
    for choice in _further_on_disk(folder, {name for known in titles for name in known.names}):
        titles[choice] = name_choice(choice)
    offers = [Offer(title, describe(choice, folder)) for choice, title in titles.items()]
    return tuple(sorted(offers, key=lambda offer: (not offer.state.is_ready, offer.state.is_restricted)))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a preset means for the choice of networks.

    Parameters
    ----------
    choice : NetworkChoice
        The networks to use now.
    sentence : str
        What was changed, or why not, for users; empty if there is nothing to say.
    """

    choice: NetworkChoice
    sentence: str


def suggest_networks(preset: Preset, present: NetworkChoice, folder: Path) -> Suggestion:
    """Return the networks to use with a preset: its own if they are on disk, else those in use.

    Nothing is changed to what would have to be downloaded first: a run must stay possible.

    Parameters
    ----------
    preset : Preset
        What the user chose.
    present : NetworkChoice
        The networks in use.
    folder : pathlib.Path
        The models folder.
    """
    own = NetworkChoice.of_preset(preset)
    if own == present:
        return Suggestion(present, "")
    state = describe(own, folder)
    if state.is_ready:
        return Suggestion(own, f"Networks changed to those of the preset {preset.name}: {name_choice(own)}.")
    size = "" if state.n_bytes_left is None else f" ({say_size(state.n_bytes_left)} to download)"
    sentence = (
        f"The preset {preset.name} was made for {name_choice(own)}, not installed{size}; "
        f"{name_choice(present)} is used with it."
    )
    if present == DEMO:
        sentence += f" The preset {PRESETS['demo'].name} suits the demo better."
    return Suggestion(present, sentence)


def _registered_pairs() -> Iterator[NetworkChoice]:
    """Pair each good g with a good f of its family, of the same training where there is one."""
    registry = load_registry("clip").values()
    proposers = [checkpoint for checkpoint in registry if "f" in checkpoint.suits]
    for g in registry:
        family = [f for f in proposers if f.source == g.source]
        if "g" in g.suits and family:
            f = min(family, key=lambda f: f.training != g.training)
            yield NetworkChoice(f.name, g.name)


def _further_on_disk(folder: Path, offered: set[str]) -> Iterator[NetworkChoice]:
    """Offer what else is on disk, each for both f and g."""
    others = (name for name in load_registry("clip") if name not in offered)
    yield from (choice for name in others if describe(choice := NetworkChoice(name, name), folder).is_ready)
    with suppress(CheckpointError):  # a folder of the hub that cannot be read is not offered
        yield from (NetworkChoice(found.name, found.name) for found in hub_checkpoints(folder))
