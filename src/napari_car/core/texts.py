"""Queries in templates to embeddings."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from napari_car.clip.text import TextEncoder
from napari_car.queries import Query


def embed_queries(
    encoder: TextEncoder, queries: Sequence[Query | str], templates: Sequence[str]
) -> Float[Tensor, "T n E"]:
    """Embed queries in each template.

    Parameters
    ----------
    encoder : TextEncoder
    queries : sequence of Query or str
        A query with synonyms gets the normalised mean of its words' embeddings.
    templates : sequence of str
        ``{}`` stands for the query.

    Returns
    -------
    Tensor, (T, n, E)
        L2-normalised; n may be 0.

    Raises
    ------
    QueryError
        If a text is longer than the model reads.
    """
    words = [(query.text, *query.synonyms) if isinstance(query, Query) else (query,) for query in queries]
    flat = [template.format(word) for template in templates for group in words for word in group]
    rows = encoder.embed(flat)
    if len(rows) > len(templates) * len(words):  # synonyms
        groups = torch.split(rows, [len(group) for _ in templates for group in words])
        rows = torch.stack([torch.nn.functional.normalize(group.mean(dim=0), dim=0) for group in groups])
    return rows.reshape(len(templates), len(words), encoder.width)
