"""Final proposals to masks by a dense CRF (section 3.4)."""

from collections.abc import Generator

import numpy as np
from jaxtyping import Bool, Float, UInt8

from napari_car.config import CRFConfig
from napari_car.results import Progress, Proposals

from .crf import open_crf


def refine_masks(
    image: UInt8[np.ndarray, "H W 3"],
    proposals: Proposals,
    config: CRFConfig,
    *,
    separate: bool = False,
    device: str = "cpu",
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
    crf = open_crf(image, config, device)
    maps = proposals.stacked()
    groups = maps[:, None] if separate else maps[None]
    refined: list[Bool[np.ndarray, "H W"]] = []
    for maps_of_group in groups:
        probabilities = with_background(maps_of_group, config.background_factor)
        marginals = probabilities
        for done, marginals in enumerate(crf.iterate(probabilities), start=1):  # noqa: B007  # the last one counts
            yield Progress(
                "refinement", 0, len(refined) * config.n_iterations + done, len(groups) * config.n_iterations
            )
        labels = marginals.argmax(axis=0)
        refined += [labels == 1 + index for index in range(len(maps_of_group))]
    return np.stack(refined), crf.backend


def with_background(maps: Float[np.ndarray, "N H W"], background_factor: float) -> Float[np.ndarray, "C H W"]:
    """Put the background's probability, (1 - max over queries) ** factor, before the proposals; C = 1 + N."""
    background = (1 - maps.max(axis=0, keepdims=True)) ** np.float32(background_factor)
    return np.concatenate([background, maps])
