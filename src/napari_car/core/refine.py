"""Final proposals to masks by a dense CRF (section 3.4)."""

from collections.abc import Generator

import numpy as np
from jaxtyping import Bool, Float, UInt8

from napari_car.config import CRFConfig
from napari_car.results import Progress, Proposals

from .crf import DenseCRF, open_crf

SEPARATE_MEMORY_MB = 512
"""Memory for the CRFs of referring expressions that run at once."""


def refine_masks(
    image: UInt8[np.ndarray, "H W 3"],
    proposals: Proposals,
    config: CRFConfig,
    *,
    separate: bool = False,
    device: str = "cpu",
    opened: DenseCRF | None = None,
) -> Generator[Progress, None, tuple[Bool[np.ndarray, "N H W"], str]]:
    """Refine mask proposals at the image's edges.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        RGB.
    proposals : Proposals
        y_T of the N surviving queries.
    config : CRFConfig
    separate : bool
        One CRF per query against its own background (referring mode), so that masks may overlap.
    device : str
        Where the networks run.
    opened : DenseCRF, optional
        A dense CRF over the same image with the same parameters; by default one is built.

    Yields
    ------
    Progress
        After each mean-field iteration.

    Returns
    -------
    masks : ndarray, (N, H, W), bool
        Disjoint, unless ``separate``.
    backend : str
        The CRF's implementation.
    """
    if not len(proposals):
        return np.zeros((0, *proposals.size_px), dtype=bool), "none"
    crf = opened or open_crf(image, config, device)
    n_pieces = len(proposals) * config.n_iterations
    n_together = _queries_that_fit(proposals.size_px) if separate else len(proposals)
    masks: list[Bool[np.ndarray, "H W"]] = []
    for start in range(0, len(proposals), n_together):
        maps = proposals.select(list(range(start, min(start + n_together, len(proposals))))).stacked()
        groups = maps[:, None] if separate else maps[None]  # independent CRFs
        probabilities = np.stack([with_background(group, config.background_factor) for group in groups])
        for done, marginals in enumerate(crf.iterate(probabilities), start=1):
            probabilities = marginals
            yield Progress("refinement", 0, len(masks) * config.n_iterations + done * len(maps), n_pieces)
        for labels in probabilities.argmax(axis=1):
            masks += [labels == 1 + index for index in range(groups.shape[1])]
    return np.stack(masks), crf.backend


def _queries_that_fit(size_px: tuple[int, int]) -> int:
    """Return how many separate CRFs of two labels run at once; each takes about 60 bytes per pixel."""
    return max(1, SEPARATE_MEMORY_MB * 2**20 // (60 * size_px[0] * size_px[1]))


def with_background(maps: Float[np.ndarray, "N H W"], background_factor: float) -> Float[np.ndarray, "C H W"]:
    """Put the background's probability, (1 - max over queries) ** factor, before the proposals; C = 1 + N."""
    background = (1 - maps.max(axis=0, keepdims=True)) ** np.float32(background_factor)
    return np.concatenate([background, maps])
