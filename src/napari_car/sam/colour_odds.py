"""Whose colours a pixel has: two sets of pixels, told apart by their histograms."""

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter

_BINS = (16, 32, 32)  # of L*, a*, b*; lightness is coarser, since shading changes it most
_SMOOTH_BINS = 1.2
_RARE = 2e-4  # share of a bin below which a colour says nothing


def colour_odds(
    image: UInt8[np.ndarray, "h w 3"], own: Float[np.ndarray, "h w"], other: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Return log p(colour | own) - log p(colour | other) for each pixel.

    Both are histograms, smoothed (Boykov and Jolly 2001, section 4); a colour that neither set has gives 0.

    Parameters
    ----------
    image : ndarray, (h, w, 3), uint8
        CIE L*a*b*, as OpenCV scales it.
    own, other : ndarray, (h, w), float
        How much each pixel counts in either set, at least 0. An empty set has no colour.
    """
    bins = image.astype(np.intp) * np.array(_BINS) // 256
    flat = np.ravel_multi_index(tuple(np.moveaxis(bins, -1, 0)), _BINS)
    odds = np.log((_histogram(flat, own) + _RARE) / (_histogram(flat, other) + _RARE))
    return np.asarray(odds[flat], dtype=np.float64)


def _histogram(bins: np.ndarray, weights: Float[np.ndarray, "h w"]) -> Float[np.ndarray, " bins"]:
    """Return a smoothed histogram that sums to about 1, or to 0 without weights."""
    counts = np.bincount(bins.ravel(), weights.ravel(), int(np.prod(_BINS))).reshape(_BINS)
    smooth = gaussian_filter(counts, _SMOOTH_BINS, mode="constant").ravel()
    return np.asarray(smooth / max(smooth.sum(), 1e-9))
