"""A frame as the record of a run names it: where it is, which picture was seen, and what was decided later."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np
from jaxtyping import UInt8

from napari_car.errors import DocumentError
from napari_car.schema import is_whole

from .frames import Box, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """New thresholds for a run that was finished; see :meth:`napari_car.segmentation.Segmentation.redecide`.

    Parameters
    ----------
    score_threshold, mask_threshold : float or None
        θ and η; None: as before.
    crf : bool
        Whether masks were refined again.
    """

    score_threshold: float | None = None
    mask_threshold: float | None = None
    crf: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFrame:
    """A frame that was finished.

    Parameters
    ----------
    frame : Frame
    picture : str
        SHA-256 of the picture that the segmenter saw; see :func:`hash_picture`. Empty: not noted.
    decisions : tuple of Decision
        Those that were accepted after the run, in their order.
    """

    frame: Frame
    picture: str = ""
    decisions: tuple[Decision, ...] = ()

    def decided(self, decision: Decision) -> Self:
        """Return the frame after one more decision."""
        return replace(self, decisions=(*self.decisions, decision))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        decisions = [asdict(decision) for decision in self.decisions]
        return asdict(self.frame) | {"picture": self.picture} | ({"decisions": decisions} if decisions else {})

    @classmethod
    def from_dict(cls, record: Any) -> Self:
        """Build it from :meth:`to_dict`; DocumentError if something is missing or wrong."""
        if not isinstance(record, Mapping):
            raise DocumentError("a frame is not a table")
        plane, picture, decisions = record.get("plane"), record.get("picture", ""), record.get("decisions", [])
        if not isinstance(plane, list) or not all(is_whole(index) and index >= 0 for index in plane):
            raise DocumentError("the plane of a frame is not a list of whole numbers")
        if not isinstance(picture, str) or not isinstance(decisions, list):
            raise DocumentError("a frame does not say which picture was seen, or what was decided")
        frame = Frame(tuple(plane), _read_box(record.get("box")), _read_box(record.get("kept")))
        if frame.kept.is_empty or frame.kept.clipped(frame.box) != frame.kept:
            raise DocumentError("a frame keeps pixels that it does not have")
        return cls(frame=frame, picture=picture, decisions=tuple(map(_read_decision, decisions)))


def hash_picture(picture: UInt8[np.ndarray, "H W 3"]) -> str:
    """Return the SHA-256 of a picture's height, width and pixels, in hexadecimal."""
    hashed = hashlib.sha256("x".join(map(str, picture.shape)).encode())
    hashed.update(np.ascontiguousarray(picture).data)
    return hashed.hexdigest()


def _read_box(record: Any) -> Box:
    """Return a rectangle."""
    sides = {spec.name for spec in fields(Box)}
    if not isinstance(record, Mapping) or set(record) != sides or not all(map(is_whole, record.values())):
        raise DocumentError("a box of a frame is not made of the whole numbers top, left, bottom, right")
    box = Box(**record)
    if min(box.top, box.left) < 0:
        raise DocumentError("a box of a frame begins outside of the image")
    return box


def _read_decision(record: Any) -> Decision:
    """Return new thresholds."""
    if not isinstance(record, Mapping) or not set(record) <= {spec.name for spec in fields(Decision)}:
        raise DocumentError("a decision is not one that this napari-car knows")
    thresholds = [record.get(name) for name in ("score_threshold", "mask_threshold")]
    if not all(value is None or (isinstance(value, float | int) and 0 <= value <= 1) for value in thresholds):
        raise DocumentError("a threshold of a decision is not between 0 and 1")
    return Decision(score_threshold=thresholds[0], mask_threshold=thresholds[1], crf=bool(record.get("crf", True)))
