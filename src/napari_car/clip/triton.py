"""Keep two LLVMs of one process apart.

torch's compiler, triton, carries an LLVM of its own, and open_clip imports it by way of torchvision. Mesa's OpenGL
drivers for software rendering and AMD cards, which draw napari's canvas, load the system's LLVM for all to see. If that
is there first, triton's calls end in it, and the process dies without a word.
"""

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_MAPS = Path("/proc/self/maps")


def load_triton_apart() -> None:
    """Import triton so that it finds its own LLVM, where another one is in the process already."""
    if (
        "triton" in sys.modules
        or not hasattr(os, "RTLD_DEEPBIND")
        or not _has_foreign_llvm()
        or not find_spec("triton")
    ):
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
    try:
        with suppress(ImportError):  # torch does without it, too
            import triton  # noqa: F401
    finally:
        sys.setdlopenflags(flags)


def _has_foreign_llvm() -> bool:
    """Tell whether a library of LLVM is mapped into this process."""
    try:
        return "libLLVM" in _MAPS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
