"""SAM's image encoder in half precision, which the library does not provide for."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_MATRICES = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class HalfPrecisionEncoder(nn.Module):
    """An image encoder whose matrices are in half precision, and whose input and output are not.

    Parameters
    ----------
    encoder : torch.nn.Module
        The library's; changed in place.
    dtype : torch.dtype
        ``torch.float16`` or ``torch.bfloat16``.
    """

    def __init__(self, encoder: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        for module in encoder.modules():
            if isinstance(module, _MATRICES):
                module.to(dtype)
        for module in encoder.neck.children():  # type: ignore[union-attr]
            if not isinstance(module, _MATRICES):  # norms that sum squares, which can exceed what fp16 holds
                module.register_forward_pre_hook(_in_float32)
        self.encoder, self._dtype = encoder, dtype
        self.img_size = encoder.img_size  # the library asks for it

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> tuple[Float[Tensor, "B D h w"], list[Tensor]]:
        """Return the embedding, and the features of early layers that HQ-SAM reads, as the library's does."""
        with torch.autocast(images.device.type, self._dtype):
            embedding, early = self.encoder(images)
        return embedding.float(), [features.float() for features in early]


def _in_float32(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Convert what enters a module."""
    return tuple(each.float() for each in inputs)
