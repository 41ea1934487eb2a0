"""The record of a run that a label layer carries: what it was computed from, fit for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_car.config import CaRConfig
from napari_car.io.outputs import plain_json

from .frames import Frame
from .sheet import QuerySheet

if TYPE_CHECKING:
    from napari_car.results import Provenance


def record_run(
    *,
    sheet: QuerySheet,
    config: CaRConfig,
    preset: str,
    image: dict[str, Any],
    frames: Sequence[Frame],
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
    frames : sequence of Frame
        Those that were finished.
    provenances : sequence of Provenance
        One per frame.
    is_whole : bool
        Whether all frames were finished; False if the run was stopped or failed.

    Returns
    -------
    dict
        Plain values. Wall times are sums over the frames; checkpoints, versions and background queries are those of the
        last frame, and the same in all.
    """
    last = asdict(provenances[-1])
    stages = dict.fromkeys(stage for provenance in provenances for stage in provenance.seconds)
    record = {
        "queries": sheet.to_dict()["entries"],
        "preset": preset,
        "config": config.to_dict(),
        "image": image,
        "frames": [asdict(frame) for frame in frames],
        "is_whole": is_whole,
        "f": last["f"],
        "g": last["g"],
        "sam": last["sam"],
        "background": list(last["background"]),
        "crf_backend": last["crf_backend"],
        "versions": dict(last["versions"]),
        "created": last["created"],
        "seconds": {
            stage: round(sum(provenance.seconds.get(stage, 0.0) for provenance in provenances), 4) for stage in stages
        },
        "notes": list(dict.fromkeys(note for provenance in provenances for note in provenance.notes)),
    }
    plain: dict[str, Any] = plain_json(record)
    return plain
