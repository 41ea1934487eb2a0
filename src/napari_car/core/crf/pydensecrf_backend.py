"""Dense CRF by pydensecrf, Krähenbühl's own program, where it is installed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from napari_car.config import CRFConfig
from napari_car.errors import MissingExtraError

from .refinement import MIN_PROBABILITY, DenseCRF


class PydensecrfCRF(DenseCRF):
    """Dense CRF over one image by pydensecrf.

    pydensecrf holds the interpreter lock while it builds its lattices and throughout each iteration; other threads,
    and whoever wants to cancel, get their turn only between iterations. Its lattices serve one number of labels: those
    of the last number used are kept.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    parameters : CRFConfig
        Standard deviations, weights and number of iterations.

    Raises
    ------
    MissingExtraError
        If pydensecrf is not installed.
    """

    backend = "pydensecrf"

    def __init__(self, image: UInt8[np.ndarray, "H W 3"], parameters: CRFConfig) -> None:
        self._densecrf = import_pydensecrf()
        self._image = np.array(image, order="C")
        self._parameters = parameters
        self._model: Any = None
        self._n_labels = 0

    def iterate(
        self, probabilities: Float32[np.ndarray, "*queries labels H W"]
    ) -> Iterator[Float32[np.ndarray, "*queries labels H W"]]:
        """Yield the marginals Q after each mean-field iteration; see :meth:`DenseCRF.iterate`."""
        shape = probabilities.shape
        model = self._model_for(shape[-3])
        energies = -np.log(np.clip(probabilities, MIN_PROBABILITY, 1.0))
        unaries = energies.reshape(-1, shape[-3], shape[-2] * shape[-1])
        states = []
        for unary in unaries:
            model.setUnaryEnergy(unary)
            states.append(model.startInference())
        for _ in range(self._parameters.n_iterations):
            for unary, state in zip(unaries, states, strict=True):
                model.setUnaryEnergy(unary)
                model.stepInference(*state)
            yield np.stack([np.array(marginals) for marginals, *_ in states]).reshape(shape)

    def _model_for(self, n_labels: int) -> Any:
        """Return pydensecrf's model for a number of labels, built when the number changes."""
        if self._model is None or self._n_labels != n_labels:
            height, width = self._image.shape[:2]
            parameters = self._parameters
            self._model = None  # the old lattices go before the new ones come
            model = self._densecrf.DenseCRF2D(width, height, n_labels)
            model.addPairwiseGaussian(sxy=parameters.spatial_sxy_px, compat=parameters.spatial_weight)
            model.addPairwiseBilateral(
                sxy=parameters.bilateral_sxy_px,
                srgb=parameters.bilateral_srgb,
                rgbim=self._image,
                compat=parameters.bilateral_weight,
            )
            self._model, self._n_labels = model, n_labels
        return self._model


def import_pydensecrf() -> Any:
    """Return the module pydensecrf.densecrf.

    Raises
    ------
    MissingExtraError
        If it cannot be imported.
    """
    try:
        from pydensecrf import densecrf
    except ImportError as error:
        raise MissingExtraError(
            'The dense CRF backend pydensecrf is not installed; run: pip install "napari-car[crf]"'
        ) from error
    return densecrf
