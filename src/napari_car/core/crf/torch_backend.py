"""Dense CRF in torch, on CPU and CUDA."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from napari_car.config import CRFConfig

from .lattice import PermutohedralLattice
from .meanfield import PairwiseKernel, iterate_mean_field
from .refinement import MIN_PROBABILITY, DenseCRF


class TorchCRF(DenseCRF):
    """Dense CRF over one image, with permutohedral lattices built once and used for every call.

    Gives pydensecrf's marginals but for rounding (see the tests), releases the interpreter lock, and gives the same
    bits for the same input on the same device and number of threads.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    parameters : CRFConfig
        Standard deviations, weights and number of iterations.
    device : str
        "cpu" or "cuda".

    Raises
    ------
    ConfigError
        If the standard deviations are too small for the image.

    Notes
    -----
    Memory: about 0.3 kB per pixel of a photograph, 0.6 kB while the lattices are built, and 30 B per pixel and label
    (of all queries at once) while iterating. An image of pure noise takes more than twice as much. The caller bounds
    the image's size.
    """

    backend = "torch"

    def __init__(self, image: UInt8[np.ndarray, "H W 3"], parameters: CRFConfig, device: str = "cpu") -> None:
        pixels = torch.tensor(np.ascontiguousarray(image), device=device)
        self._device = device
        self._n_iterations = parameters.n_iterations
        self._kernels = []
        if parameters.spatial_weight > 0:
            features = _positions(pixels, parameters.spatial_sxy_px)
            self._kernels.append(_normalized_gaussian(parameters.spatial_weight, features))
        if parameters.bilateral_weight > 0:
            positions = _positions(pixels, parameters.bilateral_sxy_px)
            features = torch.cat([positions, _colors(pixels, parameters.bilateral_srgb)])
            self._kernels.append(_normalized_gaussian(parameters.bilateral_weight, features))

    def iterate(
        self, probabilities: Float32[np.ndarray, "*queries labels H W"]
    ) -> Iterator[Float32[np.ndarray, "*queries labels H W"]]:
        """Yield the marginals Q after each mean-field iteration; see :meth:`DenseCRF.iterate`."""
        shape = probabilities.shape
        energies = torch.tensor(np.ascontiguousarray(probabilities), device=self._device)
        energies = energies.clamp_(MIN_PROBABILITY, 1.0).log_().neg_()
        # Pixels come first in memory: the lattice reads and writes whole rows of labels.
        unary = energies.view(-1, shape[-3], shape[-2] * shape[-1]).permute(2, 0, 1).contiguous()
        del energies
        for marginals in iterate_mean_field(unary, self._kernels, self._n_iterations):
            yield marginals.permute(1, 2, 0).reshape(shape).cpu().numpy()


def _normalized_gaussian(weight: float, features: Tensor) -> PairwiseKernel:
    """Return the pairwise term with the symmetrically normalised Gaussian kernel of (d, n) features."""
    return PairwiseKernel(weight, PermutohedralLattice.build(features).normalized().filter)


def _positions(pixels: Tensor, sxy_px: float) -> Tensor:
    """Return column and row of each pixel in standard deviations, (2, H * W) float32."""
    rows, cols = (torch.arange(length, dtype=torch.float32, device=pixels.device) for length in pixels.shape[:2])
    rows, cols = torch.meshgrid(rows, cols, indexing="ij")
    return _divide(torch.stack([cols.flatten(), rows.flatten()]), sxy_px)


def _colors(pixels: Tensor, srgb: float) -> Tensor:
    """Return red, green and blue of each pixel in standard deviations, (3, H * W) float32."""
    return _divide(pixels.view(-1, 3).T.float(), srgb)


def _divide(values: Tensor, deviation: float) -> Tensor:
    """Divide, correctly rounded on every device."""
    # CUDA multiplies by the reciprocal of a scalar, which would move points across cell borders.
    return values / values.new_full((1, 1), deviation)
