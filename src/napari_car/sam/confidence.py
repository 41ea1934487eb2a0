"""How right a mask probably is that no network has judged."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from .graph_cut import contrast_weights
from .resizing import resized

_SIDE_PX = 256
# IoU = first + second * contrast of the outline + third * log(1 + marks): least squares over clicks on validation
# scenes, DAVIS, VOC and nuclei; benchmarks/clicks.py says how far it is off.
_FROM_NOTHING = (-0.02, 0.48, 0.21)
_FROM_MASK = (0.66, 0.24, 0.05)


def estimate_iou(
    image: UInt8[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"], n_marks: int, *, had_mask: bool
) -> float:
    """Estimate a mask's IoU with the object that is meant, in [0, 1].

    It is a rough estimate: masks from many clicks are better than those from one, those whose outline has contrast are
    a little better than others, and more is not to be known without knowing objects.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        CIE L*a*b*.
    mask : ndarray, (H, W), bool
        An empty one gives 0.
    n_marks : int
        Number of clicks and strokes that led to it; a box is worth three.
    had_mask : bool
        Whether there was a mask to begin with.
    """
    if not mask.any():
        return 0.0
    constant, of_contrast, of_marks = _FROM_MASK if had_mask else _FROM_NOTHING
    iou = constant + of_contrast * outline_contrast(image, mask) + of_marks * np.log1p(n_marks)
    return float(np.clip(iou, 0.0, 1.0))


def outline_contrast(image: UInt8[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"]) -> float:
    """Return how much contrast there is along a mask's outline: 0 for none, or no outline, to 1.

    It is one less the mean of :func:`~napari_car.sam.graph_cut.contrast_weights` along it.
    """
    scale = min(1.0, _SIDE_PX / max(mask.shape))
    size = tuple(max(1, round(side * scale)) for side in mask.shape)
    small: UInt8[np.ndarray, "h w 3"] = resized(image, size)
    area: Float[np.ndarray, "h w"] = resized(mask.astype(np.float32), size)
    inside = area > min(0.5, float(area.max()) / 2)
    beside, below = contrast_weights(small)
    weights = np.concatenate([beside[inside[:, 1:] != inside[:, :-1]], below[inside[1:] != inside[:-1]]])
    return 1 - float(weights.mean()) if len(weights) else 0.0
