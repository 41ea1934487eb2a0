"""How one channel of a picture was shown, as the record of a run has it."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from jaxtyping import Float32
from numpy.typing import ArrayLike, NDArray

from napari_car.errors import DocumentError
from napari_car.io.composite import Blending, Channel

LUT_PLACES: NDArray[np.float64] = np.linspace(0, 1, 4096)
"""Places of a colour map that are taken: four for each colour that napari's canvas has."""

# Beyond the ends are the colours for low and high values.
LUT_PLACES[[0, -1]] = np.nextafter(0, 1), np.nextafter(1, 0)
LUT_PLACES.flags.writeable = False


def read_channel(record: Any, values: NDArray[Any]) -> Channel:
    """Return a channel that is shown as a record says.

    Parameters
    ----------
    record : dict
        As napari-car writes it into the ``image`` of a run, under ``channels``.
    values : ndarray
        Of the channel: a plane, (H, W), or colours, (H, W, 3 or 4).

    Raises
    ------
    DocumentError
        If something is missing or wrong; the text is the reason only.
    """
    if not isinstance(record, Mapping):
        raise DocumentError("a channel is not a table")
    limits = _numbers(record.get("contrast_limits"), "the contrast limits of a channel", (2,))
    if not limits[0] < limits[1]:
        raise DocumentError("the contrast limits of a channel do not ascend")
    gamma, opacity = _numbers([record.get("gamma", 1.0), record.get("opacity", 1.0)], "gamma and opacity", (2,))
    blending = record.get("blending", "translucent")
    if blending not in get_args(Blending):
        raise DocumentError(f"channels cannot be blended by {blending!r}")
    if not (gamma > 0 and 0 <= opacity <= 1):
        raise DocumentError("gamma or opacity of a channel is out of range")
    settings: dict[str, Any] = {
        name: tuple(map(float, _numbers(record[name], f"the {name} of a channel", (4,))))
        for name in ("nan_colour", "low_colour", "high_colour")
        if name in record
    }
    settings |= {"gamma": float(gamma), "opacity": float(opacity), "blending": blending}
    lut = None if record.get("rgb") else _read_lut(record)
    return Channel(values=values, contrast_limits=(float(limits[0]), float(limits[1])), lut=lut, **settings)


def _read_lut(record: Mapping[str, Any]) -> Float32[np.ndarray, "n 4"]:
    """Return the colours of a colour map, by napari's rules."""
    if "colours" not in record:
        name = record.get("colormap", "")
        raise DocumentError(f"the colour map {name} is not written down with the run, since it has many colours")
    controls = _numbers(record.get("controls"), "the places of a colour map", (None,))
    in_zero = record.get("interpolation") == "zero"
    colours = _numbers(record["colours"], "a colour map", (len(controls) - in_zero, 4))
    if not len(colours) or (np.diff(controls) < 0).any():
        raise DocumentError("a colour map has no colours, or their places do not ascend")
    if in_zero:
        index = np.clip(np.searchsorted(controls, LUT_PLACES, side="right") - 1, 0, len(colours) - 1)
        return colours[index].astype(np.float32)
    columns = [np.interp(LUT_PLACES, controls, colours[:, channel]) for channel in range(4)]
    return np.stack(columns, axis=-1).astype(np.float32)


def _numbers(value: ArrayLike | None, what: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    """Return finite numbers of a shape, of which None stands for any length."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DocumentError(f"{what}, {value!r}, is not made of numbers") from error
    fits = len(numbers.shape) == len(shape) and all(
        wanted in (None, length) for wanted, length in zip(shape, numbers.shape, strict=True)
    )
    if not fits or not np.isfinite(numbers).all():
        raise DocumentError(f"{what}, {value!r}, is not of the form that is needed")
    return numbers
