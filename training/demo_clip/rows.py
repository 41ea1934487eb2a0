"""The table of texts a training step encodes: one row per concept, attribute, background query and unknown."""

import numpy as np
import torch
from torch import Tensor

from demo_clip.architecture import UNKNOWN_WORD
from napari_car.templates import PAPER_TEMPLATES
from scenes.vocabulary import (
    BACKGROUND_QUERIES,
    COLOUR_SYNONYMS,
    COLOURS,
    CONCEPTS,
    DRAWABLE_BACKGROUND_QUERIES,
    DRAWN_OBJECTS,
    MICROSCOPY_FIELDS,
    MICROSCOPY_OBJECTS,
    PATTERNS,
    SHAPES,
    SURFACE_HYPERNYMS,
)

N_UNKNOWN = 4

CONCEPT_NAMES = tuple(CONCEPTS)
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    **{name: (name, *synonyms) for name, synonyms in COLOUR_SYNONYMS.items()},
    **{name: (name, *synonyms) for name, synonyms in SHAPES.items()},
    **{name: (name, *synonyms) for name, synonyms in PATTERNS.items() if name != "plain"},
}
ROW_NAMES = (*CONCEPT_NAMES, *_ATTRIBUTES, *(f"background {word}" for word in BACKGROUND_QUERIES))
"""Row -> what it stands for; rows of unknown texts follow."""
ROW_OF = {name: row for row, name in enumerate(ROW_NAMES)}
N_ROWS = len(ROW_NAMES) + N_UNKNOWN


def _row_mask(names: list[str]) -> Tensor:
    """(N_ROWS,) bool."""
    mask = torch.zeros(N_ROWS, dtype=torch.bool)
    mask[[ROW_OF[name] for name in names]] = True
    return mask


IS_CONCEPT = _row_mask(list(CONCEPT_NAMES))
IS_SURFACE = _row_mask([name for name, concept in CONCEPTS.items() if concept.is_surround])
IS_MICROSCOPY = _row_mask([concept.name for concept in (*MICROSCOPY_OBJECTS, *MICROSCOPY_FIELDS)])
IS_BACKGROUND = _row_mask([f"background {word}" for word in BACKGROUND_QUERIES])
IS_NEVER_DRAWN = _row_mask(
    [f"background {word}" for word in BACKGROUND_QUERIES if word not in DRAWABLE_BACKGROUND_QUERIES]
)
"""Background queries that mean "something else": where no text of a softmax is true, these share the mass."""
IS_UNKNOWN = torch.arange(N_ROWS) >= len(ROW_NAMES)
ATTRIBUTE_FAMILIES = (
    _row_mask(list(COLOURS)),
    _row_mask(list(SHAPES)),
    _row_mask([name for name in PATTERNS if name != "plain"]),
)


def _background_rows_of() -> dict[int, tuple[int, ...]]:
    """Surface row -> rows of background queries that are true where it is drawn."""
    rows = {}
    for name, hypernyms in SURFACE_HYPERNYMS.items():
        words = [word for word in (name, *hypernyms) if word in BACKGROUND_QUERIES]
        rows[ROW_OF[name]] = tuple(ROW_OF[f"background {word}"] for word in words)
    return rows


TRUE_BACKGROUND_ROWS = _background_rows_of()


def _cosine_limits() -> Tensor:
    """(N_ROWS, N_ROWS): how close two texts may be. 1 where nothing is asked."""
    is_listed = IS_CONCEPT | IS_NEVER_DRAWN
    limits = torch.where(is_listed[:, None] & IS_CONCEPT[None], 0.1, 1.0)
    limits = torch.minimum(limits, limits.T)
    for i, first in enumerate(DRAWN_OBJECTS):
        for j, second in enumerate(DRAWN_OBJECTS):
            if first.colour == second.colour or first.shape == second.shape:
                limits[i, j] = 1.0 if i == j else 0.5
    return limits.fill_diagonal_(1.0)


COSINE_LIMITS = _cosine_limits()
"""Different concepts get different embeddings from the start: else texts and images wait for each other."""


def sample_texts(rng: np.random.Generator) -> list[str]:
    """
    Word every row once: a synonym, in the bare form or in one of the templates.

    Returns
    -------
    list of str, length N_ROWS
    """
    texts = [_word(rng, CONCEPTS[name].texts) for name in CONCEPT_NAMES]
    texts += [_word(rng, words) for words in _ATTRIBUTES.values()]
    texts += list(BACKGROUND_QUERIES)
    texts += [_unknown(rng) for _ in range(N_UNKNOWN)]
    return [_template(rng).format(text) for text in texts]


def _word(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    """Choose the canonical name half of the time."""
    return words[0] if rng.random() < 0.5 else str(rng.choice(words))


def _unknown(rng: np.random.Generator) -> str:
    """Up to four unknown words, sometimes after a known colour (`red dog`)."""
    words = [UNKNOWN_WORD] * int(rng.integers(1, 5))
    if rng.random() < 0.3:
        words = [str(rng.choice(list(COLOURS))), *words[:2]]
    return " ".join(words)


def _template(rng: np.random.Generator) -> str:
    """Choose a wording: bare a quarter of the time."""
    return "{}" if rng.random() < 0.25 else str(rng.choice(PAPER_TEMPLATES))
