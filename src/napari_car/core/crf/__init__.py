"""Refinement of masks by a dense conditional random field (section 3.4; Krähenbühl and Koltun, NIPS 2011)."""

from .choice import fastest_cpu_backend, open_crf
from .lattice import PermutohedralLattice
from .meanfield import PairwiseKernel, iterate_mean_field
from .pydensecrf_backend import PydensecrfCRF
from .refinement import DenseCRF, Refinement, Unrefined, refine_labels
from .torch_backend import TorchCRF

__all__ = [
    "DenseCRF",
    "PairwiseKernel",
    "PermutohedralLattice",
    "PydensecrfCRF",
    "Refinement",
    "TorchCRF",
    "Unrefined",
    "fastest_cpu_backend",
    "iterate_mean_field",
    "open_crf",
    "refine_labels",
]
