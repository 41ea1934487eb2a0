"""Text queries to embeddings."""

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from napari_car.errors import QueryError
from napari_car.results import Progress, drain

from .text_cache import TextCache

BATCH_SIZE = 64
BATCH_SIZE_ON_CPU = 16
"""Larger batches are no faster on a CPU, and a run can only be stopped between two."""


class TextEncoder:
    """The text tower of CLIP behind a cache.

    Parameters
    ----------
    model : torch.nn.Module
        open_clip model with ``encode_text``.
    tokenizer : callable
        open_clip tokenizer; ``tokenizer(list of str)`` gives (n, context) tokens.
    cache : TextCache
        Where embeddings are kept.
    width : int
        E, the embedding's width.
    """

    def __init__(self, model: nn.Module, tokenizer: Callable[..., Tensor], cache: TextCache, width: int) -> None:
        self.width = width
        self._model = model
        self._tokenizer = tokenizer
        self._cache = cache
        self._context_length = int(getattr(tokenizer, "context_length", None) or 77)
        self._device = next(model.parameters()).device

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "n E"]:
        """Run :meth:`embedding` to its end."""
        return drain(self.embedding(texts))

    def embedding(self, texts: Sequence[str]) -> Generator[Progress, None, Float[Tensor, "n E"]]:
        """Embed texts in steps between which a run can be stopped.

        Yields
        ------
        Progress
            After each batch of texts that were not known.

        Returns
        -------
        Tensor, (n, E)
            L2-normalised, float32 on the model's device; n may be 0.

        Raises
        ------
        QueryError
            If a text has more tokens than the model reads.
        """
        # A damaged file may hold rows of another length.
        known = {text: row for text, row in self._cache.get(texts).items() if row.shape == (self.width,)}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        for text in missing:
            self._check_length(text)
        size = BATCH_SIZE_ON_CPU if self._device.type == "cpu" else BATCH_SIZE
        for start in range(0, len(missing), size):
            batch = missing[start : start + size]
            rows = dict(zip(batch, self._encode(batch).cpu().numpy(), strict=True))
            self._cache.put(rows)
            known |= rows
            yield Progress("texts", 0, start + len(batch), len(missing))
        stacked = np.stack([known[text] for text in texts]) if texts else np.zeros((0, self.width), dtype=np.float32)
        return torch.from_numpy(stacked).to(self._device)

    @torch.no_grad()
    def _encode(self, texts: list[str]) -> Float[Tensor, "n E"]:
        """Run the text tower."""
        tokens = self._tokenizer(texts).to(self._device)
        return nn.functional.normalize(self._model.encode_text(tokens).float(), dim=-1)  # type: ignore[operator]

    def _check_length(self, text: str) -> None:
        """Refuse what the tokenizer would cut off."""
        # One place more than the context shows whether anything would be cut.
        tokens = self._tokenizer([text], context_length=self._context_length + 1)[0]
        if int(tokens[-1]) != 0:
            raise QueryError(
                f'"{_shortened(text)}" is too long for this model, which reads {self._context_length - 2} tokens '
                f"(about {(self._context_length - 2) * 3 // 4} words), template included."
            )


def _shortened(text: str) -> str:
    """Return a text fit for an error line."""
    return text if len(text) <= 60 else f"{text[:57]}..."
