"""Gradient class activation maps on frozen CLIP: paper, appendix B."""

import torch
from jaxtyping import Float
from torch import Tensor

from napari_car.clip.tower import VisionTower

EPSILON = 1e-15


class GradCam:
    """Class activation maps of one image, at ``ln_1`` of the last block.

    The part of the tower after the target layer runs once, when this is built; each call of :meth:`maps` is a batched
    vector-Jacobian product through it.

    Parameters
    ----------
    tower : VisionTower
        f's image tower.
    tokens : Tensor, (1, L, D)
        Tokens entering the last block.
    grid : tuple of int
        Patch grid (h, w); L = 1 + h * w.
    logit_scale : float
        exp(logit_scale) of CLIP.
    """

    def __init__(
        self, tower: VisionTower, tokens: Float[Tensor, "1 L D"], grid: tuple[int, int], logit_scale: float
    ) -> None:
        self._grid = grid
        self._activations = tower.target_layer(tokens).detach().requires_grad_()
        with torch.enable_grad():
            embedding = tower.mean_patch_embedding(tokens, self._activations)
            self._logit_direction = logit_scale * torch.nn.functional.normalize(embedding[0], dim=0)

    def probabilities(self, texts: Float[Tensor, "C E"]) -> Float[Tensor, " C"]:
        """Return s, the softmax over texts of their scaled cosine with the image."""
        return (texts @ self._logit_direction).softmax(dim=0)

    def maps(self, texts: Float[Tensor, "C E"], rows: range) -> Float[Tensor, "n h w"]:
        """Return the activation maps of some texts in competition with all.

        Parameters
        ----------
        texts : Tensor, (C, E)
            L2-normalised embeddings of the N queries followed by the M background queries.
        rows : range
            Texts whose maps are wanted (n of them).

        Returns
        -------
        Tensor, (n, h, w), in [0, 1]
            ReLU(sum_k alpha_k A_k), min-max normalised; all zero where nothing is activated.
        """
        with torch.enable_grad():
            scores = self.probabilities(texts)
        one_hot = torch.eye(len(texts), device=texts.device)[rows.start : rows.stop]
        (gradients,) = torch.autograd.grad(
            scores, self._activations, grad_outputs=one_hot, retain_graph=True, is_grads_batched=True
        )
        weights = gradients[:, 0, 1:].mean(dim=1)
        cams = torch.relu(weights @ self._activations.detach()[0, 1:].T)
        return normalise_maps(cams.reshape(-1, *self._grid))


def normalise_maps(maps: Float[Tensor, "N h w"]) -> Float[Tensor, "N h w"]:
    """Min-max normalise each map to [0, 1]; an all-zero map stays zero."""
    maps = maps - maps.amin(dim=(1, 2), keepdim=True)
    return maps / (EPSILON + maps.amax(dim=(1, 2), keepdim=True))
