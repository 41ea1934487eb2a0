"""Images in the format OME-Zarr (https://ngff.openmicroscopy.org), a folder each, versions 0.1 to 0.5; only read."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_car.errors import ImageError, MissingReaderError
from napari_car.io.array_view import ArrayView
from napari_car.io.colours import RGB
from napari_car.io.contrast import choose_limits
from napari_car.io.pixels import DEFAULT_PERCENTILES
from napari_car.io.stack import GREY, ImageStack, StackChannel, default_colours

MAX_CHANNELS = 64
"""More layers than this no window can show."""

_OLD_AXES = ("t", "c", "z", "y", "x")
"""Of images of version 0.1 and 0.2, which do not name them."""

_UNITS = re.compile(
    r"(yocto|zepto|atto|femto|pico|nano|micro|milli|centi|deci|deca|hecto|kilo|mega|giga|tera|peta|exa|zetta|yotta)?"
    r"(meter|second)|angstrom|foot|inch|mile|parsec|yard|minute|hour|day"
)
"""Units of the specification."""

_CODECS = frozenset(
    (
        *("adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset"),
        *("fletcher32", "gzip", "imagecodecs_jpeg2k", "imagecodecs_jpegxl", "jenkins_lookup3", "lz4", "lzma"),
        *("packbits", "quantize", "sharding_indexed", "shuffle", "transpose", "zfpy", "zlib", "zstd"),
    )
)
"""Codecs of numbers. Others are refused: "pickle" would run what a file says."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis of the arrays.

    Parameters
    ----------
    name : str
    is_channel : bool
    unit : str
        ``pixel`` if it has none, or one that is not known.
    """

    name: str
    is_channel: bool
    unit: str


def open_ome_zarr(path: Path, percentiles: tuple[float, float] = DEFAULT_PERCENTILES) -> ImageStack:
    """Open an OME-Zarr image; its pixels are read when they are used.

    Of several images in one folder, as bioformats2raw writes them, the first is taken. Channels are shown with colours
    and contrast of the metadata ``omero``, else by the rules of :func:`~napari_car.io.contrast.choose_limits`.

    Parameters
    ----------
    path : Path
        Its folder.
    percentiles : tuple of float
        Of the values shown as black and white, where the metadata do not say.

    Raises
    ------
    MissingReaderError
        If the zarr library is not installed.
    ImageError
        If it is no image, or cannot be understood.
    """
    try:
        import zarr
    except ImportError as error:
        raise MissingReaderError(
            f'{path} is read by the zarr library, which is not installed; run: pip install "napari-car[export]"'
        ) from error
    try:
        group = zarr.open_group(str(path), mode="r", use_consolidated=False)
    # What is no zarr, or a damaged one, makes the library raise almost anything.
    except Exception as error:
        raise ImageError(f"{path} cannot be read as an OME-Zarr image: it is no zarr group, or damaged.") from error
    try:
        return _describe(path, group, percentiles)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except MemoryError as error:
        raise ImageError(f"{path} is too large for this computer's memory.") from error
    except Exception as error:
        raise ImageError(f"{path} cannot be read as an OME-Zarr image: {_reason(error)}.") from error


def _describe(path: Path, group: Any, percentiles: tuple[float, float]) -> ImageStack:
    """Return the stack that a group is."""
    group, metadata, notes = _find_image(group)
    multiscale: Mapping[str, Any] = next(iter(metadata["multiscales"]), {})
    if not multiscale.get("datasets"):
        raise ImageError("its metadata name no pixels.")
    axes = _read_axes(multiscale)
    levels = [_open_level(group, dataset["path"], axes) for dataset in multiscale["datasets"]]
    scale, translate = _read_transform(multiscale, len(axes))
    first = levels[0]
    space = [place for place, axis in enumerate(axes) if not axis.is_channel][-2:]
    shown = [
        place
        for place, axis in enumerate(axes)
        if not axis.is_channel and place not in space and any(level.shape[place] > 1 for level in levels)
    ] + space
    channel_axis = next((place for place, axis in enumerate(axes) if axis.is_channel), None)
    n_channels = 1 if channel_axis is None else first.shape[channel_axis]
    if n_channels > MAX_CHANNELS:
        raise ImageError(f"it has {n_channels} channels, of which at most {MAX_CHANNELS} can be shown.")
    unused = {place: 0 for place in range(len(axes)) if place not in shown}
    views = [
        tuple(
            ArrayView(level, shown, unused if channel_axis is None else unused | {channel_axis: number})
            for level in levels
        )
        for number in range(n_channels)
    ]
    channels = tuple(_make_channels(views, _read_omero(metadata, n_channels), percentiles))
    return ImageStack(
        path=path,
        channels=channels,
        is_rgb=False,
        axis_names=tuple(axes[place].name for place in shown),
        scale=tuple(scale[place] for place in shown),
        translate=tuple(translate[place] for place in shown),
        units=tuple(axes[place].unit for place in shown),
        notes=notes,
    )


def _find_image(group: Any) -> tuple[Any, Mapping[str, Any], tuple[str, ...]]:
    """Return the group of the image, its metadata, and notes of what was chosen."""
    metadata = _metadata_of(group)
    notes: tuple[str, ...] = ()
    if "multiscales" not in metadata and "bioformats2raw.layout" in metadata:
        notes = ("first of several images",) if "1" in group else ()
        group = group["0"]
        metadata = _metadata_of(group)
    if "multiscales" not in metadata:
        for key, what in _NO_IMAGES.items():
            if key in metadata:
                raise ImageError(f"it is {what}, not an image: open the images in it from a folder of their own.")
        raise ImageError('it is a zarr, but no OME-Zarr image: it has no metadata "multiscales".')
    if "image-label" in metadata:
        raise ImageError("it holds labels, not an image.")
    return group, metadata, notes


_NO_IMAGES = {"plate": "a plate of many wells", "well": "a well of several fields", "labels": "a list of labels"}


def _metadata_of(group: Any) -> Mapping[str, Any]:
    """Return the metadata of OME-Zarr: since version 0.5, they have a name of their own."""
    attributes = group.attrs.asdict()
    metadata: Mapping[str, Any] = attributes.get("ome", attributes)
    return metadata


def _read_axes(multiscale: Mapping[str, Any]) -> tuple[_Axis, ...]:
    """Return the axes of the arrays."""
    axes = []
    for item in multiscale.get("axes", _OLD_AXES):
        named = {"name": item} if isinstance(item, str) else item
        unit = str(named.get("unit") or "")
        is_channel = named.get("type") == "channel" or (named["name"] == "c" and "type" not in named)
        axes.append(_Axis(str(named["name"]), is_channel, unit if _UNITS.fullmatch(unit) else "pixel"))
    names = [axis.name for axis in axes]
    if len(set(names)) < len(names) or sum(axis.is_channel for axis in axes) > 1 or len(axes) < 2:
        raise ImageError(f"its axes ({', '.join(names)}) are not those of an image.")
    if sum(not axis.is_channel for axis in axes) < 2:
        raise ImageError(f"its axes ({', '.join(names)}) hold no rows and columns.")
    return tuple(axes)


def _open_level(group: Any, name: str, axes: tuple[_Axis, ...]) -> Any:
    """Return the array of a level."""
    array = group.get(name)
    if array is None:
        raise ImageError(f"its level {name} is missing.")
    if not hasattr(array, "dtype") or len(array.shape) != len(axes) or 0 in array.shape:
        raise ImageError(f"its level {name} is no array with pixels along {len(axes)} axes.")
    if array.dtype.kind not in "buif":
        raise ImageError(f"its pixels are of type {array.dtype}, which cannot be shown.")
    foreign = sorted({codec for codec in _codecs_in(array.metadata.to_dict()) if codec not in _CODECS})
    if foreign:
        raise ImageError(f"its pixels are coded by {', '.join(foreign)}, which is not used for images.")
    return array


def _codecs_in(metadata: Any) -> Iterator[str]:
    """Yield the names of all codecs in the metadata of an array, those within others, too."""
    items: list[Any] = [metadata.get("compressor"), *(metadata.get("filters") or ()), *(metadata.get("codecs") or ())]
    for item in filter(None, items):
        yield str(item.get("id", item.get("name"))).removeprefix("numcodecs.")
        yield from _codecs_in(item.get("configuration") or {})
    for item in metadata.get("index_codecs") or ():
        yield str(item.get("name"))


def _read_transform(multiscale: Mapping[str, Any], n_axes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return size and place of the first pixel along each axis, in units of the axes."""
    scale, translate = [1.0] * n_axes, [0.0] * n_axes
    first = multiscale["datasets"][0].get("coordinateTransformations") or ()
    for step in (*first, *(multiscale.get("coordinateTransformations") or ())):
        if "scale" in step:
            factors = [float(factor) for factor in step["scale"]]
            scale = [a * b for a, b in zip(scale, factors, strict=True)]
            translate = [a * b for a, b in zip(translate, factors, strict=True)]
        if "translation" in step:
            translate = [a + float(b) for a, b in zip(translate, step["translation"], strict=True)]
    if not all(math.isfinite(value) and value > 0 for value in scale) or not all(map(math.isfinite, translate)):
        raise ImageError(f"its pixels have the sizes {scale} and the first place {translate}, which cannot be.")
    return tuple(scale), tuple(translate)


