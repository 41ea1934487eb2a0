"""SAM's weights: which SAM they are, and how they get into its modules."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_car.checkpoints.weights import describe_mismatch
from napari_car.errors import CheckpointError

from .library import library

_DEPTHS = {12: "vit_b", 24: "vit_l", 32: "vit_h"}
_UNUSED = ("image_encoder.head.", "image_encoder.norm_head.")  # TinyViT's classifier
_DERIVED = (".attention_bias_idxs", ".ab", "pixel_mean", "pixel_std")  # some programs store them


@dataclass(frozen=True, slots=True)
class SamArchitecture:
    """A type of SAM.

    Parameters
    ----------
    encoder : str
        ``vit_tiny``, ``vit_b``, ``vit_l`` or ``vit_h``.
    is_hq : bool
        Whether its decoder has the token and features of HQ-SAM (Ke et al. 2023).
    """

    encoder: str
    is_hq: bool

    def __str__(self) -> str:
        return f"{'HQ-SAM' if self.is_hq else 'SAM'} {self.encoder}"


def recognise(state: dict[str, Tensor], file: Path) -> SamArchitecture:
    """Tell which SAM weights are, by their names: the name of the file says nothing.

    Parameters
    ----------
    state : dict of str to Tensor
        From :func:`~napari_car.checkpoints.weights.read_state_dict`.
    file : pathlib.Path
        For the error text.

    Raises
    ------
    CheckpointError
        If they are none of Segment Anything's.
    """
    encoder = _encoder(state)
    if encoder is None:
        raise CheckpointError(f"{file} cannot serve as SAM: {_what_it_is(state)}.")
    return SamArchitecture(encoder, is_hq="mask_decoder.hf_token.weight" in state)


def build_without_weights(architecture: SamArchitecture) -> Any:
    """Build the library's modules; values are undefined, and large ones take no memory yet.

    Parameters
    ----------
    architecture : SamArchitecture
    """
    builders: dict[str, Callable[[], Any]] = (
        library.sam_model_registry if architecture.is_hq else library.sam_model_registry_baseline
    )
    build = builders[architecture.encoder]
    if architecture.encoder != "vit_tiny":
        with torch.device("meta"):
            return build()
    with torch.random.fork_rng(devices=[]):  # TinyViT computes with its weights while it is built
        network = build()
    # Its classifier is never called, and some files leave it out.
    network.image_encoder.head = network.image_encoder.norm_head = nn.Identity()
    return network


def fill(network: nn.Module, state: dict[str, Tensor], file: Path, architecture: SamArchitecture) -> None:
    """Make weights those of modules, without copying them; each must be there and of the right shape.

    Parameters
    ----------
    network : torch.nn.Module
        From :func:`build_without_weights`.
    state : dict of str to Tensor
        From :func:`~napari_car.checkpoints.weights.read_state_dict`; becomes part of the network.
    file, architecture
        Names for the error text.

    Raises
    ------
    CheckpointError
        If the weights are not those of the architecture.
    """
    state = {key: value for key, value in state.items() if not key.startswith(_UNUSED) and not key.endswith(_DERIVED)}
    expected = network.state_dict()
    if why := describe_mismatch(expected, state):
        raise CheckpointError(f"{file} looks like {architecture}, but {why}.")
    network.load_state_dict({key: value.to(expected[key].dtype) for key, value in state.items()}, assign=True)


def _encoder(state: dict[str, Tensor]) -> str | None:
    """Return the type of the image encoder; None if it is none of SAM's."""
    if "image_encoder.patch_embed.seq.0.c.weight" in state:
        return "vit_tiny"
    blocks = "image_encoder.blocks."
    depth = len({key.removeprefix(blocks).partition(".")[0] for key in state if key.startswith(blocks)})
    return _DEPTHS.get(depth)


def _what_it_is(state: dict[str, Tensor]) -> str:
    """Say what other weights are, as far as they are known."""
    prefixes = {key.partition(".")[0] for key in state}
    if "sam_mask_decoder" in prefixes or any(key.startswith("image_encoder.trunk.") for key in state):
        return "it holds SAM 2, which is another network"
    if {"vision_encoder", "mask_decoder"} <= prefixes:
        return "its weights have the names of the transformers library, not of Segment Anything"
    if prefixes & {"visual", "logit_scale", "vision_model"}:
        return "it holds a CLIP"
    if "image_encoder" in prefixes:
        return "its image encoder is none of vit_tiny, vit_b, vit_l and vit_h"
    return "it holds no image encoder of Segment Anything"
