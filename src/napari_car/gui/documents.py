"""Reader and writer of ``.car.json`` documents, as napari's plugin engine calls them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_car.annotation.document import SUFFIX, Document, read_document, write_document
from napari_car.errors import DocumentError, OutputError

from .document_layers import LayerData, make_label_layer, make_layer_data
from .document_notes import read_notes

_PASSING = frozenset(["proposal", "preview"])
"""Kinds of label layers that show what is not decided yet."""


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return the function that reads a document, or several; None if a name does not end in ``.car.json``."""
    return read_layers if all(name.lower().endswith(SUFFIX) for name in _paths(path)) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Read the layers of a document, or of several.

    Raises
    ------
    DocumentError
        If one cannot be read.
    ResourceError
        If there is no memory for it.
    """
    return [layer for name in _paths(path) for layer in _read_layers(name)]


def write_layers(path: str, layer_data: Sequence[LayerData]) -> list[str]:
    """Write label layers into one document; return the paths of its files.

    Proposals that wait to be accepted, and the preview of a correction, are left out. A name without the ending
    ``.car.json`` gets it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = _target(Path(path))
    saved = [item for item in layer_data if read_notes(item[1]).get("kind") not in _PASSING]
    if not saved:
        raise OutputError(f"{target} cannot be written: accept the proposal, then save the layer it goes to.")
    try:
        layers = tuple(make_label_layer(data, state) for data, state, _ in saved)
        return [str(file) for file in write_document(target, Document(layers=layers))]
    # napari takes a ValueError to mean that no plugin can write this, and does not show its text.
    except ValueError as error:
        raise OutputError(f"{target} cannot be written: {str(error).rstrip('.')}.") from error


def _read_layers(path: str) -> list[LayerData]:
    """Read the layers of one document."""
    layers = read_document(path).layers
    try:
        return [make_layer_data(layer) for layer in layers]
    except DocumentError as error:
        raise DocumentError(f"{path} cannot be opened: {str(error).rstrip('.')}.") from error


def _target(path: Path) -> Path:
    """Return where a document is written."""
    if path.name.lower().endswith(SUFFIX):
        return path
    name = path.name.removesuffix(".json").removesuffix(".car")
    target = path.with_name(f"{name}{SUFFIX}")
    if target.exists():  # the window asked about the other name only
        raise OutputError(f"{target} exists already: save under its whole name to replace it.")
    return target


def _paths(path: str | Sequence[str]) -> Sequence[str]:
    """Return a list of paths, be it one or several."""
    return [path] if isinstance(path, str) else path
