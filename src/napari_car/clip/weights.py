"""CLIP's weights into modules."""

import logging
from pathlib import Path

from torch import Tensor, nn

from napari_car.checkpoints.weights import describe_mismatch
from napari_car.errors import CheckpointError

from .openclip import open_clip

_OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")
_NOT_WEIGHTS = ("attn_mask", "position_ids")
_logger = logging.getLogger(__name__)


def fill(model: nn.Module, state: dict[str, Tensor], file: Path, architecture: str) -> None:
    """Put weights into modules; each must be there and of the right shape, positional tables included.

    Parameters
    ----------
    model : torch.nn.Module
        From :func:`~napari_car.clip.architecture.build_model`.
    state : dict of str to Tensor
        From :func:`~napari_car.checkpoints.weights.read_state_dict`.
    file, architecture
        Names for the error text.

    Raises
    ------
    CheckpointError
        If the weights are not those of the architecture.
    """
    if "input_resolution" in state and not _has_quick_gelu(model):
        _logger.warning(
            "%s looks like OpenAI's weights, which need QuickGELU: %s-quickgelu is most likely the right architecture.",
            file,
            architecture,
        )
    if hasattr(model, "text") and "positional_embedding" in state:
        state = open_clip.model.convert_to_custom_text_state_dict(state)
    state = {key: value for key, value in state.items() if key not in _OPENAI_EXTRAS and not key.endswith(_NOT_WEIGHTS)}
    expected = model.state_dict()
    if "logit_scale" in state and state["logit_scale"].numel() == 1:
        state["logit_scale"] = state["logit_scale"].reshape(expected["logit_scale"].shape)
    if why := describe_mismatch(expected, state):
        if any(key.startswith("vision_model.") for key in state):
            why = "its weights have the names of the transformers library, not of open_clip"
        raise CheckpointError(f"{file} does not hold {architecture}: {why}; name the architecture it was made for.")
    model.load_state_dict(state)


def _has_quick_gelu(model: nn.Module) -> bool:
    """Tell whether QuickGELU is the model's activation."""
    return any(isinstance(module, open_clip.transformer.QuickGELU) for module in model.modules())