@dataclass(frozen=True, slots=True)
class _Look:
    """How the metadata ``omero`` say that a channel is shown; None where they do not."""

    name: str
    colour: RGB | None = None
    limits: tuple[float, float] | None = None
    is_visible: bool = True


def _read_omero(metadata: Mapping[str, Any], n_channels: int) -> list[_Look]:
    """Return how each channel is shown; what cannot be understood is as if it were not there."""
    omero = metadata.get("omero")
    items = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(items, list) or len(items) != n_channels or not all(isinstance(item, Mapping) for item in items):
        return [_Look(f"channel {number}") for number in range(n_channels)]
    looks = [
        _Look(
            str(item.get("label") or f"channel {number}"),
            _read_colour(item.get("color")),
            _read_window(item.get("window")),
            item.get("active") is not False,
        )
        for number, item in enumerate(items)
    ]
    hides_all = not any(look.is_visible for look in looks)
    return [_Look(look.name, look.colour, look.limits) for look in looks] if hides_all else looks


def _read_colour(text: Any) -> RGB | None:
    """Return a colour such as ``00FF00``."""
    if not isinstance(text, str) or not re.fullmatch(r"#?[0-9a-fA-F]{6}", text):
        return None
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _read_window(window: Any) -> tuple[float, float] | None:
    """Return the values shown as black and as the full colour."""
    low, high = (window.get("start"), window.get("end")) if isinstance(window, Mapping) else (None, None)
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    return (float(low), float(high)) if low < high and math.isfinite(low) and math.isfinite(high) else None


def _make_channels(
    views: list[tuple[ArrayView, ...]], looks: list[_Look], percentiles: tuple[float, float]
) -> Iterator[StackChannel]:
    """Yield the channels, from bottom to top."""
    colours = default_colours(len(views))
    for levels, look, colour in zip(views, looks, colours, strict=True):
        yield StackChannel(
            name=look.name if len(views) > 1 else "",
            levels=levels,
            contrast_limits=look.limits or choose_limits(levels, levels[0].ndim - 2, percentiles),
            colour=look.colour or colour if len(views) > 1 else look.colour or GREY,
            is_visible=look.is_visible,
        )


def _reason(error: Exception) -> str:
    """Return what is wrong with metadata or pixels."""
    if isinstance(error, KeyError):
        return f"its metadata lack {error}"
    return str(error).strip().split("\n")[0].rstrip(". ") or type(error).__name__
