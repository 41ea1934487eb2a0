"""Choice of the dense CRF backend."""

import time
from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8

from napari_car.config import CRFConfig
from napari_car.errors import MissingExtraError

from .pydensecrf_backend import PydensecrfCRF, import_pydensecrf
from .refinement import DenseCRF, Unrefined, refine_labels
from .torch_backend import TorchCRF

_TIE_FACTOR = 1.5
"""How many times faster pydensecrf must be to be chosen: torch leaves other threads, such as a window, running."""


def open_crf(image: UInt8[np.ndarray, "H W 3"], parameters: CRFConfig, device: str = "cpu") -> DenseCRF:
    """Return a dense CRF over one image, by the backend that the parameters name.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB; its size bounds time and memory, see :class:`TorchCRF`.
    parameters : CRFConfig
        ``backend`` "auto" takes torch on CUDA; on other devices the faster one of torch and pydensecrf on the CPU, if
        the latter is installed (see :func:`fastest_cpu_backend`). The choice is the result's ``backend`` attribute.
    device : str
        Where the networks run, such as "cpu", "cuda" or "cuda:1". Devices other than CUDA leave the CRF to the CPU.

    Raises
    ------
    MissingExtraError
        If pydensecrf is named and not installed.
    ConfigError
        If the standard deviations are too small for the image.
    """
    if parameters.backend == "none":
        return Unrefined()
    on_cuda = torch.device(device).type == "cuda"
    backend = parameters.backend
    if backend == "auto":
        backend = "torch" if on_cuda else fastest_cpu_backend()
    if backend == "pydensecrf":
        return PydensecrfCRF(image, parameters)
    return TorchCRF(image, parameters, device if on_cuda else "cpu")


def settled_backend(device: str = "cpu") -> Literal["torch", "pydensecrf"]:
    """Return the backend of runs that must give the same masks on equal machines, whatever else these are doing.

    torch on CUDA; elsewhere pydensecrf, which the paper used, if it is installed.
    """
    if torch.device(device).type == "cuda":
        return "torch"
    try:
        import_pydensecrf()
    except MissingExtraError:
        return "torch"
    return "pydensecrf"


@cache
def fastest_cpu_backend() -> Literal["torch", "pydensecrf"]:
    """Return the backend that is faster on this machine's CPU, measured once per process.

    Both backends refine two labels on a drawn image of 240x180 pixels with default parameters, from image to labels;
    the better of two times counts, which takes half a second in all. pydensecrf is chosen if it is at least 1.5 times
    faster: less is within what other programs' load changes. The stored benchmark (benchmarks/crf.py) compares both on
    photographs. Where pydensecrf is not installed there is nothing to measure.
    """
    try:
        import_pydensecrf()
    except MissingExtraError:
        return "torch"
    torch_s, pydensecrf_s = (_refinement_time_s(backend) for backend in (TorchCRF, PydensecrfCRF))
    return "pydensecrf" if pydensecrf_s * _TIE_FACTOR < torch_s else "torch"


def _refinement_time_s(backend: Callable[[np.ndarray, CRFConfig], DenseCRF]) -> float:
    """Return the shorter of two times that a backend takes for a drawn image."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:180, :240]
    image = ((rows + cols)[..., None] * 0.4 + rng.normal(0, 4, (180, 240, 3))).clip(0, 255).astype(np.uint8)
    foreground = rng.random((180, 240), dtype=np.float32)
    probabilities = np.stack([1 - foreground, foreground])
    refine_labels(backend(image[:16, :16], CRFConfig()), probabilities[:, :16, :16])  # threads start, code is loaded
    times_s = []
    for _ in range(2):
        start = time.perf_counter()
        refine_labels(backend(image, CRFConfig()), probabilities)
        times_s.append(time.perf_counter() - start)
    return min(times_s)
