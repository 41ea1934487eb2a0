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
    rows = encoder.embed(fill_templates(queries, templates))
    sizes = [len(_words(query)) for query in queries]
    if max(sizes, default=1) > 1:
        groups = torch.split(rows, sizes * len(templates))
        rows = torch.stack([torch.nn.functional.normalize(group.mean(dim=0), dim=0) for group in groups])
    return rows.reshape(len(templates), len(queries), encoder.width)


def fill_templates(queries: Sequence[Query | str], templates: Sequence[str]) -> list[str]:
    """Return the texts of all words of all queries in each template, template by template."""
    return [template.format(word) for template in templates for query in queries for word in _words(query)]


def _words(query: Query | str) -> tuple[str, ...]:
    """Return what is embedded of a query."""
    return query.phrases if isinstance(query, Query) else (query,)
