"""Mean-field inference in a fully connected CRF with Potts compatibility.

Krähenbühl and Koltun: "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", NIPS 2011,
Algorithm 1. Which filter passes the messages is left open: a lattice in practice, exact sums in the tests.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PairwiseKernel:
    """One term w * k(f_i, f_j) of the pairwise potentials (Eq. 2 of the CRF paper)."""

    weight: float
    """w: how much two like pixels with different labels cost."""

    filter: Callable[[Tensor], Tensor]
    """Maps (n, channels) to (n, channels): row i of the result is the sum of k(f_i, f_j) times row j."""


def iterate_mean_field(
    unary: Float[Tensor, "n queries labels"], kernels: Sequence[PairwiseKernel], n_iterations: int
) -> Iterator[Float[Tensor, "n queries labels"]]:
    """Yield the marginals Q after each mean-field iteration (Algorithm 1 of the CRF paper).

    Parameters
    ----------
    unary : (n, queries, labels) float
        Energies ψ_u of each pixel's labels, for independent CRFs ("queries") over the same pixels.
    kernels : sequence of PairwiseKernel
        The CRFs' common pairwise terms; none leaves Q = exp(-unary) / Z.
    n_iterations : int
        Number of iterations; 0 yields nothing.

    Yields
    ------
    (n, queries, labels) float
        Q, in [0, 1], summing to 1 over labels; a new tensor each time.

    Notes
    -----
    A label gains what all pixels say for it. With the Potts model the paper's form, a label loses what all pixels say
    for the others, differs by a constant per pixel, which cancels in Q. As in Krähenbühl's program a filter may
    include the pixel's message to itself, which Algorithm 1 leaves out.
    """
    marginals = _softmax_(-unary)
    for _ in range(n_iterations):
        logits = -unary
        for kernel in kernels:
            message = kernel.filter(marginals.flatten(1))
            logits.add_(message.view_as(logits), alpha=kernel.weight)
        marginals = _softmax_(logits)
        yield marginals


def _softmax_(logits: Tensor) -> Tensor:
    """Turn logits into their softmax over the last axis, in place."""
    # torch.softmax takes four times as long where the last axis has two to ten entries.
    logits -= logits.amax(-1, keepdim=True)
    logits.exp_()
    logits /= (logits @ logits.new_ones(logits.shape[-1])).unsqueeze(-1)
    return logits
