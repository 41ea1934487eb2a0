"""g, the mask classifier (Eq. 5)."""

import hashlib
from collections import OrderedDict
from collections.abc import Generator, Iterable, Sequence
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from napari_car.clip.model import ClipModel
from napari_car.clip.preprocess import fit_to_square
from napari_car.config import ClassifierConfig, ComputeConfig
from napari_car.queries import Query
from napari_car.results import Progress

from .texts import embed_queries

MAX_EMBEDDINGS = 4096
MAX_BATCH_ON_CPU = 4
"""Larger batches are no faster on a CPU, and a run can only be stopped between two."""


class EmbeddingCache:
    """Embeddings of prompted images, so that the same mask is never encoded twice."""

    def __init__(self) -> None:
        self._rows: OrderedDict[bytes, Float[Tensor, " E"]] = OrderedDict()

    def get(self, key: bytes) -> Float[Tensor, " E"] | None:
        """Return an embedding, or None."""
        return self._rows.get(key)

    def put(self, key: bytes, embedding: Float[Tensor, " E"]) -> None:
        """Keep an embedding; the oldest go first."""
        self._rows[key] = embedding
        while len(self._rows) > MAX_EMBEDDINGS:
            self._rows.popitem(last=False)


class MaskClassifier:
    """g, which tells what query a visually prompted image shows.

    Parameters
    ----------
    clip : ClipModel
    queries : sequence of Query
        All queries of the run; a time step names some of them by index.
    background : sequence of str
        Background queries that compete without having a mask; none in the paper.
    config : ClassifierConfig
    compute : ComputeConfig
    cache : EmbeddingCache
        Prompted images that were encoded before.
    """

    def __init__(
        self,
        clip: ClipModel,
        queries: Sequence[Query],
        background: Sequence[str],
        config: ClassifierConfig,
        compute: ComputeConfig,
        cache: EmbeddingCache,
    ) -> None:
        self._clip, self._config, self._cache = clip, config, cache
        self._texts = embed_queries(clip.texts, queries, config.templates)
        self._background = embed_queries(clip.texts, background, config.templates)
        self._batch = self._images_that_fit(compute.batch_memory_mb)

    def classify_masks(
        self, prompted: Iterable[UInt8[np.ndarray, "H W 3"]], h: Sequence[int], step: int
    ) -> Generator[Progress, None, Float[np.ndarray, "N C"]]:
        """Compare every prompted image with every query.

        Parameters
        ----------
        prompted : iterable of ndarray, (H, W, 3), uint8
            x', one per query of the time step, drawn as they are needed.
        h : sequence of int
            Indices of the N queries.
        step : int
            t, for progress.

        Yields
        ------
        Progress
            After each batch of images.

        Returns
        -------
        ndarray, (N, N + M), float32
            P; rows sum to 1.
        """
        images, embeddings = iter(prompted), []
        while batch := list(islice(images, self._batch)):
            embeddings += self._encode(batch)
            yield Progress("classification", step, len(embeddings), len(h))
        texts = torch.cat([self._texts[:, list(h)], self._background], dim=1)
        return match(torch.stack(embeddings), texts, self._clip.logit_scale).cpu().numpy()

    def _encode(self, images: list[UInt8[np.ndarray, "H W 3"]]) -> list[Float[Tensor, " E"]]:
        """Return L2-normalised embeddings, each image once for all templates."""
        setting = f"{self._clip.identity.sha256} {self._config.blocks} {self._config.fit}".encode()
        keys = [hashlib.blake2b(image.tobytes(), key=hashlib.sha1(setting).digest()).digest() for image in images]
        new = [i for i, key in enumerate(keys) if self._cache.get(key) is None]
        found = [self._cache.get(key) for key in keys]
        if new:
            size = self._clip.tower.native_size_px
            inputs = np.stack([fit_to_square(images[i], size, self._config.fit) for i in new])
            encoded = self._clip.tower.class_token_embedding(self._clip.normalise(inputs), self._config.blocks)
            for i, row in zip(new, torch.nn.functional.normalize(encoded, dim=-1), strict=True):
                self._cache.put(keys[i], row)
                found[i] = row
        return [row for row in found if row is not None]

    def _images_that_fit(self, memory_mb: int) -> int:
        """Return how many prompted images are encoded at once."""
        tower = self._clip.tower
        height, width = tower.native_size_px
        n_tokens = 1 + (height // tower.patch_px) * (width // tower.patch_px)
        # Two attention-sized and about twelve token-sized buffers live at once in a block.
        bytes_per_image: int = tower.dtype.itemsize * n_tokens * (2 * tower.n_heads * n_tokens + 12 * tower.width)
        fits = max(1, memory_mb * 2**20 // bytes_per_image)
        return min(fits, MAX_BATCH_ON_CPU) if tower.device.type == "cpu" else fits


def match(images: Float[Tensor, "N E"], texts: Float[Tensor, "T C E"], logit_scale: float) -> Float[Tensor, "N C"]:
    """Return the similarity matrix P between masks and queries.

    Parameters
    ----------
    images : Tensor, (N, E)
        L2-normalised embeddings of the prompted images.
    texts : Tensor, (T, C, E)
        L2-normalised embeddings of queries and competing background queries in each template.
    logit_scale : float
        Scales cosines to logits.

    Returns
    -------
    Tensor, (N, C)
        One template: softmax over queries. Several: softmax over queries of the sum of the templates' softmaxes.
    """
    per_template = (logit_scale * images @ texts.transpose(1, 2)).softmax(dim=-1)
    return per_template[0] if len(per_template) == 1 else per_template.sum(dim=0).softmax(dim=-1)
