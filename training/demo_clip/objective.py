"""One training step's loss, assembled from the batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from open_clip import CLIP
from torch import Tensor
from torch.nn import functional

from demo_clip import cam, losses, rows, targets
from demo_clip.architecture import PATCH_SIZE_PX, CompactVocabulary, encode_texts
from demo_clip.batches import Batch, region_truth, show_region
from demo_clip.tower import Trunk, encode_class_token, normalise, run_trunk

MAX_LOGIT_SCALE = 60.0
MIN_CERTAINTY = 0.7
COVERAGE_GAIN = 1.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each loss counts, and what is computed at all."""

    helper: float = 1.0
    spread: float = 1.0
    text_helper: float = 0.3
    region_helper: float = 0.3
    image: float = 0.3
    region: float = 1.0
    evidence: float = 1.0
    raw_map: float = 0.5
    refined: float = 0.0
    n_maps: int = 2
    """Evidence maps per image."""
    own_regions: int = 0
    """Regions per image that f itself proposes, shown to g."""


class Objective:
    """Loss of a batch."""

    def __init__(self, model: CLIP, helpers: losses.Helpers, vocabulary: CompactVocabulary, seed: int):
        self.model = model
        self.helpers = helpers
        self.vocabulary = vocabulary
        self.rng = np.random.default_rng((seed, 3))

    def __call__(self, batch: Batch, weights: Weights) -> tuple[Tensor, dict[str, float]]:
        """
        Compute the weighted loss.

        Returns
        -------
        total : scalar tensor
        parts : dict
            Each loss by name, unweighted.
        """
        model = self.model
        truth = targets.presence(batch)
        parts: dict[str, Tensor] = {}
        texts = None
        if weights.image > 0 or weights.region > 0:
            texts = encode_texts(model, *self.vocabulary.encode(rows.sample_texts(self.rng)))
            parts["spread"] = losses.spread_texts(texts, rows.COSINE_LIMITS)
            parts["text_helper"] = self.helpers.ask_texts(texts)
            texts = texts * model.logit_scale.exp().clamp_max(MAX_LOGIT_SCALE)

        trunk = run_trunk(model.visual, normalise(torch.from_numpy(batch.images)), with_attention=weights.refined > 0)
        patch_coverage = targets.coverage(torch.from_numpy(batch.labels))
        every = torch.from_numpy(np.concatenate([batch.concept_rows[..., None], batch.attribute_rows], -1))
        parts["helper"] = self.helpers.ask_patches(
            trunk.tokens[:, 1:],
            targets.dominant_concept(patch_coverage),
            every,
            targets.outline_shares(batch, losses.OUTLINE_CELLS),
            torch.from_numpy(batch.geometry),
        )
        maps = None
        if weights.image > 0:
            maps = self._ask_images(batch, truth, trunk, patch_coverage, texts, weights, parts)

        shown, shown_truth, pointed = self._regions(batch, maps, weights.own_regions)
        whole, skipped, class_tokens, patch_tokens = encode_class_token(model.visual, normalise(shown))
        if weights.region > 0:
            softmax = targets.region_softmax(self.rng, shown_truth, truth)
            parts["region"] = losses.contrast(whole @ texts.T, softmax)
            parts["region"] += 0.3 * losses.contrast(skipped @ texts.T, softmax)
        certainty, label = shown_truth.max(1)
        parts["region_helper"] = self.helpers.ask_regions(
            class_tokens,
            patch_tokens,
            torch.where(certainty > MIN_CERTAINTY, label, -1),
            every.repeat_interleave(len(shown) // len(every), 0),
            pointed,
        )
        total = torch.stack([getattr(weights, name) * loss for name, loss in parts.items()]).sum()
        return total, {name: float(loss.detach()) for name, loss in parts.items()}

    def _ask_images(
        self,
        batch: Batch,
        truth: Tensor,
        trunk: Trunk,
        patch_coverage: Tensor,
        texts: Tensor,
        weights: Weights,
        parts: dict[str, Tensor],
    ) -> Tensor | None:
        """Add the losses of whole images and of their maps; return the maps (B, Q, h*w) of true queries."""
        A, mean_feature, class_feature, attention = cam.image_features(self.model.visual, trunk)
        softmax = targets.image_softmax(self.rng, batch, truth)
        mean_logits = mean_feature @ texts.T
        parts["image"] = losses.contrast(mean_logits, softmax) + losses.contrast(class_feature @ texts.T, softmax)
        if weights.evidence == 0:
            return None
        probabilities = mean_logits.masked_fill(~softmax.columns, -1e4).softmax(-1)
        queries, is_asked = self._choose_queries(truth, softmax, weights.n_maps)
        masks = _query_masks(truth, patch_coverage, queries)
        evidence = cam.class_evidence(A, probabilities, queries, create_graph=True)
        maps = cam.min_max(functional.relu(evidence))
        parts["evidence"] = losses.evidence_loss(evidence[is_asked], masks[is_asked])
        parts["raw_map"] = losses.map_loss(maps[is_asked], masks[is_asked])
        if weights.refined > 0:
            maps = cam.refine(maps, cam.affinity(attention), trunk.grid, float(self.rng.uniform(0.3, 0.5)))
            parts["refined"] = losses.map_loss(maps[is_asked], masks[is_asked])
        return maps

    def _choose_queries(self, truth: Tensor, softmax: targets.Softmax, count: int) -> tuple[Tensor, Tensor]:
        """Choose rows that are asked for and true, at random: (B, count) rows, and whether there was one."""
        is_true = truth.any(1) & softmax.columns
        draw = torch.from_numpy(self.rng.random(is_true.shape)) * is_true
        order = draw.argsort(1, descending=True)[:, :count]
        return order, is_true.gather(1, order)

    def _regions(self, batch: Batch, maps: Tensor | None, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """
        Join the data process's regions with `count` regions per image from f's own maps (B, Q, h*w).

        Returns
        -------
        shown : (B * R, native, native, 3) uint8
        truth : (B * R, MAX_CONCEPTS) float32
        pointed : (B * R, n) float32
        """
        B = len(batch.images)
        parts = [[part.reshape(B, -1, *part.shape[1:])] for part in (batch.prompted, batch.region_truth, batch.pointed)]
        if maps is not None and count:
            own = [region for b in range(B) for region in self._own_regions(batch, maps, b, count)]
            for part, values in zip(parts, zip(*own, strict=True), strict=True):
                stacked = np.stack(values)
                part.append(stacked.reshape(B, count, *stacked.shape[1:]))
        shown, truth, pointed = (torch.from_numpy(np.concatenate(part, 1)).flatten(0, 1) for part in parts)
        return shown, truth, pointed

    def _own_regions(
        self, batch: Batch, maps: Tensor, b: int, count: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Threshold some of an image's own maps and show them."""
        H, W = batch.labels.shape[1:]
        grid = (1, 1, H // PATCH_SIZE_PX, W // PATCH_SIZE_PX)
        for q in self.rng.permutation(maps.shape[1])[:count]:
            proposal = functional.interpolate(maps[b, q].detach().reshape(grid), (H, W), mode="bilinear")[0, 0].numpy()
            mask = proposal > self.rng.uniform(0.3, 0.5)
            prompted, pointed = show_region(self.rng, batch.images[b], mask)
            yield prompted, region_truth(mask, batch.labels[b]), pointed


def _query_masks(truth: Tensor, patch_coverage: Tensor, queries: Tensor) -> Tensor:
    """
    Soft masks of queries on the patch grid, each the union of the concepts it is true of: (B, Q, h*w).

    A patch counts in full from a share of `1 / COVERAGE_GAIN`: thin things never fill one, and the CRF trims.
    """
    is_true = truth.gather(2, queries[:, None].expand(-1, truth.shape[1], -1)).float()
    return (COVERAGE_GAIN * torch.einsum("bkq,bkp->bqp", is_true, patch_coverage)).clamp_max(1)
