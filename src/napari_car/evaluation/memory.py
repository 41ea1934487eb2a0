"""How much memory a run took."""

import sys

import torch


def peak_memory_mb(device: str) -> float | None:
    """Return the highest memory so far, in MiB: what torch has allocated on a CUDA device, else that of the process.

    None on Windows without CUDA, which does not tell.
    """
    if torch.device(device).type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    if sys.platform == "win32":
        return None
    import resource  # Windows has none

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
