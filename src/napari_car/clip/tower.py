"""A patch-grid view of open_clip's vision transformers.

The modules are open_clip's own; this one only calls them in pieces: the tokens entering the last block, the
attention of each block, and the last block as a function that autograd can differentiate.
"""

import copy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from napari_car.errors import CheckpointError

from .openclip import ResidualAttentionBlock, VisionTransformer


def check_tower(visual: nn.Module, name: str) -> None:
    """Refuse an image tower that cannot serve as f or g.

    Parameters
    ----------
    visual : torch.nn.Module
        ``model.visual`` of an open_clip model.
    name : str
        Name of the model for the error text.

    Raises
    ------
    CheckpointError
        If it is no vision transformer with a class token and standard residual attention blocks.
    """
    if not isinstance(visual, VisionTransformer):
        reason = f"its image tower is a {type(visual).__name__}, not a vision transformer of open_clip"
    elif visual.attn_pool is not None:
        reason = "its image tower pools by attention instead of by a class token"
    elif visual.pool_type != "tok":
        reason = f"its image tower pools by {visual.pool_type!r} instead of by a class token"
    elif any(type(block) is not ResidualAttentionBlock for block in visual.transformer.resblocks):
        reason = f"its image tower has blocks of another structure ({visual.transformer.resblocks[0]._get_name()})"
    elif visual.patch_size[0] != visual.patch_size[1]:
        reason = f"its patches of {visual.patch_size[0]}x{visual.patch_size[1]} px are not square"
    elif len(visual.transformer.resblocks) < 2:
        reason = "its image tower has a single block"
    else:
        return
    raise CheckpointError(f"{name} cannot serve as f or g: {reason}; choose a ViT such as ViT-B-16.")


