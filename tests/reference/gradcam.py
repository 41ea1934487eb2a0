"""Literal Grad-CAM of CLIP-ES by autograd: one backward pass per query, float64, open_clip's modules as they are."""

import copy

import torch
from torch import Tensor, nn


def literal_probabilities(
    visual: nn.Module, tokens: Tensor, texts: Tensor, logit_scale: float
) -> tuple[Tensor, Tensor]:
    """Return the softmax over texts and the activations A it was computed from."""
    visual = copy.deepcopy(visual).double()
    last = visual.transformer.resblocks[-1]
    x = tokens.double()
    activations = last.ln_1(x).detach().requires_grad_()
    x = x + last.ls_1(last.attn(activations, activations, activations)[0])
    x = x + last.ls_2(last.mlp(last.ln_2(x)))
    patches = visual.ln_post(x)[0, 1:]
    image = patches.mean(dim=0) @ visual.proj
    image = image / image.norm()
    logits = logit_scale * (texts.double() @ image)
    return logits.exp() / logits.exp().sum(), activations


def literal_grad_cam(
    visual: nn.Module, tokens: Tensor, grid: tuple[int, int], texts: Tensor, logit_scale: float, query: int
) -> Tensor:
    """Return the activation map of one text among all, (h, w) in [0, 1]."""
    probabilities, activations = literal_probabilities(visual, tokens, texts, logit_scale)
    probabilities[query].backward()
    alpha = activations.grad[0, 1:].mean(dim=0)
    cam = torch.zeros(activations.shape[1] - 1, dtype=torch.float64)
    for k in range(activations.shape[2]):
        cam += alpha[k] * activations.detach()[0, 1:, k]
    cam = cam.clamp(min=0).reshape(grid)
    for _ in range(2):  # applied twice in the released program
        cam = cam - cam.min()
        cam = cam / (1e-15 + cam.max())
    return cam
