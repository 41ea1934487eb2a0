"""What every dense CRF backend does: from label probabilities to marginals and labels."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Int32

MIN_PROBABILITY = 1e-5
"""Lower bound of a probability, so that its energy -log p is finite."""


class DenseCRF(ABC):
    """A dense CRF over the pixels of one image, for any number of label probabilities in turn."""

    backend: ClassVar[str]
    """Name of the implementation, for the provenance of a result."""

    @abstractmethod
    def iterate(
        self, probabilities: Float32[np.ndarray, "*queries labels H W"]
    ) -> Iterator[Float32[np.ndarray, "*queries labels H W"]]:
        """Yield the marginals Q after each mean-field iteration.

        Parameters
        ----------
        probabilities : (..., labels, H, W) float32
            Label probabilities in [0, 1]; label 0 is the background. They need not sum to 1. Leading axes are
            independent CRFs over the same image, such as one per query in referring mode.

        Yields
        ------
        (..., labels, H, W) float32
            Q, in [0, 1], summing to 1 over labels. Whoever stops asking for the next one has cancelled.
        """


@dataclass(frozen=True, slots=True)
class Refinement:
    """What a dense CRF made of label probabilities."""

    labels: Int32[np.ndarray, "*queries H W"]
    """The most probable label of each pixel; of equal ones the first."""

    marginals: Float32[np.ndarray, "*queries labels H W"]
    """Q after the last iteration, summing to 1 over labels."""

    backend: str
    """The implementation that was used."""


def refine_labels(crf: DenseCRF, probabilities: Float32[np.ndarray, "*queries labels H W"]) -> Refinement:
    """Run all iterations of a dense CRF.

    Parameters
    ----------
    crf : DenseCRF
        See :func:`open_crf`.
    probabilities : (..., labels, H, W) float32
        As for :meth:`DenseCRF.iterate`.
    """
    for marginals in crf.iterate(probabilities):
        last = marginals
    return Refinement(
        labels=last.argmax(axis=-3).astype(np.int32), marginals=np.ascontiguousarray(last), backend=crf.backend
    )


class Unrefined(DenseCRF):
    """Stands in for a dense CRF where none is wanted: Q is the probabilities, normalised."""

    backend = "none"

    def iterate(
        self, probabilities: Float32[np.ndarray, "*queries labels H W"]
    ) -> Iterator[Float32[np.ndarray, "*queries labels H W"]]:
        """Yield the normalised probabilities once; see :meth:`DenseCRF.iterate`."""
        bounded = probabilities.clip(MIN_PROBABILITY, 1.0)
        yield bounded / bounded.sum(axis=-3, keepdims=True)
