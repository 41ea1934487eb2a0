"""The checkpoints that can be named, as data: what each is, where it comes from and under which licence.

The entries stand in ``registry.toml``. Nothing here loads torch, so that listing them is quick.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

from napari_car.errors import CheckpointError

Kind = Literal["clip", "sam"]
Role = Literal["f", "g", "sam"]

WEIGHTS_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""Names of the weights in a folder or hub repository of open_clip, in order of preference.

Some publishers store no safetensors; the ``.bin`` is then read with ``torch.load(weights_only=True)``.
"""

HUB_PREFIX = "hf-hub:"
HUB_NAME = re.compile(HUB_PREFIX + r"(\w[\w.-]*/\w[\w.-]*)")
"""Names that stand for any repository on the hub in open_clip's format."""

_WHAT_SERVES = {
    "clip": "is a SAM, which understands no text: f and g are CLIPs, such as ViT-B-16/openai",
    "sam": "is a CLIP, which finds no outlines: name a SAM, such as sam-hq/vit_b",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A named set of weights."""

    name: str
    """What users type: ``architecture/tag`` as open_clip spells them, ``demo``, ``hf-hub:owner/repository``, or
    ``sam/type`` and ``sam-hq/type``."""
    kind: Kind
    """Whether it is a CLIP, which serves as f and g, or a SAM."""
    architecture: str | None
    """Model name of open_clip with the right activation, such as ``ViT-B-16-quickgelu``; None if the weights
    come with an ``open_clip_config.json`` that says it. Of a SAM such as ``HQ-SAM vit_b``."""
    tag: str | None
    """Pretrained tag of open_clip, such as ``openai``; None if there is none."""
    hub_repo: str | None
    """Repository on the Hugging Face hub; None for the demo checkpoint, which is in the package."""
    hub_files: tuple[str, ...]
    """Paths in the repository that may hold the weights, in order of preference. On disk their folders are left out."""
    sha256: str | None
    """SHA-256 of the weights file in hexadecimal, where known; else the one that the hub states is checked."""
    size_mb: int | None
    """Size on disk in MB, approximate; None if not known."""
    mean: tuple[float, float, float] | None
    """Mean of RGB in [0, 1] that images are normalised with; None if ``open_clip_config.json`` or SAM says it."""
    std: tuple[float, float, float] | None
    """Standard deviation likewise."""
    licence: str
    """Licence of the weights."""
    restriction: str
    """What the licence forbids, such as ``not for commercial use``; empty if nothing that goes beyond naming."""
    training: str
    """What, or by whom, it was trained, in a word or two, such as ``LAION-2B`` or ``OpenAI``."""
    source: str
    """Paper or page that describes the weights."""
    note: str
    """What a user should know before choosing it."""
    suits: tuple[Role, ...]
    """Whether it does well as the mask proposal generator ``f``, as the mask classifier ``g``, or both; or it is
    ``sam``."""

    @property
    def weights_files(self) -> tuple[str, ...]:
        """Names that the weights may have in the checkpoint's own folder, in order of preference."""
        return tuple(PurePosixPath(path).name for path in self.hub_files)


def load_registry(kind: Kind | None = None) -> MappingProxyType[str, Checkpoint]:
    """Return the known checkpoints by name, the demo checkpoint first.

    Parameters
    ----------
    kind : str, optional
        ``clip`` for those that serve as f and g, ``sam`` for SAMs; by default all.

    Returns
    -------
    mappingproxy of str to Checkpoint
        Read-only, in the order of ``registry.toml``.
    """
    return _registry(kind)


def find_checkpoint(name: str, kind: Kind | None = None) -> Checkpoint:
    """Return the checkpoint that a user named.

    Parameters
    ----------
    name : str
        Such as ``ViT-B-16/openai``. ``ViT-B-16-quickgelu/openai`` is the same checkpoint: which activation
        belongs to which weights is no choice of the user. ``hf-hub:owner/repository`` is taken as it is: a CLIP.
    kind : str, optional
        What it has to be, if that matters.

    Returns
    -------
    Checkpoint
        The registry's entry, or what little is known of a repository on the hub before it is downloaded.

    Raises
    ------
    CheckpointError
        If there is none, in which case the text suggests similar names, or if it is of another kind.
    """
    if name.startswith(HUB_PREFIX):
        checkpoint: Checkpoint | None = _hub_checkpoint(name)
    else:
        checkpoint = load_registry().get(name.replace("-quickgelu/", "/"))
    if checkpoint is None:
        similar = _similar_names(name, load_registry(kind))
        hint = f"did you mean {' or '.join(similar)}? " if similar else ""
        raise CheckpointError(f"There is no checkpoint {name!r}: {hint}`napari-car models` lists all names.")
    if kind not in (None, checkpoint.kind):
        raise CheckpointError(f"{checkpoint.name} {_WHAT_SERVES[kind]}.")
    return checkpoint


@cache
def _registry(kind: Kind | None) -> MappingProxyType[str, Checkpoint]:
    """Read ``registry.toml`` once."""
    if kind is not None:
        return MappingProxyType({name: known for name, known in _registry(None).items() if known.kind == kind})
    data = tomllib.loads(files(__package__).joinpath("registry.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            name: _checkpoint(name, data["defaults"][family["kind"]] | entry, family, data["architectures"])
            for family in data["families"].values()
            for name, entry in family["checkpoints"].items()
        }
    )


def _hub_checkpoint(name: str) -> Checkpoint:
    """Return what is known of any repository on the hub."""
    match = HUB_NAME.fullmatch(name)
    if not match:
        raise CheckpointError(f"{name!r} is not of the form {HUB_PREFIX}owner/repository.")
    repo = match[1]
    return Checkpoint(
        name=name,
        kind="clip",
        architecture=None,
        tag=None,
        hub_repo=repo,
        hub_files=WEIGHTS_FILES,
        sha256=None,
        size_mb=None,
        mean=None,
        std=None,
        licence="see its page",
        restriction="",
        training=repo,
        source=f"https://huggingface.co/{repo}",
        note="other repositories on the Hugging Face hub",
        suits=(),
    )


def _similar_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names that contain the given one or are spelt much like it."""
    by_lower_name = {other.lower(): other for other in known}
    containing = [other for lower, other in by_lower_name.items() if name and name.lower() in lower]
    alike = [by_lower_name[lower] for lower in difflib.get_close_matches(name.lower(), by_lower_name)]
    return (containing or alike)[:3]


def _checkpoint(
    name: str, entry: dict[str, Any], family: dict[str, Any], architectures: dict[str, dict[str, Any]]
) -> Checkpoint:
    """Join what the file says about one checkpoint, its family and its architecture."""
    traits = entry | (_clip_traits(name, entry, architectures) if family["kind"] == "clip" else {})
    restriction = family.get("restriction", "")
    return Checkpoint(
        name=name,
        kind=family["kind"],
        architecture=traits["architecture"],
        tag=traits.get("tag"),
        hub_repo=entry.get("hub_repo"),
        hub_files=tuple(traits["hub_files"]),
        sha256=entry.get("sha256"),
        size_mb=traits["size_mb"],
        mean=traits.get("mean"),
        std=traits.get("std"),
        licence=family["licence"],
        restriction=restriction,
        training=entry.get("training", family["training"]),
        source=family["source"],
        note=f"{family['note']}: {restriction}" if restriction else family["note"],
        suits=tuple(traits["suits"]),
    )


def _clip_traits(name: str, entry: dict[str, Any], architectures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what a CLIP's name says; nothing for the demo, whose architecture is in its configuration."""
    architecture, _, tag = name.partition("/")
    if not tag:
        return {"architecture": None, "hub_files": WEIGHTS_FILES, "mean": None, "std": None}
    return architectures[architecture] | {
        "architecture": architecture + ("-quickgelu" if entry["quick_gelu"] else ""),
        "tag": tag,
        "hub_files": WEIGHTS_FILES,
        "mean": tuple(entry["mean"]),
        "std": tuple(entry["std"]),
    }
