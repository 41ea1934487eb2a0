"""What evaluating one item gives: its record, and the prediction to be looked at."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt16
from numpy.typing import NDArray

from .items import ItemRecord
from .memory import peak_memory_mb

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluated:
    """An item that was evaluated.

    Parameters
    ----------
    record : ItemRecord
    prediction : ndarray of uint16
        Label map, (H, W), or one for each frame, (T, H, W): class or object ids, 1 for the target of an expression.
    """

    record: ItemRecord
    prediction: UInt16[np.ndarray, "*frames H W"]


@dataclass(slots=True)
class Stopwatch:
    """Sums up what the runs for an item took."""

    seconds: dict[str, float] = field(default_factory=dict)
    n_steps: int = 0
    n_frames: int = 0
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, result: "Segmentation") -> None:
        """Add a run."""
        for stage, seconds in result.provenance.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.n_steps += len(result.steps)
        self.notes |= dict.fromkeys(result.provenance.notes)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Measure the wall time of an item."""
        start = time.perf_counter()
        yield
        self.seconds["all"] = time.perf_counter() - start

    def evaluated(self, key: str, counts: Mapping[str, Any], device: str, prediction: NDArray[np.integer]) -> Evaluated:
        """Return the item."""
        record = ItemRecord(
            key=key,
            counts=counts,
            seconds={stage: round(seconds, 4) for stage, seconds in self.seconds.items()},
            memory_mb=peak_memory_mb(device),
            n_steps=self.n_steps,
            n_frames=self.n_frames,
            notes=tuple(self.notes),
        )
        return Evaluated(record=record, prediction=prediction.astype(np.uint16))
