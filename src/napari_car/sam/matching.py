"""Replacement of masks by matching SAM masks: paper, section 3.4."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from napari_car.config import SamConfig
from napari_car.results import SamAgreement

from .mask_set import MaskSet


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
    agreement : SamAgreement
        What became of it.
    """

    mask: Bool[np.ndarray, "H W"]
    combined: Bool[np.ndarray, "H W"]
    iom: Float[np.ndarray, " S"]
    matched: Bool[np.ndarray, " S"]
    agreement: SamAgreement


def match_sam_masks(mask: Bool[np.ndarray, "H W"], objects: MaskSet, config: SamConfig) -> SamMatch:
    """Match the mask of a query with SAM's automatic masks.

    Parameters
    ----------
    mask : ndarray, (H, W), bool
        m, refined by the CRF. An empty one is left alone.
    objects : MaskSet
        s, SAM's masks; there may be none.
    config : SamConfig
        φ_iom, φ_iou and the released program's additions.

    Notes
    -----
    IoM = max(|m & s| / |s|, |m & s| / |m|), where the first term counts as 0 if the second is below
    ``min_overlap``. SAM masks with IoM > φ_iom are united; the union replaces m if their IoU > φ_iou.
    """
    area = np.count_nonzero(mask)
    if not area or not len(objects):
        nothing = np.zeros(len(objects))
        return SamMatch(mask, np.zeros_like(mask), nothing, nothing.astype(bool), SamAgreement(0, 0.0, False))
    intersections, object_areas = objects.intersections_px(mask), objects.areas_px()
    share_of_mask = intersections / area
    share_of_object = intersections / np.maximum(object_areas, 1)
    share_of_object[share_of_mask < config.min_overlap] = 0
    iom = np.maximum(share_of_object, share_of_mask)
    matched = iom > config.iom_threshold
    if not matched.any() and config.best_if_none:
        matched[(intersections / (area + object_areas - intersections)).argmax()] = True
    combined = objects.union(matched)
    iou = float(np.count_nonzero(combined & mask) / np.count_nonzero(combined | mask))
    is_replaced = iou > config.iou_threshold
    agreement = SamAgreement(int(np.count_nonzero(matched)), iou, is_replaced)
    return SamMatch(combined if is_replaced else mask, combined, iom, matched, agreement)


def match_each(
    masks: Mapping[int, Bool[np.ndarray, "H W"]], objects: MaskSet | None, config: SamConfig
) -> tuple[dict[int, Bool[np.ndarray, "H W"]], dict[int, SamAgreement]]:
    """Match the masks of several queries, by index; all stay as they are if SAM was not asked."""
    if objects is None:
        return dict(masks), {}
    matches = {index: match_sam_masks(mask, objects, config) for index, mask in masks.items()}
    return {i: match.mask for i, match in matches.items()}, {i: match.agreement for i, match in matches.items()}
