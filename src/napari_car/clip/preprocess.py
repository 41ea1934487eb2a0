"""Images to the networks' inputs."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

Fit = Literal["crop", "squash", "pad"]

MAX_RESIZED_PX = 2**24
"""Pixels of a resized image of which only the centre is needed."""


def resize_to_patches(image: UInt8[np.ndarray, "H W 3"], patch_px: int) -> UInt8[np.ndarray, "H2 W2 3"]:
    """Enlarge an image to the next multiple of the patch per side, bicubic with PIL's antialiasing."""
    height, width = (-(-side // patch_px) * patch_px for side in image.shape[:2])
    return _resized(Image.fromarray(image), width, height)


def fit_to_square(image: UInt8[np.ndarray, "H W 3"], size_px: tuple[int, int], fit: Fit) -> UInt8[np.ndarray, "h w 3"]:
    """Bring an image to a classifier's input size, bicubic with PIL's antialiasing.

    Parameters
    ----------
    image : ndarray, (H, W, 3), uint8
        RGB.
    size_px : tuple of int
        Height and width of the result.
    fit : {"crop", "squash", "pad"}
        Shorter side to size and ends cut off (as CLIP does); both sides to size; longer side to size on black.
    """
    height, width = size_px
    picture = Image.fromarray(image)
    if fit == "squash":
        return _resized(picture, width, height)
    scales = height / picture.height, width / picture.width
    scale = max(scales) if fit == "crop" else min(scales)
    # Truncated as torchvision does, so that "crop" gives CLIP's own pixels.
    new_width, new_height = (max(1, int(side * scale + 1e-9)) for side in picture.size)
    if fit == "crop":
        return _centre_of_resized(picture, max(new_width, width), max(new_height, height), size_px)
    top, left = round((height - new_height) / 2), round((width - new_width) / 2)
    padded = np.zeros((height, width, 3), dtype=np.uint8)
    padded[top : top + new_height, left : left + new_width] = _resized(picture, new_width, new_height)
    return padded


def normalise_images(
    images: UInt8[np.ndarray, "B H W 3"], mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> Float[Tensor, "B 3 H W"]:
    """Return float32 images on a device, scaled to [0, 1] and normalised per channel."""
    scaled = torch.tensor(images, device=device).permute(0, 3, 1, 2).float() / 255
    shape = (1, 3, 1, 1)
    return (scaled - torch.tensor(mean, device=device).view(shape)) / torch.tensor(std, device=device).view(shape)


def _centre_of_resized(
    picture: Image.Image, new_width: int, new_height: int, size_px: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """Resize bicubically and cut out the centre."""
    height, width = size_px
    top, left = round((new_height - height) / 2), round((new_width - width) / 2)
    if new_width * new_height <= MAX_RESIZED_PX:
        return _resized(picture, new_width, new_height)[top : top + height, left : left + width]
    # The same pixels up to rounding, without those that would be cut off: a line of 5,000 px would take 750 MB.
    across, down = picture.width / new_width, picture.height / new_height
    box = (left * across, top * down, (left + width) * across, (top + height) * down)
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC, box))


def _resized(picture: Image.Image, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
    """Resize bicubically."""
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
