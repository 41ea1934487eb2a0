"""The record of a run that a label layer carries: what it was computed from, fit for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_car.config import CaRConfig
from napari_car.io.outputs import plain_json

from .recorded_frame import RecordedFrame
from .sheet import QuerySheet

if TYPE_CHECKING:
    from napari_car.results import Provenance


def record_run(
    *,
    sheet: QuerySheet,
    config: CaRConfig,
    preset: str,
    image: dict[str, Any],
    frames: Sequence[RecordedFrame],
    provenances: "Sequence[Provenance]",
    is_whole: bool,
) -> dict[str, Any]:
    """Return all that a run depends on.

    Parameters
    ----------
    sheet : QuerySheet
        The list of queries at the start of the run.
    config : CaRConfig
    preset : str
        Name of the preset that the parameters were changed from.
    image : dict
        What of the image was seen: channels, contrast, axes.
    frames : sequence of RecordedFrame
        Those that were finished.
    provenances : sequence of Provenance
        One per frame.
    is_whole : bool
        Whether all frames were finished; False if the run was stopped or failed.

    Returns
    -------
    dict
        Plain values. Wall times are sums over the frames; checkpoints, versions and background queries are those of the
        last frame, and the same in all. Parameters are those of the run, without what was decided later.
    """
    last = asdict(provenances[-1])
    stages = dict.fromkeys(stage for provenance in provenances for stage in provenance.seconds)
    record = {
        "queries": sheet.to_dict()["entries"],
        "preset": preset,
        "config": config.to_dict(),
        "image": image,
        "frames": [frame.to_dict() for frame in frames],
        "is_whole": is_whole,
        "f": last["f"],
        "g": last["g"],
        "sam": last["sam"],
        "background": list(last["background"]),
        "crf_backend": _find_crf_backend(provenances),
        "versions": dict(last["versions"]),
        "created": last["created"],
        "seconds": {
            stage: round(sum(provenance.seconds.get(stage, 0.0) for provenance in provenances), 4) for stage in stages
        },
        "notes": list(dict.fromkeys(note for provenance in provenances for note in provenance.notes)),
    }
    plain: dict[str, Any] = plain_json(record)
    return plain


def _find_crf_backend(provenances: "Sequence[Provenance]") -> str:
    """Return what refined masks; where nothing is left there is nothing to refine, so that some frames have none."""
    return next((found.crf_backend for found in provenances if found.crf_backend != "none"), "none")
