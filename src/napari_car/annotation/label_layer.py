"""A label layer as a document holds it: labels and whose pixels they are, names, colours, place and look."""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Int32
from numpy.typing import NDArray

from napari_car.errors import ConfigError, DocumentError
from napari_car.io.outputs import plain_json
from napari_car.schema import Checked, within

from .ledger import UNKNOWN, Ledger

Colour = tuple[int, int, int] | tuple[int, int, int, int]
"""Red, green and blue, from 0 to 255, and alpha unless it is 255."""

OTHER_COLOUR: Colour = (153, 153, 153)
"""Of labels that have no colour of their own."""

MAX_ID = 2**31 - 1
"""Largest label."""


class PixelSource(Protocol):
    """An array, in memory or not: of NumPy, dask or zarr, for example. Whole planes are read from it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return the pixels at an index of numpy."""


class HumanPixels:
    """Which pixels of a label map are a person's, worked out from its ledger when they are asked for.

    Parameters
    ----------
    ledger : Ledger
    labels : ndarray
        The label map as it is now.
    """

    def __init__(self, ledger: Ledger, labels: NDArray[Any]) -> None:
        self._ledger, self._labels = ledger, labels

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the label map."""
        return self._ledger.shape

    def __getitem__(self, index: Any) -> Bool[np.ndarray, "..."]:
        return self._ledger.human(self._labels, index)


class AutomaticPixels:
    """What the program wrote last into a label map, as far as its ledger knows; elsewhere, what is there now.

    Parameters
    ----------
    ledger : Ledger
    labels : ndarray
        The label map as it is now.
    """

    def __init__(self, ledger: Ledger, labels: NDArray[Any]) -> None:
        self._ledger, self._labels = ledger, labels

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the label map."""
        return self._ledger.shape

    def __getitem__(self, index: Any) -> Int32[np.ndarray, "..."]:
        written = self._ledger.automatic(index).copy()
        is_unknown = written == UNKNOWN
        written[is_unknown] = np.asarray(self._labels[index])[is_unknown]
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """Where the pixels lie in the world, in napari's terms; what is empty is as if the layer had none.

    Raises
    ------
    DocumentError
        If a value is not made of finite numbers, or of texts.
    """

    scale: Sequence[float] = ()
    """Size of a pixel along each axis, in its unit."""
    translate: Sequence[float] = ()
    """Place of the first pixel's centre along each axis."""
    rotate: Sequence[Sequence[float]] = ()
    """Matrix of the rotation, n × n."""
    shear: Sequence[float] | Sequence[Sequence[float]] = ()
    """Upper triangle of the shear, row by row, without the diagonal; or the whole matrix, n × n."""
    affine: Sequence[Sequence[float]] = ()
    """Matrix that is applied after the others, (n + 1) × (n + 1)."""
    units: Sequence[str] = ()
    """Unit of each axis, spelled out: ``micrometer``."""
    axis_labels: Sequence[str] = ()
    """Name of each axis."""

    def __post_init__(self) -> None:
        for spec in dataclasses.fields(self):
            item = str if spec.name in ("units", "axis_labels") else float
            object.__setattr__(self, spec.name, _nested(getattr(self, spec.name), item, f"transform.{spec.name}"))

    def check(self, n_axes: int) -> None:
        """Raise DocumentError if it is not one of so many axes."""
        n = n_axes
        square, triangle = (n, n), (n * (n - 1) // 2,)
        allowed: dict[str, tuple[tuple[int, ...], ...]] = {
            "rotate": (square,),
            "shear": (triangle, square),
            "affine": ((n + 1, n + 1),),
        }
        for spec in dataclasses.fields(self):
            value = getattr(self, spec.name)
            if value != () and _shape(value) not in allowed.get(spec.name, ((n,),)):
                raise DocumentError(f"transform.{spec.name} does not fit {n} axes")
            if value and spec.name in ("rotate", "affine") and np.linalg.matrix_rank(value) < len(value):
                raise DocumentError(f"transform.{spec.name} makes pixels vanish")
        if 0 in self.scale:
            raise DocumentError("transform.scale holds a zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class Display(Checked):
    """How a layer is shown, in napari's terms."""

    opacity: float = within(0.7, 0.0, 1.0)
    """From 0, invisible, to 1."""
    contour: int = within(0, 0)
    """Width of outlines in px; 0 fills the labels."""
    blending: str = "translucent"
    """How it is mixed with the layers below."""
    visible: bool = True
    """Whether it is shown at all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelLayer:
    """One label layer.

    Raises
    ------
    DocumentError
        If the parts do not fit together.
    """

    name: str
    """Of the layer."""
    labels: PixelSource
    """Ids of the pixels, 0 = background, at most 2**31 - 1; two or more axes."""
    human: PixelSource | None = None
    """Which pixels are a person's, of the shape of the labels; None: all that are not background."""
    automatic: PixelSource | None = None
    """What the program wrote last, ids of the shape of the labels, of which only a person's pixels count; equal to the
    label where that is not known; None: it is known of none of them."""
    colours: Mapping[int, Colour] = field(default_factory=dict)
    """Colour of each id that has one."""
    other_colour: Colour = OTHER_COLOUR
    """Colour of all other ids."""
    colour_cycle: Sequence[Colour] = ()
    """Colours of the ids from 1, over and over; only where no id has a colour of its own."""
    features: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Columns of the table of labels: ``index`` has the ids, ``class`` their names; None where a value is missing."""
    transform: Transform = field(default_factory=Transform)
    """Where it lies."""
    display: Display = field(default_factory=Display)
    """How it is shown."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """What the labels come from: name of the ``image``, ``queries``, and a record of each of the ``runs``."""

    def __post_init__(self) -> None:
        shape = tuple(self.labels.shape)
        if len(shape) < 2 or 0 in shape:
            raise DocumentError(f"the shape of the labels is {shape}, but two axes with pixels are needed at least")
        if self.human is not None and tuple(self.human.shape) != shape:
            raise DocumentError(f"a person's pixels have the shape {tuple(self.human.shape)}, the labels {shape}")
        if self.automatic is not None and tuple(self.automatic.shape) != shape:
            raise DocumentError(
                f"the automatic labels have the shape {tuple(self.automatic.shape)}, the labels {shape}"
            )
        self.transform.check(len(shape))
        colours = {_checked_id(id_): _checked_colour(colour) for id_, colour in self.colours.items()}
        object.__setattr__(self, "colours", colours)
        object.__setattr__(self, "other_colour", _checked_colour(self.other_colour))
        object.__setattr__(self, "colour_cycle", tuple(map(_checked_colour, self.colour_cycle)))
        if self.colours and self.colour_cycle:
            raise DocumentError("ids have colours of their own, or those of a cycle, not both")
        object.__setattr__(self, "features", {str(name): _plain(column) for name, column in self.features.items()})
        object.__setattr__(self, "provenance", _plain(self.provenance))
        if len({len(column) for column in self.features.values()}) > 1:
            raise DocumentError("the columns of the features are not of one length")

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return tuple(self.labels.shape)

    @property
    def is_corrected(self) -> bool:
        """Whether a person has worked on it: painted, told objects apart, or checked masks."""
        if self.provenance.get("checked") or self.provenance.get("instances"):
            return True
        source = self.labels if self.human is None else self.human
        return any(bool(np.any(source[index])) for index in np.ndindex(self.shape[:-2]))

    @property
    def class_names(self) -> dict[int, str]:
        """Names of the ids, from the features."""
        rows = zip(self.features.get("index", ()), self.features.get("class", ()), strict=False)
        return {id_: name for id_, name in rows if isinstance(id_, int) and isinstance(name, str)}

    def colour_of(self, id_: int) -> Colour:
        """Return the colour of an id."""
        if self.colour_cycle and id_ > 0:
            return self.colour_cycle[(id_ - 1) % len(self.colour_cycle)]
        return self.colours.get(id_, self.other_colour) if id_ else (0, 0, 0, 0)


def write_colour(colour: Colour) -> str:
    """Return a colour as it is written in the web: ``#ff8800``, with alpha ``#ff880080``."""
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def parse_colour(text: Any) -> Colour:
    """Read a colour as :func:`write_colour` writes it; raise DocumentError if it is none."""
    if not isinstance(text, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?", text):
        raise DocumentError(f'{text!r} is not a colour such as "#ff8800"')
    return _checked_colour(tuple(bytes.fromhex(text[1:])))


def parse_display(fields: Mapping[str, Any]) -> Display:
    """Build a display from those fields that are known; raise DocumentError if one is wrong."""
    try:
        return Display(**known_fields(Display, fields))
    except ConfigError as error:
        raise DocumentError(str(error).rstrip(".")) from error


def known_fields(cls: type[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a dataclass has fields for; a later version may have written more."""
    return {spec.name: fields[spec.name] for spec in dataclasses.fields(cls) if spec.name in fields}


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a value, NaN as None; raise DocumentError if it cannot."""
    try:
        return plain_json(value)
    except TypeError as error:
        raise DocumentError(str(error)) from error


def _checked_colour(colour: Sequence[int]) -> Colour:
    """Return a colour without an alpha of 255."""
    channels = tuple(colour)
    is_colour = len(channels) in (3, 4) and all(isinstance(item, int) and 0 <= item <= 255 for item in channels)
    if not is_colour:
        raise DocumentError(f"the colour {channels} is not three or four whole numbers from 0 to 255")
    return channels[:3] if channels[3:] == (255,) else channels  # type: ignore[return-value]


def _checked_id(id_: int) -> int:
    """Return an id that a label can have."""
    if not 0 < id_ <= MAX_ID:
        raise DocumentError(f"a colour is given to {id_}, but ids are from 1 to {MAX_ID}")
    return int(id_)


def _nested(value: Any, item: type[float] | type[str], where: str) -> Any:
    """Return finite numbers, or texts, with sequences turned into tuples."""
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_nested(part, item, where) for part in value)
    if item is str and isinstance(value, str):
        return value
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if item is float and is_number and abs(value) <= sys.float_info.max:
        return float(value)
    raise DocumentError(f"{where} holds {value!r}, which is not {'a text' if item is str else 'a finite number'}")


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of nested tuples, None if they are ragged."""
    if not isinstance(value, tuple):
        return ()
    shapes = {_shape(part) for part in value}
    inner = shapes.pop() if len(shapes) == 1 else None
    return None if inner is None else (len(value), *inner)
