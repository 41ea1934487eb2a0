"""Masks of all objects that SAM finds by itself: Kirillov et al. 2023, appendix B; paper, section 3.4."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from napari_car.config import ComputeConfig, SamConfig
from napari_car.recent import Recent, image_key
from napari_car.results import CheckpointIdentity, Progress

from .encoding import EncodedImage
from .library import masks_to_boxes, nms
from .loading import SamModel
from .mask_set import MaskSet

MAX_POINTS_PER_BATCH = 64
_POINT_MEMORY_MB = 60  # attention over 64 x 64 tokens, and logits at 1024 x 1024 px and at image size


class ObjectFinder:
    """Finds objects with SAM, and remembers those of the last images: other queries find them again at once.

    Parameters
    ----------
    sam : SamModel
    """

    def __init__(self, sam: SamModel) -> None:
        self.sam = sam
        self._found: Recent[MaskSet] = Recent()

    @property
    def identity(self) -> CheckpointIdentity:
        """Which SAM it is."""
        return self.sam.identity

    def find(
        self, image: UInt8[np.ndarray, "H W 3"], config: SamConfig, compute: ComputeConfig
    ) -> Generator[Progress, None, MaskSet]:
        """Return SAM's masks of an image; see :func:`find_objects`."""
        grid = (config.n_points_per_side, config.quality_threshold, config.stability_threshold)
        key = (image_key(image), grid, config.stability_offset, config.box_nms_threshold)
        found = self._found.get(key)
        if found is None:
            found = yield from find_objects(self.sam, image, config, compute)
        self._found.put(key, found, compute.max_features_cached)
        return found


def find_objects(
    sam: SamModel, image: UInt8[np.ndarray, "H W 3"], config: SamConfig, compute: ComputeConfig
) -> Generator[Progress, None, MaskSet]:
    """Ask SAM at each point of a grid, and keep the masks that are good, stable and no duplicates.

    Parameters
    ----------
    sam : SamModel
    image : ndarray, (H, W, 3), uint8
        RGB.
    config : SamConfig
        Grid and thresholds.
    compute : ComputeConfig
        ``batch_memory_mb`` bounds how many points are asked at once.

    Yields
    ------
    Progress
        Around the encoding of the image, and after each batch of points.

    Returns
    -------
    MaskSet
        In descending order of SAM's own estimate of their IoU; may be empty.
    """
    yield Progress("sam-image", 0, 0, 1)
    encoded = EncodedImage(sam, image)
    yield Progress("sam-image", 0, 1, 1)
    grid = point_grid(config.n_points_per_side, encoded.size_px)
    n_together = min(MAX_POINTS_PER_BATCH, max(1, compute.batch_memory_mb // _POINT_MEMORY_MB))
    found: list[_Found] = []
    for start in range(0, len(grid), n_together):
        found.append(_ask(encoded, grid[start : start + n_together], config))
        yield Progress("sam-masks", 0, min(start + n_together, len(grid)), len(grid))
    boxes = torch.cat([batch.boxes_xyxy for batch in found])
    quality = torch.cat([batch.quality for batch in found])
    packed = np.concatenate([batch.masks.packed for batch in found])
    kept = nms(boxes, quality, config.box_nms_threshold)
    return MaskSet(packed[kept.numpy()], encoded.size_px)


def point_grid(n_per_side: int, size_px: tuple[int, int]) -> Float[np.ndarray, "P 2"]:
    """Return points (row, col) in px that are spread evenly over an image of size (H, W), in rows."""
    shares = (np.arange(n_per_side) + 0.5) / n_per_side
    rows, cols = np.meshgrid(shares * size_px[0], shares * size_px[1], indexing="ij")
    return np.stack([rows.ravel(), cols.ravel()], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a batch of points gave."""

    masks: MaskSet
    quality: Float[Tensor, " S"]
    boxes_xyxy: Float[Tensor, "S 4"]


def _ask(encoded: EncodedImage, points: Float[np.ndarray, "P 2"], config: SamConfig) -> _Found:
    """Predict masks at each point, and keep those that are good and stable."""
    is_positive = np.ones((len(points), 1), dtype=bool)
    logits, quality = _best(*encoded.decode(points[:, None], is_positive, is_ambiguous=True), encoded.is_hq)
    is_good = quality > config.quality_threshold
    enlarged, quality = encoded.enlarged(logits[is_good]), quality[is_good]
    masks = enlarged > 0
    is_kept = masks.flatten(1).any(dim=1)
    is_kept &= _stability(enlarged, config.stability_offset) >= config.stability_threshold
    masks, quality = masks[is_kept], quality[is_kept].float().cpu()
    boxes = masks_to_boxes(masks).cpu() if len(masks) else torch.zeros((0, 4))
    return _Found(MaskSet.pack(masks.cpu().numpy(), encoded.size_px), quality, boxes)


def _best(
    logits: Float[Tensor, "P C 256 256"], quality: Float[Tensor, "P C"], is_hq: bool
) -> tuple[Float[Tensor, "S 256 256"], Float[Tensor, " S"]]:
    """Return one mask for each point from HQ-SAM, whose estimates are SAM's, not the refined masks'; else all."""
    if not is_hq:
        return logits.flatten(0, 1), quality.flatten()
    best = quality.argmax(dim=1)
    each = torch.arange(len(best), device=best.device)
    return logits[each, best], quality[each, best]


def _stability(logits: Float[Tensor, "S H W"], offset: float) -> Float[Tensor, " S"]:
    """Return the IoU of each mask at a higher and a lower cutoff; no mask is empty at its own."""
    return (logits > offset).sum(dim=(1, 2)) / (logits > -offset).sum(dim=(1, 2)).clamp(min=1)
