"""The labelling of least energy: a minimum cut through a graph of pixels."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int8, UInt8

SMOOTHNESS = 50.0
"""γ: what it costs that two neighbours without contrast have different labels (Rother et al. 2004)."""

_MAX_EVIDENCE = 2 * SMOOTHNESS  # more of it would be as good as a seed
_STEPS = 32  # levels of evidence: few, so that their own contrast hides no edge of the image
_WIDE = 1e8  # variance of the channels of which evidence says nothing


def cut(
    image: UInt8[np.ndarray, "h w 3"], evidence: Float[np.ndarray, "h w"], seeds: Int8[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Return the mask of least energy: evidence per pixel, and contrast between neighbours.

    The energy is that of Boykov and Jolly (2001) with the smoothness of Rother et al. (2004). OpenCV cuts no graph but
    that of GrabCut, whose evidence comes from colour models: so its third channel is the evidence here, with two
    models that make a line of it, and the other two hold the contrast, the image's principal colours.
    There is no randomness in it, since no model is learnt.

    Parameters
    ----------
    image : ndarray, (h, w, 3), uint8
        CIE L*a*b*, as OpenCV scales it.
    evidence : ndarray, (h, w), float
        Above 0 for the object, in units of :data:`SMOOTHNESS`; clipped at twice that.
    seeds : ndarray, (h, w), int8
        1 and -1 where the label is known to be object and ground, 0 elsewhere.

    References
    ----------
    Boykov, Jolly: Interactive graph cuts for optimal boundary and region segmentation. ICCV 2001.
    Rother, Kolmogorov, Blake: "GrabCut": interactive foreground extraction using iterated graph cuts. SIGGRAPH 2004.
    """
    mask = evidence > 0
    if min(mask.shape) > 1:  # OpenCV's grid needs neighbours
        guess = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        guess[seeds > 0], guess[seeds < 0] = cv2.GC_FGD, cv2.GC_BGD
        levels = np.rint(_STEPS / 2 * (1 + np.clip(evidence / _MAX_EVIDENCE, -1, 1)))
        channels = np.dstack([_principal_colours(image), levels.astype(np.uint8)])
        ground, thing = _model(0.0), _model(float(_STEPS))
        cv2.grabCut(channels, guess, (0, 0, 0, 0), ground, thing, 1, cv2.GC_EVAL_FREEZE_MODEL)
        mask = guess % 2 == 1
    return np.asarray((mask | (seeds > 0)) & (seeds >= 0))


def contrast_weights(
    image: UInt8[np.ndarray, "h w 3"],
) -> tuple[Float[np.ndarray, "h w_1"], Float[np.ndarray, "h_1 w"]]:
    """Return how alike neighbours in a row, and in a column, are: 1 without contrast, falling to 0.

    It is exp(-β |ΔI|²), β one by twice the mean of |ΔI|² over the image (Rother et al. 2004, Eq. 11).
    """
    colours = image.astype(np.float32)
    beside = ((colours[:, 1:] - colours[:, :-1]) ** 2).sum(axis=-1)
    below = ((colours[1:] - colours[:-1]) ** 2).sum(axis=-1)
    mean = (beside.sum() + below.sum()) / max(beside.size + below.size, 1)
    beta = 1 / (2 * max(float(mean), 1e-3))
    return np.exp(-beta * beside), np.exp(-beta * below)


def _principal_colours(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 2"]:
    """Return the two directions in which colours differ most, stretched by the same factor."""
    colours = image.reshape(-1, 3).astype(np.float32)
    colours -= colours.mean(axis=0)
    _, directions = np.linalg.eigh(colours.T @ colours / len(colours))
    principal = colours @ directions[:, [2, 1]]
    principal -= principal.min(axis=0)
    stretch = min(3.0, 255 / max(float(principal.max()), 1e-3))
    stretched: UInt8[np.ndarray, "h w 2"] = np.clip(principal * stretch, 0, 255).astype(np.uint8)
    return stretched.reshape(*image.shape[:2], 2)


def _model(level: float) -> Float[np.ndarray, "1 65"]:
    """Return a colour model of one Gaussian around a level of evidence, as OpenCV lays it out."""
    variance = _STEPS**2 / (2 * _MAX_EVIDENCE)  # so that the two models differ by the evidence
    model = np.zeros((1, 65))
    model[0, 0] = 1  # weights of five Gaussians, then their means, then their covariances
    model[0, 5:8] = 128, 128, level
    model[0, 20:29] = np.diag([_WIDE, _WIDE, variance]).ravel()
    return model
