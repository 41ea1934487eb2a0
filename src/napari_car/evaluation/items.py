"""What was counted for one item of a benchmark: an image, an expression with its image, or a video."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from napari_car.errors import DocumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecord:
    """An item that was evaluated.

    Parameters
    ----------
    key : str
        Its name in the benchmark.
    counts : mapping of str to table
        Tallies of this item alone, by metric, as they store themselves.
    seconds : mapping of str to float
        Wall time by stage; ``all`` is that of the whole item, reading included.
    memory_mb : float or None
        Highest memory so far, in MiB: of the device on CUDA, else of the process; None where that is not to be had.
    n_steps : int
        Time steps of the recurrence, of all runs for the item.
    n_frames : int
        Pictures that were segmented.
    mask : str
        File of the prediction in the folder of masks; empty: not kept.
    notes : tuple of str
        What was changed on the user's behalf.
    """

    key: str
    counts: Mapping[str, Any]
    seconds: Mapping[str, float]
    memory_mb: float | None
    n_steps: int
    n_frames: int = 1
    mask: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read a line; DocumentError if it is not one."""
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DocumentError("it is not JSON") from error
        if not isinstance(record, dict) or set(record) != {spec.name for spec in fields(cls)}:
            raise DocumentError("it is not the record of an item")
        if not _is_record(record):
            raise DocumentError("a part of it is of the wrong kind")
        return cls(**record | {"notes": tuple(record["notes"])})


_KINDS = {"key": str, "counts": dict, "seconds": dict, "n_steps": int, "n_frames": int, "mask": str, "notes": list}


def _is_record(record: Mapping[str, Any]) -> bool:
    """Tell whether the parts of a record are what they should be; counts are looked at when they are summed up."""
    return (
        all(isinstance(record[name], kind) for name, kind in _KINDS.items())
        and all(isinstance(note, str) for note in record["notes"])
        and all(_is_amount(value) for value in record["seconds"].values())
        and (record["memory_mb"] is None or _is_amount(record["memory_mb"]))
        and record["n_steps"] >= 0
        and record["n_frames"] > 0
    )


def _is_amount(value: Any) -> bool:
    """Tell a number of seconds or MiB."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