class VisionTower:
    """The image tower of CLIP, called in pieces.

    Parameters
    ----------
    visual : open_clip.transformer.VisionTransformer
        The tower; its parameters must not require gradients.
    """

    def __init__(self, visual: VisionTransformer) -> None:
        self.visual: Any = visual
        self.blocks: list[ResidualAttentionBlock] = list(visual.transformer.resblocks)
        self.patch_px = int(visual.patch_size[0])
        self.native_size_px = (int(visual.image_size[0]), int(visual.image_size[1]))
        self.width = int(visual.class_embedding.shape[0])
        self.n_heads = int(self.blocks[0].attn.num_heads)
        self.dtype = visual.conv1.weight.dtype
        self.device = visual.conv1.weight.device
        # Gradients of softmax probabilities underflow in half precision, so the differentiated part is in float32.
        self._last: Any = self._in_float32(self.blocks[-1])
        self._ln_post = self._in_float32(visual.ln_post)
        self._proj = None if visual.proj is None else visual.proj.detach().float()

    def _in_float32(self, module: nn.Module) -> nn.Module:
        """Return the module itself in float32 models, else a converted copy."""
        return module if self.dtype == torch.float32 else copy.deepcopy(module).float()

    def grid(self, images: Float[Tensor, "B 3 H W"]) -> tuple[int, int]:
        """Return the patch grid (h, w) of images."""
        return images.shape[-2] // self.patch_px, images.shape[-1] // self.patch_px

    def positional_embedding(self, h: int, w: int) -> Float[Tensor, "L D"]:
        """Return the positional embedding for a patch grid.

        The grid's part is resized bilinearly (``align_corners=False``, as in CLIP-ES), the class token's stays.
        """
        table: Tensor = self.visual.positional_embedding
        native_h, native_w = self.visual.grid_size
        if (h, w) == (native_h, native_w):
            return table
        grid = table[1:].T.reshape(1, -1, native_h, native_w).float()
        resized = nn.functional.interpolate(grid, size=(h, w), mode="bilinear", align_corners=False)
        return torch.cat([table[:1], resized[0].flatten(1).T.to(table.dtype)])

    def embed(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B L D"]:
        """Return the tokens entering the first block, class token first."""
        patches = self.visual.conv1(images.to(self.dtype)).flatten(2).transpose(1, 2)
        class_token = self.visual.class_embedding.to(patches.dtype).expand(patches.shape[0], 1, -1)
        positions = self.positional_embedding(*self.grid(images)).to(patches.dtype)
        tokens: Tensor = self.visual.ln_pre(torch.cat([class_token, patches], dim=1) + positions)
        return tokens

    @torch.no_grad()
    def tokens_before_last_block(
        self, images: Float[Tensor, "B 3 H W"], n_attention_blocks: int
    ) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B L L"]]:
        """Run all blocks but the last.

        Parameters
        ----------
        images : Tensor, (B, 3, H, W)
            Normalised images whose sides are multiples of the patch.
        n_attention_blocks : int
            How many last blocks, the last one included, contribute attention; all, if there are fewer.

        Returns
        -------
        tokens : Tensor, (B, L, D), float32
            Input of the last block; L = 1 + h * w.
        attention : Tensor, (B, L, L), float32
            Attention averaged over heads and over the chosen blocks; rows sum to 1.
        """
        tokens = self.embed(images)
        first = max(0, len(self.blocks) - n_attention_blocks)
        total = torch.zeros((), device=tokens.device)
        for index, block in enumerate(self.blocks[:-1]):
            if index < first:
                tokens = block(tokens)
            else:
                tokens, attention = run_block(block, tokens, block.ln_1(tokens))
                total = total + attention.float()
        tokens = tokens.float()
        _, attention = self._last.attn(*[self._last.ln_1(tokens)] * 3, need_weights=True)
        return tokens, (total + attention) / (len(self.blocks) - first)

    def target_layer(self, tokens: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        """Return A, the output of ``ln_1`` of the last block, at which class activation maps are taken."""
        activations: Tensor = self._last.ln_1(tokens)
        return activations

    def mean_patch_embedding(
        self, tokens: Float[Tensor, "B L D"], activations: Float[Tensor, "B L D"]
    ) -> Float[Tensor, "B E"]:
        """Run the rest of the tower as a differentiable function of A and pool the patch tokens.

        Parameters
        ----------
        tokens : Tensor, (B, L, D)
            Input of the last block (its residual path).
        activations : Tensor, (B, L, D)
            A, from :meth:`target_layer`.

        Returns
        -------
        Tensor, (B, E)
            Mean over patch tokens (not the class token) after ``ln_post``, projected; not normalised.
        """
        # Attention with its weights: the fused kernel has no batching rule for its backward pass.
        tokens, _ = run_block(self._last, tokens, activations)
        pooled = self._ln_post(tokens)[:, 1:].mean(dim=1)
        embedding: Tensor = pooled if self._proj is None else pooled @ self._proj
        return embedding

    @torch.no_grad()
    def class_token_embedding(self, images: Float[Tensor, "B 3 H W"], blocks: str = "all") -> Float[Tensor, "B E"]:
        """Encode images as CLIP does.

        Parameters
        ----------
        images : Tensor, (B, 3, H, W)
            Normalised images.
        blocks : {"all", "all-but-last"}
            Leave the last block out, as the released program does.

        Returns
        -------
        Tensor, (B, E), float32
            Projected class token; not normalised.
        """
        tokens = self.embed(images)
        for block in self.blocks if blocks == "all" else self.blocks[:-1]:
            tokens = block(tokens)
        pooled: Tensor = self.visual.ln_post(tokens[:, 0])
        return (pooled if self.visual.proj is None else pooled @ self.visual.proj).float()


def run_block(
    block: Any, tokens: Float[Tensor, "B L D"], normed: Float[Tensor, "B L D"]
) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B L L"]]:
    """Run a residual attention block given its ``ln_1`` output; also return its head-averaged attention."""
    attended, attention = block.attn(normed, normed, normed, need_weights=True)
    tokens = tokens + block.ls_1(attended)
    return tokens + block.ls_2(block.mlp(block.ln_2(tokens))), attention
