"""A segmentation as a label document, as if it had been made in the dock."""

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_car.config import CaRConfig

from .document import Document
from .frames import Box, Frame
from .label_layer import LabelLayer
from .outcome import Finding, collect_findings
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
) -> tuple[Document, tuple[Finding, ...]]:
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
    findings : tuple of Finding
    """
    whole = Box(0, 0, *size_px)
    frame = Frame((), whole, whole)
    result = result.labelled(sheet.query_ids).sized(size_px)
    painted = paint_frame(result, frame)
    findings = collect_findings(result, painted)
    record = record_run(
        sheet=sheet,
        config=config,
        preset=preset,
        image=image,
        frames=[RecordedFrame(frame=frame, picture=hash_picture(result.image))],
        provenances=[result.provenance],
        is_whole=True,
    )
    layer = LabelLayer(
        name=f"{image['name']} labels",
        labels=painted[TOGETHER],
        human=np.zeros(size_px, dtype=bool),
        colours=sheet.colours,
        features=_features(sheet, findings),
        provenance={
            "kind": "labels",
            "image": image["name"],
            "query": TOGETHER,
            "queries": sheet.to_dict()["entries"],
            "runs": [record],
        },
    )
    return Document(layers=(layer,)), findings


def _features(sheet: QuerySheet, findings: tuple[Finding, ...]) -> dict[str, list[Any]]:
    """Return the table of labels, with what was found."""
    found = {finding.id: finding for finding in findings}
    rows: list[tuple[int, str, str, float | None]] = [(0, "background", "–", None)]
    for id_, name in sorted(sheet.names.items()):
        finding = found.get(id_)
        rows.append((id_, name, finding.verdict if finding else "", round(finding.score, 3) if finding else None))
    return {name: [row[place] for row in rows] for place, name in enumerate(("index", "class", "verdict", "score"))}
