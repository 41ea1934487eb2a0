"""Replacement of masks by matching SAM masks: paper, section 3.4."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from napari_car.config import SamConfig


@dataclass(frozen=True, slots=True)
class SamMatch:
    """How one mask was matched.

    Parameters
    ----------
    mask : ndarray, (H, W), bool
        The result: the union of matched SAM masks, or the mask itself.
    combined : ndarray, (H, W), bool
        Union of the matched SAM masks.
    iom : ndarray, (S,), float64
        Intersection over minimum mask with each SAM mask.
    matched : ndarray, (S,), bool
        SAM masks in the union.
    iou : float
        Intersection over union of ``combined`` and the mask.
    """

    mask: Bool[np.ndarray, "H W"]
    combined: Bool[np.ndarray, "H W"]
    iom: Float[np.ndarray, " S"]
    matched: Bool[np.ndarray, " S"]
    iou: float


def match_sam_masks(
    mask: Bool[np.ndarray, "H W"], sam_masks: Bool[np.ndarray, "S H W"], config: SamConfig
) -> SamMatch:
    """Match the mask of a query with SAM's automatic masks.

    Parameters
    ----------
    mask : ndarray, (H, W), bool
        m, refined by the CRF. An empty one is left alone.
    sam_masks : ndarray, (S, H, W), bool
        s; S may be 0.
    config : SamConfig
        φ_iom, φ_iou and the released program's additions.

    Notes
    -----
    IoM = max(|m & s| / |s|, |m & s| / |m|), where the first term counts as 0 if the second is below
    ``min_overlap``. SAM masks with IoM > φ_iom are united; the union replaces m if their IoU > φ_iou.
    """
    area = np.count_nonzero(mask)
    if not area or not len(sam_masks):
        nothing = np.zeros(len(sam_masks))
        return SamMatch(mask, np.zeros_like(mask), nothing, nothing.astype(bool), 0.0)
    intersections = np.count_nonzero(sam_masks & mask, axis=(1, 2))
    sam_areas = np.count_nonzero(sam_masks, axis=(1, 2))
    share_of_mask = intersections / area
    share_of_sam = intersections / np.maximum(sam_areas, 1)
    share_of_sam[share_of_mask < config.min_overlap] = 0
    iom = np.maximum(share_of_sam, share_of_mask)
    matched = iom > config.iom_threshold
    if not matched.any() and config.best_if_none:
        matched[(intersections / (area + sam_areas - intersections)).argmax()] = True
    combined = sam_masks[matched].any(axis=0)
    union = np.count_nonzero(combined | mask)
    iou = np.count_nonzero(combined & mask) / union
    return SamMatch(combined if iou > config.iou_threshold else mask, combined, iom, matched, iou)
