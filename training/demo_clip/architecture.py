"""The demo checkpoint's architecture, and the vocabulary rows that are trained."""

import math

import open_clip
import torch
from torch import Tensor, nn

from napari_car.templates import PAPER_TEMPLATES
from scenes.vocabulary import (
    COLOUR_SYNONYMS,
    COLOURS,
    CONCEPTS,
    DRAWABLE_BACKGROUND_QUERIES,
    PATTERNS,
    SHAPES,
)

NATIVE_SIZE_PX = 120
PATCH_SIZE_PX = 20
MEAN = open_clip.OPENAI_DATASET_MEAN
STD = open_clip.OPENAI_DATASET_STD
CONTEXT_LENGTH = 32

MODEL_CFG = {
    "embed_dim": 96,
    "vision_cfg": {
        "image_size": NATIVE_SIZE_PX,
        "patch_size": PATCH_SIZE_PX,
        "width": 192,
        "head_width": 32,
        "layers": 4,
        "mlp_ratio": 4.0,
    },
    "text_cfg": {
        "context_length": CONTEXT_LENGTH,
        "vocab_size": 49408,
        "width": 64,
        "heads": 4,
        "layers": 3,
    },
}
PREPROCESS_CFG = {
    "size": [NATIVE_SIZE_PX, NATIVE_SIZE_PX],
    "mode": "RGB",
    "mean": list(MEAN),
    "std": list(STD),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}

_TOKENIZER = open_clip.SimpleTokenizer(context_length=CONTEXT_LENGTH)
UNKNOWN_WORD = "\N{SNOWMAN}"
"""Stands for any word that is never trained: all such words have an embedding of zeros."""


def used_token_ids() -> Tensor:
    """Collect the token ids of every text the training uses, sorted: start and end of text, words, punctuation."""
    words = {text for concept in CONCEPTS.values() for text in concept.texts}
    words |= {word for table in (COLOUR_SYNONYMS, SHAPES, PATTERNS) for name in table for word in (name, *table[name])}
    words |= DRAWABLE_BACKGROUND_QUERIES
    words |= set(COLOURS) | {template.format("") for template in PAPER_TEMPLATES}
    ids = {token for text in words for token in _TOKENIZER.encode(text)}
    return torch.tensor(sorted(ids | {_TOKENIZER.sot_token_id, _TOKENIZER.eot_token_id}))


class CompactVocabulary:
    """
    Token ids renumbered to the rows that are trained.

    Row 0 stands for every unused id and stays zero, so an unknown word carries no meaning of its own.
    """

    def __init__(self) -> None:
        self.token_ids = used_token_ids()
        self._row_of = {int(token): row + 1 for row, token in enumerate(self.token_ids)}
        self._rows_of_text: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.token_ids) + 1

    def encode(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """
        Tokenise to compact rows, padded to the longest text.

        Returns
        -------
        rows : (T, length) int64
        end : (T,) int64
            Position of each text's end-of-text token, where the text tower is read.
        """
        sequences = [self._rows(text) for text in texts]
        length = max(map(len, sequences))
        rows = torch.zeros(len(texts), length, dtype=torch.long)
        for i, sequence in enumerate(sequences):
            rows[i, : len(sequence)] = torch.tensor(sequence)
        return rows, torch.tensor([len(sequence) - 1 for sequence in sequences])

    def _rows(self, text: str) -> list[int]:
        """Compact rows of one text, from start to end of text."""
        if text not in self._rows_of_text:
            ids = [_TOKENIZER.sot_token_id, *_TOKENIZER.encode(text), _TOKENIZER.eot_token_id]
            self._rows_of_text[text] = [self._row_of.get(token, 0) for token in ids]
        return self._rows_of_text[text]


def build_model(vocabulary: CompactVocabulary) -> open_clip.CLIP:
    """Build the model with the compact vocabulary in place of all 49,408 rows."""
    model = open_clip.CLIP(**MODEL_CFG)
    width = MODEL_CFG["text_cfg"]["width"]
    model.token_embedding = nn.Embedding(len(vocabulary), width, padding_idx=0)
    nn.init.normal_(model.token_embedding.weight, std=0.05)
    with torch.no_grad():
        model.token_embedding.weight[0].zero_()
        model.visual.conv1.weight.copy_(cosine_filters(PATCH_SIZE_PX, model.visual.conv1.out_channels))
        positions = model.visual.positional_embedding
        positions[1:] = smooth_positions(NATIVE_SIZE_PX // PATCH_SIZE_PX, positions.shape[1])
        model.logit_scale.fill_(float(torch.log(torch.tensor(14.0))))
    return model


def cosine_filters(patch: int, width: int) -> Tensor:
    """
    Low-frequency cosines per colour channel, from which the patch embedding starts.

    They show the network a small, sharp picture of each patch, where random filters show noise. Higher
    frequencies are amplified, as images have less of them.

    Returns
    -------
    (width, 3, patch, patch) float32; width is three times a square number
    """
    n = math.isqrt(width // 3)
    at = (torch.arange(patch) + 0.5) * math.pi / patch
    waves = torch.cos(torch.arange(n)[:, None] * at) * (2 / patch) ** 0.5
    waves[0] /= 2**0.5
    frequency = torch.arange(n).float()
    gain = 1 / patch * (1 + 2 * torch.hypot(frequency[:, None], frequency[None]))
    pictures = torch.einsum("uv,uy,vx->uvyx", gain, waves, waves).reshape(n * n, 1, patch, patch)
    grey_and_opponents = torch.tensor([[0.58, 0.58, 0.58], [0.7, -0.7, 0.0], [-0.4, -0.4, 0.8]])
    return torch.cat([pictures * channel.view(1, 3, 1, 1) for channel in grey_and_opponents])


def smooth_positions(grid: int, width: int) -> Tensor:
    """
    Sines and cosines of row and column, from which the positional embedding starts.

    Being smooth, they survive being resized to other grids, and neighbours can find each other from the first step.

    Returns
    -------
    (grid * grid, width) float32
    """
    period = torch.logspace(math.log2(3), math.log2(6 * grid), width // 4, base=2.0)
    phase = torch.arange(grid)[:, None] * (2 * math.pi / period)
    waves = torch.cat([phase.sin(), phase.cos()], 1)
    by_row, by_col = waves[:, None].expand(-1, grid, -1), waves[None].expand(grid, -1, -1)
    return 0.5 * torch.cat([by_row, by_col], -1).reshape(grid * grid, width)


def encode_texts(model: open_clip.CLIP, rows: Tensor, end: Tensor) -> Tensor:
    """
    Encode texts to unit vectors.

    As `model.encode_text`, but over the positions in use only (the text tower is causal).

    Parameters
    ----------
    rows : (T, length) int64
    end : (T,) int64

    Returns
    -------
    (T, embed_dim) float32
    """
    length = rows.shape[1]
    x = model.token_embedding(rows) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    pooled = x[torch.arange(len(rows)), end] @ model.text_projection
    return nn.functional.normalize(pooled, dim=-1)
