"""f, the mask proposal generator (Eq. 3)."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from napari_car.clip.model import ClipModel
from napari_car.clip.preprocess import resize_to_patches
from napari_car.config import ComputeConfig, ProposalConfig
from napari_car.queries import Query
from napari_car.results import Progress, Proposals

from .affinity import attention_affinity, draw_box_mask, spread_by_affinity
from .cam import GradCam, normalise_maps
from .texts import embed_queries


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What f knows of an image before any query; computed once per image.

    Parameters
    ----------
    tokens : Tensor, (1, L, D), float32
        Tokens entering the last block.
    affinity : Tensor, (hw, hw), float32
        A of Eq. 7.
    grid : tuple of int
        Patch grid (h, w).
    size_px : tuple of int
        Height and width (H, W) of the image.
    """

    tokens: Float[Tensor, "1 L D"]
    affinity: Float[Tensor, "hw hw"]
    grid: tuple[int, int]
    size_px: tuple[int, int]


@torch.no_grad()
def encode_image(clip: ClipModel, image: UInt8[np.ndarray, "H W 3"], config: ProposalConfig) -> ImageFeatures:
    """Run f's image tower up to its last block.

    Parameters
    ----------
    clip : ClipModel
    image : ndarray, (H, W, 3), uint8
        RGB; resized to multiples of the patch.
    config : ProposalConfig
        ``n_attention_blocks`` and ``n_sinkhorn_rounds`` are used.
    """
    images = clip.normalise(resize_to_patches(image, clip.tower.patch_px)[None])
    tokens, attention = clip.tower.tokens_before_last_block(images, config.n_attention_blocks)
    affinity = attention_affinity(attention[0], config.n_sinkhorn_rounds)
    return ImageFeatures(tokens, affinity, clip.tower.grid(images), (image.shape[0], image.shape[1]))


class MaskProposalGenerator:
    """f for one image: class activation maps, refined by attention affinity.

    Parameters
    ----------
    clip : ClipModel
    features : ImageFeatures
        The image.
    queries : sequence of Query
        All queries of the run; a time step names some of them by index.
    background : sequence of str
        Background queries; they compete in the softmax and get no map.
    config : ProposalConfig
    compute : ComputeConfig
    separate : bool
        Each query alone against the background queries (referring mode).
    """

    def __init__(
        self,
        clip: ClipModel,
        features: ImageFeatures,
        queries: Sequence[Query],
        background: Sequence[str],
        config: ProposalConfig,
        compute: ComputeConfig,
        *,
        separate: bool = False,
    ) -> None:
        self._clip, self._features, self._config = clip, features, config
        self._queries, self._separate = tuple(queries), separate
        self._background = embed_queries(clip.texts, background, [config.cam_template])[0]
        self._cam = GradCam(clip.tower, features.tokens, features.grid, clip.logit_scale)
        self._chunk = self._maps_that_fit(compute.batch_memory_mb)

    @property
    def can_contrast_one(self) -> bool:
        """Whether a single query has anything to compete with."""
        return len(self._background) > 0

    def propose_masks(self, h: Sequence[int], step: int) -> Generator[Progress, None, Proposals]:
        """Propose one mask per query of a time step.

        Parameters
        ----------
        h : sequence of int
            Indices of the queries, not empty.
        step : int
            t; the first step may have a template of its own.

        Yields
        ------
        Progress
            After each batch of gradients.

        Returns
        -------
        Proposals
            y, (N, h, w) on the patch grid.
        """
        template = self._config.first_step_template if step == 1 else self._config.cam_template
        texts = embed_queries(self._clip.texts, [self._queries[i] for i in h], [template])[0]
        cams = []
        for rows in self._chunks(len(texts)):
            cams.append(self._activation_maps(texts, rows))
            yield Progress("proposals", step, rows.stop, len(texts))
        maps = torch.cat(cams)
        if self._config.method == "clip-es":
            maps = self._refined(maps)
        return Proposals(maps.cpu().numpy(), self._features.size_px)

    def _chunks(self, n: int) -> list[range]:
        """Split queries so that their gradients fit into memory."""
        size = 1 if self._separate else self._chunk
        return [range(start, min(start + size, n)) for start in range(0, n, size)]

    def _activation_maps(self, texts: Float[Tensor, "N E"], rows: range) -> Float[Tensor, "n h w"]:
        """Return maps before the affinity; one that is all zero is computed again without background queries."""
        if self._separate:
            return self._cam.maps(torch.cat([texts[rows.start : rows.stop], self._background]), range(len(rows)))
        cams = self._cam.maps(torch.cat([texts, self._background]), rows)
        for i, row in enumerate(rows):
            if len(texts) > 1 and len(self._background) and not cams[i].any():
                cams[i] = self._cam.maps(texts, range(row, row + 1))[0]
        return cams

    @torch.no_grad()
    def _refined(self, cams: Float[Tensor, "N h w"]) -> Float[Tensor, "N h w"]:
        """Spread the maps by affinity from inside their boxes."""
        boxes = np.stack([draw_box_mask(cam, self._config.box_threshold) for cam in cams.cpu().numpy()])
        box_masks = torch.from_numpy(boxes).to(cams.device)
        spread = spread_by_affinity(self._features.affinity, cams, box_masks, self._config.n_affinity_steps)
        return normalise_maps(spread)

    def _maps_that_fit(self, memory_mb: int) -> int:
        """Return how many gradients through the last block are taken at once."""
        n_tokens = self._features.tokens.shape[1]
        tower = self._clip.tower
        # Three attention-sized and about twelve token-sized float32 buffers live at once in the backward pass.
        bytes_per_map = 4 * n_tokens * (3 * tower.n_heads * n_tokens + 12 * tower.width)
        return max(1, memory_mb * 2**20 // bytes_per_map)
