"""Writes small OME-Zarr images, without the library that is named so: files of several versions, and wrong ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import NDArray

Version = Literal["0.2", "0.3", "0.4", "0.5"]

_TYPES = {"t": "time", "c": "channel"}


def write_zarr(
    path: Path,
    pixels: NDArray[Any],
    axes: str,
    version: Version = "0.5",
    *,
    n_levels: int = 1,
    scale: Sequence[float] = (),
    units: Mapping[str, str] | None = None,
    **metadata: Any,
) -> Path:
    """Write an image whose levels have every second row and column of the one before; return its folder."""
    group = zarr.create_group(path, zarr_format=3 if version == "0.5" else 2)
    datasets = []
    for level in range(n_levels):
        step = 2**level
        values = pixels[(..., slice(None, None, step), slice(None, None, step))]
        chunks = (*[1] * (pixels.ndim - 2), *(max(1, side // 2) for side in values.shape[-2:]))
        array = group.create_array(str(level), shape=values.shape, dtype=values.dtype, chunks=chunks)
        array[...] = values
        factors = [float(step) if axis in "yx" else 1.0 for axis in axes]
        sizes = (np.array(factors) * (scale or 1)).tolist()
        datasets.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": sizes}]})
    multiscale: dict[str, Any] = {"datasets": datasets, "name": path.stem}
    if version == "0.3":
        multiscale["axes"] = list(axes)
    elif version != "0.2":
        multiscale["axes"] = [_describe_axis(axis, units or {}) for axis in axes]
    found = {"multiscales": [multiscale], **metadata}
    if version == "0.5":
        group.attrs["ome"] = {"version": version, **found}
    else:
        multiscale["version"] = version
        group.attrs.update(found)
    return path


def _describe_axis(axis: str, units: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an axis."""
    about = {"name": axis, "type": _TYPES.get(axis, "space")}
    return about | {"unit": units[axis]} if axis in units else about
