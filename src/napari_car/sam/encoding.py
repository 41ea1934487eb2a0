"""An image as SAM's encoder sees it, and masks decoded from it: Kirillov et al. 2023, section 3; Ke et al. 2023."""

from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from .library import library
from .loading import SamModel

INPUT_PX = 1024
"""Length of the longer side at which SAM sees an image."""

LOGITS_PX = 256
"""Side of the square of logits that SAM decodes, and takes as a mask prompt; the image lies in its upper left."""

_SURE = 0.999  # probability that a given mask stands for, as in micro-sam; SAM was trained on its own logits
_MASK_LOGIT = float(np.log(_SURE / (1 - _SURE)))


class EncodedImage:
    """An image that SAM has looked at.

    Parameters
    ----------
    sam : SamModel
    image : ndarray, (H, W, 3), uint8
        RGB; encoded here, which takes seconds on a CPU.
    """

    def __init__(self, sam: SamModel, image: UInt8[np.ndarray, "H W 3"]) -> None:
        self._sam = sam
        self._predictor = library.SamPredictor(sam.network)  # holds one image's embedding
        self._predictor.set_image(image)
        self.size_px: tuple[int, int] = (image.shape[0], image.shape[1])
        self.is_hq = sam.is_hq

    @torch.no_grad()
    def decode(
        self,
        points: Float[np.ndarray, "B P 2"] | None,
        is_positive: Bool[np.ndarray, "B P"] | None,
        *,
        box: tuple[float, float, float, float] | None = None,
        logits: Float[np.ndarray, "h w"] | None = None,
        is_ambiguous: bool,
    ) -> tuple[Float[Tensor, "B C 256 256"], Float[Tensor, "B C"]]:
        """Decode masks, for B sets of prompts at once.

        Parameters
        ----------
        points : ndarray, (B, P, 2), or None
            (row, col) in px of the image.
        is_positive : ndarray, (B, P), or None
            Whether each lies on the object.
        box : tuple of float, optional
            (top, left, bottom, right) in px; with B = 1.
        logits : ndarray, (256, 256), optional
            Of a mask, see :meth:`logits_of`; with B = 1.
        is_ambiguous : bool
            Decode C = 3 masks of different extents instead of one.

        Returns
        -------
        logits : Tensor, (B, C, 256, 256)
            A mask is where they are above 0, see :meth:`enlarged`.
        quality : Tensor, (B, C)
            SAM's estimate of each mask's IoU, about in [0, 1].
        """
        network, encoded = self._sam.network, self._predictor
        sparse, dense = network.prompt_encoder(
            points=None if points is None or is_positive is None else self._point_prompts(points, is_positive),
            boxes=None if box is None else self._to_input(np.array(box).reshape(1, 2, 2)).reshape(1, 4),
            masks=None if logits is None else self._tensor(logits)[None, None],
        )
        decoder = network.mask_decoder
        hq: dict[str, Tensor] = {"hq_features": self._hq_features(decoder)} if self.is_hq else {}
        masks, quality = decoder.predict_masks(
            image_embeddings=encoded.features,
            image_pe=network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            **hq,
        )
        # SAM's token 0 means the one mask, 1 to 3 those of different extents; HQ-SAM's last token refines each.
        chosen = slice(1, 4) if is_ambiguous else slice(0, 1)
        refinement = masks[:, 4:] if self.is_hq else 0
        return masks[:, chosen] + refinement, quality[:, chosen]

    @torch.no_grad()
    def enlarged(self, logits: Float[Tensor, "S 256 256"]) -> Float[Tensor, "S H W"]:
        """Return logits at the size of the image."""
        if not len(logits):
            return logits.new_zeros((0, *self.size_px))
        enlarged: Float[Tensor, "S 1 H W"] = self._sam.network.postprocess_masks(
            logits[:, None], self._predictor.input_size, self.size_px
        )
        return enlarged[:, 0]

    def logits_of(self, mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "256 256"]:
        """Return the logits that stand for a mask of the image's size."""
        height, width = self._predictor.input_size
        square = np.zeros((INPUT_PX, INPUT_PX), dtype=np.float32)
        square[:height, :width] = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        share = cv2.resize(square, (LOGITS_PX, LOGITS_PX), interpolation=cv2.INTER_AREA)
        return (2 * share - 1) * np.float32(_MASK_LOGIT)

    def _hq_features(self, decoder: Any) -> Tensor:
        """Fuse early and final features, which HQ-SAM's token reads (Ke et al. 2023, section 3.2)."""
        early = self._predictor.interm_features[0].permute(0, 3, 1, 2)
        fused: Tensor = decoder.embedding_encoder(self._predictor.features) + decoder.compress_vit_feat(early)
        return fused

    def _point_prompts(
        self, points: Float[np.ndarray, "B P 2"], is_positive: Bool[np.ndarray, "B P"]
    ) -> tuple[Tensor, Tensor]:
        """Return points and their labels as SAM takes them."""
        return self._to_input(points), self._tensor(is_positive.astype(np.int32))

    def _to_input(self, points: Float[np.ndarray, "B P 2"]) -> Float[Tensor, "B P 2"]:
        """Turn (row, col) of the image into (x, y) of SAM's input."""
        points_xy = self._predictor.transform.apply_coords(points[..., ::-1], self.size_px)
        return self._tensor(points_xy.astype(np.float32))

    def _tensor(self, array: np.ndarray) -> Tensor:
        """Put an array where the network is."""
        return torch.as_tensor(np.ascontiguousarray(array), device=self._sam.network.device)
