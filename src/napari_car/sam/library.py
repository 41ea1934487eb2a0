"""segment_anything_hq and torchvision, imported in one place, because they have to be imported in the right way.

torchvision loads triton. segment_anything_hq reads old names of timm, which warns of them, and puts its own TinyViTs
over timm's in timm's table of models.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from napari_car.clip.triton import load_triton_apart

load_triton_apart()

import timm.models  # noqa: E402


@contextmanager
def _unchanged_table(module: str) -> Iterator[None]:
    """Keep what timm's table of models has from one of its modules."""
    builders = {name: timm.models.model_entrypoint(name) for name in timm.models.list_models(module=module)}
    yield
    for name, builder in builders.items():
        if timm.models.model_entrypoint(name) is not builder:
            timm.models.register_model(builder)


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=FutureWarning, module="timm")
    warnings.filterwarnings("ignore", message="Overwriting .* in registry", category=UserWarning)
    with _unchanged_table("tiny_vit"):
        import segment_anything_hq as library

from torchvision.ops import masks_to_boxes, nms  # noqa: E402

__all__ = ["library", "masks_to_boxes", "nms"]
