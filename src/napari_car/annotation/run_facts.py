"""What the record of a run in a document says: what labels were made with, and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Making:
    """What made labels.

    Parameters
    ----------
    preset : str
    f, g, sam : str
        Names of the checkpoints; empty: none.
    versions : tuple of (str, str)
        Packages and their versions.
    """

    preset: str
    f: str
    g: str
    sam: str
    versions: tuple[tuple[str, str], ...]


def read_making(run: Mapping[str, Any]) -> Making:
    """Return what a run was made with; what is not there is empty."""
    networks = [run.get(name) for name in ("f", "g", "sam")]
    f, g, sam = (str(network.get("name", "")) if isinstance(network, Mapping) else "" for network in networks)
    versions = run.get("versions")
    pairs = versions.items() if isinstance(versions, Mapping) else ()
    return Making(str(run.get("preset", "")), f, g, sam, tuple(sorted((str(name), str(text)) for name, text in pairs)))


def computing_time_s(run: Mapping[str, Any]) -> float:
    """Return the computing time of a run; 0 if it is not noted."""
    seconds = run.get("seconds")
    values = seconds.values() if isinstance(seconds, Mapping) else ()
    return float(sum(value for value in values if isinstance(value, int | float)))
