"""What a mark makes of a mask."""

import cv2
import numpy as np
from jaxtyping import Bool, Int8, UInt8

from .marks import Mark
from .region import Correction, Region, propose_region

_RADII = (1.0, 1.4, 2.0, 2.8, 4.0, 8.0)  # of a region, per distance of the mark from the outline
_UNUSUAL = 0.12  # cost of a radius, per square of its log2 from that distance
_FREE_RADII = (0.03, 0.06, 0.12, 0.18, 0.3)  # where there is no outline: per square root of the image's area
_FREE_USUAL, _FREE_UNUSUAL = 0.12, 0.1
_LEAST_RADIUS_PX = 3.0
# How weak the image's edge is as an outline: a thing may be cut by it, but what lies all along it is the ground.
_FRAME_WEAKNESS = {True: 0.5, False: 0.0}
_TINY_PX = 3  # a region of fewer pixels is no answer to a mark
_COARSE_PX, _FINE_PX = 112, 288  # longer side of the window in which a region is chosen, and drawn


def correct(
    image: UInt8[np.ndarray, "H W 3"],
    mask: Bool[np.ndarray, "H W"],
    seeds: Int8[np.ndarray, "H W"],
    mark: Mark,
    max_candidates: int = 1,
) -> list[Bool[np.ndarray, "H W"]]:
    """Return what a mark makes of a mask: candidates of different extent, the best first.

    What changes is one region around the mark, or several if a stroke crosses several errors; nothing if the mask
    agrees with the mark already. Of regions of different radius the best is the one of least cost: the weakness of its
    outline, and how unlike its radius is to the distance of the mark from the outline that it corrects. A mark
    in the middle of an error, where people click, is about as far from the mask's outline as from the object's.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        CIE L*a*b*.
    mask : ndarray, (H, W), bool
    seeds : ndarray, (H, W), int8
        1 and -1 on positive and negative marks, this one and those before; 0 elsewhere.
    mark : Mark
    max_candidates : int
        At least 1.
    """
    is_labelled = mask == mark.is_positive
    at = mark.at[~is_labelled[mark.at[:, 0], mark.at[:, 1]]]
    if not len(at):
        return [mask]
    correction = Correction(
        image, is_labelled, seeds if mark.is_positive else -seeds, at, _FRAME_WEAKNESS[mark.is_positive]
    )
    ranked = sorted(
        (cost + _cost(propose_region(correction, radius_px, _COARSE_PX)), radius_px)
        for radius_px, cost in _radii(correction)
    )
    best = (propose_region(correction, radius_px, _FINE_PX) for _, radius_px in ranked[:max_candidates])
    return [_changed(mask, region, mark) for region in best]


def _radii(correction: Correction) -> list[tuple[float, float]]:
    """Return radii of regions in px, and what each one costs."""
    height, width = correction.is_labelled.shape
    side_px = float(np.sqrt(height * width))
    usual_px, shares, unusual = _FREE_USUAL * side_px, np.array(_FREE_RADII) * side_px, _FREE_UNUSUAL
    if correction.is_labelled.any():
        unlabelled = (~correction.is_labelled).astype(np.uint8)
        distance = cv2.distanceTransform(unlabelled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        usual_px = float(distance[correction.at[:, 0], correction.at[:, 1]].max())
        usual_px = float(np.clip(usual_px, _LEAST_RADIUS_PX, max(side_px / 2, _LEAST_RADIUS_PX)))
        shares, unusual = np.array(_RADII) * usual_px, _UNUSUAL
        shares = shares[(shares < side_px / 1.5) | (shares == usual_px)]
    radii = np.maximum(shares, _LEAST_RADIUS_PX)
    costs = unusual * np.log2(radii / max(usual_px, _LEAST_RADIUS_PX)) ** 2
    return [(float(radius), float(cost)) for radius, cost in zip(radii, costs, strict=True)]


def _cost(region: Region) -> float:
    """Return what speaks against a region."""
    return region.weakness + (1.0 if np.count_nonzero(region.pixels) < _TINY_PX else 0.0)


def _changed(mask: Bool[np.ndarray, "H W"], region: Region, mark: Mark) -> Bool[np.ndarray, "H W"]:
    """Return a mask in which a region and its mark have the mark's label."""
    changed = mask.copy()
    changed[region.window][region.pixels] = mark.is_positive
    changed[mark.at[:, 0], mark.at[:, 1]] = mark.is_positive
    return changed
