"""Repeat the runs of label documents, and say how they compare."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_car.annotation.document import SUFFIX, Document, read_document, write_document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.reproduction import Reproduction, reproduce_layer
from napari_car.errors import CaRError, OutputError
from napari_car.io.outputs import explained

from .display import Display
from .rerun_inputs import RecordedNetworks, Source, find_image

_MAX_NAMED = 3
_KEPT = ("kind", "image", "query", "queries", "runs")


@dataclass(slots=True)
class RerunOutcome:
    """What became of the layers."""

    n_exact: int = 0
    n_differing: int = 0
    n_refused: int = 0
    n_written: int = 0
    notes: list[str] = field(default_factory=list)
    """What is not as it was, each said once."""


def rerun_all(sources: Sequence[Source], networks: RecordedNetworks, out: Path | None) -> RerunOutcome:
    """Repeat documents one after another; what concerns one of them does not stop the others.

    Parameters
    ----------
    sources : sequence of Source
    networks : RecordedNetworks
    out : Path or None
        Folder for what was made again.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    outcome = RerunOutcome()
    with Display(len(sources)) as display:
        for source in sources:
            try:
                document = read_document(source.document)
                image = source.image or find_image(source.document, document)
            except CaRError as error:
                outcome.n_refused += 1
                display.say(f"{source.key}: cannot be repeated: {error}")
            else:
                made = list(_rerun_layers(source.key, document, image, networks, display, outcome))
                if out is not None and made:
                    _write(out, source.key, made)
                    outcome.n_written += 1
            display.advance()
    return outcome


def _rerun_layers(
    key: str,
    document: Document,
    image: Path,
    networks: RecordedNetworks,
    display: Display,
    outcome: RerunOutcome,
) -> Iterator[LabelLayer]:
    """Repeat the layers of a document; yield what was made again."""
    if not document.layers:
        outcome.n_refused += 1
        display.say(f"{key}: cannot be repeated: it holds no labels")
    for layer in document.layers:
        name = key if len(document.layers) == 1 else f"{key}, {layer.name}"
        try:
            made = display.follow(
                reproduce_layer(layer, image, networks.find), name, len(layer.provenance.get("queries", ()))
            )
        except CaRError as error:
            outcome.n_refused += 1
            display.say(f"{name}: cannot be repeated: {str(error).rstrip('.')}")
            continue
        if made.is_exact:
            outcome.n_exact += 1
        else:
            outcome.n_differing += 1
            outcome.notes += [note for note in made.notes if note not in outcome.notes]
        display.say(f"{name}: {_describe(made, layer)}")
        yield _as_layer(made, layer)


def _describe(made: Reproduction, layer: LabelLayer) -> str:
    """Say how what was made again compares."""
    runs = "" if made.n_runs == 1 else f", after {made.n_runs} runs"
    n_left_out = int(np.prod(layer.shape)) - made.n_px
    left_out = f"; of {n_left_out:,} px it is not known what the program wrote" if n_left_out else ""
    if made.is_exact:
        return f"exact in {made.n_px:,} px{runs}{left_out}"
    names = layer.class_names
    worst = sorted(made.n_differing.items(), key=lambda item: -item[1])
    named = [f"{names.get(id_, f'label {id_}')} {n:,} px" for id_, n in worst[:_MAX_NAMED]]
    more = f" and {len(worst) - _MAX_NAMED} more" if len(worst) > _MAX_NAMED else ""
    return f"differs in {made.n_changed:,} of {made.n_px:,} px{runs} ({', '.join(named)}{more}){left_out}"


def _as_layer(made: Reproduction, layer: LabelLayer) -> LabelLayer:
    """Return what was made again as a layer without a person's work."""
    return LabelLayer(
        name=layer.name,
        labels=made.labels,
        human=np.zeros(layer.shape, dtype=bool),
        colours=layer.colours,
        other_colour=layer.other_colour,
        features=layer.features,
        transform=layer.transform,
        display=layer.display,
        provenance={name: value for name, value in layer.provenance.items() if name in _KEPT},
    )


def _write(out: Path, key: str, layers: list[LabelLayer]) -> None:
    """Write what was made again; what is there is never replaced."""
    name = Path(key).name if key.endswith(SUFFIX) else f"{key}{SUFFIX}"
    path = out / name
    if path.exists():
        raise OutputError(f"{path} exists: choose an empty folder for what is made again.")
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_document(path, Document(layers=tuple(layers)))
