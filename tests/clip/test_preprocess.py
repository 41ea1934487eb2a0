"""Images to network inputs, against torchvision's transforms, which CLIP uses."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

from napari_car.clip import preprocess
from napari_car.clip.preprocess import fit_to_square, normalise_images, resize_to_patches

SIZES = [
    (375, 500),
    (500, 375),
    (224, 224),
    (225, 223),
    (100, 101),
    (1, 1),
    (1, 300),
    (300, 1),
    (7, 500),
    (333, 1000),
    (1001, 337),
    (64, 65),
    (481, 321),
]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 10_000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def resized_px(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes in pixels of all images that Pillow makes."""
    sizes: list[int] = []
    resize = Image.Image.resize

    def spy(self: Image.Image, size: tuple[int, int], *args: object) -> Image.Image:
        sizes.append(size[0] * size[1])
        return resize(self, size, *args)

    monkeypatch.setattr(Image.Image, "resize", spy)
    return sizes


@pytest.mark.parametrize("size_px", [224, 336, 56])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_crop_is_clips_own(shape: tuple[int, int], size_px: int) -> None:
    image = noise(*shape)
    own = Compose([Resize(size_px, InterpolationMode.BICUBIC), CenterCrop(size_px)])(Image.fromarray(image))
    assert np.array_equal(fit_to_square(image, (size_px, size_px), "crop"), np.asarray(own))


def test_crop_is_clips_own_at_many_sizes() -> None:
    rng = np.random.default_rng(0)
    own = Compose([Resize(28, InterpolationMode.BICUBIC), CenterCrop(28)])
    for height, width in rng.integers(1, 200, (150, 2)).tolist():
        image = noise(height, width)
        assert np.array_equal(fit_to_square(image, (28, 28), "crop"), np.asarray(own(Image.fromarray(image))))


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (2, 60_000)])
def test_crop_of_a_line_takes_little_memory(shape: tuple[int, int], resized_px: list[int]) -> None:
    image = noise(*shape)
    assert fit_to_square(image, (224, 224), "crop").shape == (224, 224, 3)
    assert max(resized_px) <= preprocess.MAX_RESIZED_PX


def test_crop_of_a_line_shows_its_centre() -> None:
    image = np.zeros((1, 5001, 3), dtype=np.uint8)
    image[:, 2495:2506] = 200
    assert np.unique(fit_to_square(image, (224, 224), "crop")).tolist() == [200]


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_bounded_crop_gives_the_same_pixels(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(*shape)
    exact = fit_to_square(image, (56, 56), "crop").astype(int)
    monkeypatch.setattr(preprocess, "MAX_RESIZED_PX", 0)
    bounded = fit_to_square(image, (56, 56), "crop").astype(int)
    assert np.abs(bounded - exact).max() <= 1
    assert (bounded != exact).mean() < 0.01


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
@pytest.mark.parametrize("shape", [*SIZES, (1, 5000), (5000, 1)], ids=str)
def test_result_has_the_size_asked_for(shape: tuple[int, int], fit: preprocess.Fit, resized_px: list[int]) -> None:
    for size_px in [(56, 56), (48, 96), (96, 48)]:
        result = fit_to_square(noise(*shape), size_px, fit)
        assert result.shape == (*size_px, 3)
        assert result.dtype == np.uint8
    assert max(resized_px) <= preprocess.MAX_RESIZED_PX


def test_squash_is_a_plain_resize() -> None:
    image = noise(75, 101)
    own = Image.fromarray(image).resize((56, 56), Image.Resampling.BICUBIC)
    assert np.array_equal(fit_to_square(image, (56, 56), "squash"), np.asarray(own))


def test_pad_keeps_the_shape_on_black() -> None:
    image = np.full((50, 100, 3), 200, dtype=np.uint8)
    padded = fit_to_square(image, (64, 64), "pad")
    assert (padded[16:48] == 200).all()
    assert (padded[:16] == 0).all()
    assert (padded[48:] == 0).all()
    assert np.array_equal(fit_to_square(image.transpose(1, 0, 2), (64, 64), "pad"), padded.transpose(1, 0, 2))


def test_pad_shows_the_whole_image() -> None:
    image = noise(50, 100)
    own = Image.fromarray(image).resize((64, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(fit_to_square(image, (64, 64), "pad")[16:48], np.asarray(own))


def test_ends_are_cut_off_by_crop_only() -> None:
    image = np.zeros((50, 100, 3), dtype=np.uint8)
    image[:, :10] = image[:, -10:] = 255
    assert fit_to_square(image, (50, 50), "crop").max() == 0
    assert fit_to_square(image, (50, 50), "squash").max() == 255
    assert fit_to_square(image, (50, 50), "pad").max() == 255


@pytest.mark.parametrize("patch_px", [14, 16, 32])
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 15), (375, 500), (1, 5000), (224, 28)], ids=str)
def test_resize_to_patches_goes_to_the_next_multiples(shape: tuple[int, int], patch_px: int) -> None:
    image = noise(*shape)
    resized = resize_to_patches(image, patch_px)
    height, width = resized.shape[:2]
    assert height % patch_px == width % patch_px == 0
    assert 0 <= height - shape[0] < patch_px
    assert 0 <= width - shape[1] < patch_px
    own = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    assert np.array_equal(resized, np.asarray(own))


def test_multiples_of_the_patch_are_left_alone() -> None:
    image = noise(48, 64)
    assert np.array_equal(resize_to_patches(image, 16), image)


def test_normalise_is_torchvisions() -> None:
    images, mean, std = np.stack([noise(8, 9), noise(9, 8).transpose(1, 0, 2)]), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    own = torch.stack([Compose([ToTensor(), Normalize(mean, std)])(image) for image in images])
    result = normalise_images(images, mean, std, torch.device("cpu"))
    assert result.dtype == torch.float32
    assert torch.allclose(result, own, atol=1e-6)


def test_views_are_taken_as_they_look() -> None:
    image = noise(40, 50)[::-1, ::-2]
    assert np.array_equal(resize_to_patches(image, 16), resize_to_patches(image.copy(), 16))
    assert np.array_equal(fit_to_square(image, (28, 28), "crop"), fit_to_square(image.copy(), (28, 28), "crop"))


def test_shapes_are_checked_in_tests() -> None:
    """Must fail: guards against annotations that are silently not enforced."""
    with pytest.raises(TypeCheckError, match="image"):
        resize_to_patches(np.zeros((4, 4), dtype=np.uint8), 16)
    with pytest.raises(TypeCheckError, match="image"):
        resize_to_patches(np.zeros((4, 4, 3), dtype=np.float32), 16)
