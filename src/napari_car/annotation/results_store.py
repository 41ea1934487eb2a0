"""Segmentations of a run by frame, as many as fit into memory."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from .frames import Frame

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation

MAX_BYTES = 2**30
"""Memory for the segmentations of a run, in bytes; of a long stack the last ones are kept."""


class ResultsStore:
    """Keeps segmentations for score maps, explanations and new thresholds; the oldest go when memory is used up.

    Parameters
    ----------
    max_bytes : int
        Bound on images, masks and maps together. The last one stays whatever its size.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._results: OrderedDict[Frame, Segmentation] = OrderedDict()
        self._n_bytes = 0

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, frame: Frame) -> bool:
        return frame in self._results

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Frames whose segmentation is there, the oldest first."""
        return tuple(self._results)

    def get(self, frame: Frame) -> "Segmentation | None":
        """Return the segmentation of a frame, or None."""
        return self._results.get(frame)

    def put(self, frame: Frame, result: "Segmentation") -> None:
        """Keep the segmentation of a frame."""
        self._drop(frame)
        self._results[frame] = result
        self._n_bytes += _size_bytes(result)
        while self._n_bytes > self._max_bytes and len(self._results) > 1:
            self._drop(next(iter(self._results)))

    def clear(self) -> None:
        """Forget all."""
        self._results.clear()
        self._n_bytes = 0

    def _drop(self, frame: Frame) -> None:
        """Forget one."""
        result = self._results.pop(frame, None)
        if result is not None:
            self._n_bytes -= _size_bytes(result)


def _size_bytes(result: "Segmentation") -> int:
    """Return the memory of images, masks and maps."""
    maps = sum(step.proposals.maps.nbytes + step.similarity.nbytes for step in result.steps)
    masks = sum(mask.nbytes for mask in result.working_masks.values())
    objects = result.objects.nbytes if result.objects else 0
    return int(result.image.nbytes + masks + objects + maps)
