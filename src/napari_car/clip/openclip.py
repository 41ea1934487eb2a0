"""open_clip, imported in one place, because what it loads has to be loaded in the right way."""

from .triton import load_triton_apart

load_triton_apart()

import open_clip  # noqa: E402
from open_clip.transformer import LayerScale, ResidualAttentionBlock, VisionTransformer  # noqa: E402

__all__ = ["LayerScale", "ResidualAttentionBlock", "VisionTransformer", "open_clip"]
