"""A segmentation as a label document, as if it had been made in the dock."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int32

from napari_car.config import CaRConfig

from .document import Document
from .frames import Box, Frame
from .label_layer import LabelLayer, Transform
from .outcome import Outcome, collect_findings
from .record import record_run
from .recorded_frame import RecordedFrame, hash_picture
from .sheet import QuerySheet
from .survey import TOGETHER, paint_frame

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation


def make_document(
    result: "Segmentation",
    *,
    size_px: tuple[int, int],
    sheet: QuerySheet,
    config: CaRConfig,
    preset: str,
    image: dict[str, Any],
) -> tuple[Document, Outcome]:
    """Make the document of one image.

    Parameters
    ----------
    result : Segmentation
        Of the queries of the list, in its order, without two that are one to the segmenter.
    size_px : tuple of int
        Height and width of the image, of which the segmenter may have seen a smaller picture.
    sheet : QuerySheet
        The list of queries.
    config : CaRConfig
    preset : str
        Name of the preset that the parameters were changed from.
    image : dict
        What of the image was seen; its ``name`` among it.

    Returns
    -------
    document : Document
        One layer that holds all queries; no pixel is a person's.
    outcome : Outcome
    """
    whole = Box(0, 0, *size_px)
    frame = Frame((), whole, whole)
    result = result.labelled(sheet.query_ids).sized(size_px)
    painted = paint_frame(result, frame)
    outcome = Outcome()
    outcome.put(frame, collect_findings(result, painted))
    record = record_run(
        sheet=sheet,
        config=config,
        preset=preset,
        image=image,
        frames=[RecordedFrame(frame=frame, picture=hash_picture(result.image))],
        provenances=[result.provenance],
        is_whole=True,
    )
    return assemble_document(painted[TOGETHER], outcome, record, sheet=sheet, name=image["name"]), outcome


def assemble_document(
    labels: Int32[np.ndarray, "*axes H W"],
    outcome: Outcome,
    record: dict[str, Any],
    *,
    sheet: QuerySheet,
    name: str,
    transform: Transform | None = None,
) -> Document:
    """Make the document of an image of any number of planes.

    Parameters
    ----------
    labels : ndarray, int32
        Of all planes.
    outcome : Outcome
        What was found in them.
    record : dict
        Of the run.
    sheet : QuerySheet
        The list of queries.
    name : str
        Of the image.
    transform : Transform, optional
        Where it lies; by default nowhere in particular.

    Returns
    -------
    Document
        One layer that holds all queries; no pixel is a person's.
    """
    layer = LabelLayer(
        name=f"{name} labels",
        labels=labels,
        human=np.broadcast_to(np.False_, labels.shape),
        colours=sheet.colours,
        features=_features(sheet, outcome),
        transform=transform or Transform(),
        provenance={
            "kind": "labels",
            "image": name,
            "query": TOGETHER,
            "queries": sheet.to_dict()["entries"],
            "runs": [record],
        },
    )
    return Document(layers=(layer,))


def _features(sheet: QuerySheet, outcome: Outcome) -> dict[str, list[Any]]:
    """Return the table of labels, with what was found."""
    found = {summary.id: summary for summary in outcome.summaries()}
    rows: list[tuple[int, str, str, float | None]] = [(0, "background", "–", None)]
    for id_, name in sorted(sheet.names.items()):
        summary = found.get(id_)
        rows.append((id_, name, summary.verdict if summary else "", round(summary.score, 3) if summary else None))
    return {name: [row[place] for row in rows] for place, name in enumerate(("index", "class", "verdict", "score"))}
