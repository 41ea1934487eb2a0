"""The record of a run, read back: all that is needed to repeat it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_car.config import CaRConfig
from napari_car.errors import CaRError, DocumentError
from napari_car.results import CheckpointIdentity

from .recorded_frame import RecordedFrame
from .sheet import QuerySheet


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A run that a label layer comes from.

    Parameters
    ----------
    sheet : QuerySheet
        The list of queries; at least one is switched on.
    config : CaRConfig
        Parameters, with the backend of the dense CRF that was used.
    frames : tuple of RecordedFrame
        Those that were finished, in their order; at least one.
    image : mapping
        What of the image was seen; see :class:`~napari_car.annotation.shown_image.ShownImage`.
    f, g : CheckpointIdentity
    sam : CheckpointIdentity or None
        None for a run without SAM.
    versions : mapping of str to str
        Packages.
    """

    sheet: QuerySheet
    config: CaRConfig
    frames: tuple[RecordedFrame, ...]
    image: Mapping[str, Any]
    f: CheckpointIdentity
    g: CheckpointIdentity
    sam: CheckpointIdentity | None
    versions: Mapping[str, str]


def read_run(record: Any) -> RecordedRun:
    """Read the record of a run.

    Parameters
    ----------
    record : dict
        As :func:`~napari_car.annotation.record.record_run` makes it.

    Raises
    ------
    DocumentError
        If something is missing or wrong; the text is the reason only.
    """
    if not isinstance(record, Mapping):
        raise DocumentError("the record of the run is not a table")
    entries, config, image = (record.get(key) for key in ("queries", "config", "image"))
    if not isinstance(entries, list) or not isinstance(config, Mapping) or not isinstance(image, Mapping):
        raise DocumentError("queries, parameters or image are missing in the record of the run")
    try:
        highest = max((entry["id"] for entry in entries), default=0)
        sheet = QuerySheet.from_dict({"entries": entries, "next_id": highest + 1})
        parameters = CaRConfig.from_dict(config)
        # "none" may also say that nothing was left to be refined: later thresholds may change that.
        if (backend := record.get("crf_backend", "none")) != "none":
            parameters = parameters.changed({"crf.backend": backend})
    except (CaRError, KeyError, TypeError) as error:
        raise DocumentError(f"queries or parameters of the run cannot be read: {error}") from error
    if not sheet.queries:
        raise DocumentError("the run asked for nothing")
    frames = record.get("frames")
    if not isinstance(frames, list) or not frames:
        raise DocumentError("the record of the run does not say which parts of the image were segmented")
    versions = record.get("versions")
    return RecordedRun(
        sheet=sheet,
        config=parameters,
        frames=tuple(map(RecordedFrame.from_dict, frames)),
        image=image,
        f=_read_identity(record.get("f"), "f"),
        g=_read_identity(record.get("g"), "g"),
        sam=None if record.get("sam") is None else _read_identity(record["sam"], "SAM"),
        versions=dict(versions) if isinstance(versions, Mapping) else {},
    )


def _read_identity(record: Any, role: str) -> CheckpointIdentity:
    """Return which network served as f, g or SAM."""
    names = ("name", "architecture", "sha256", "precision", "device")
    if not isinstance(record, Mapping) or not all(isinstance(record.get(name), str) for name in names):
        raise DocumentError(f"the record of the run does not say which network was {role}")
    return CheckpointIdentity(**{name: record[name] for name in names})
