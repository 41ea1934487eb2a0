"""Slices of a stack as frames of a video: what each takes over from the one before it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_car.config import CaRConfig, VideoConfig

from .frames import Box, Frame

if TYPE_CHECKING:
    from napari_car.video import VideoState


class SliceStates:
    """The states of a run over slices, one for each tile; all are empty unless parameters ask for more.

    A frame goes on from the frame before it of the same box if that is one slice before it along one axis, so that the
    order of frames says all there is to know.

    Parameters
    ----------
    config : CaRConfig
    """

    def __init__(self, config: CaRConfig) -> None:
        self._is_video = config.video != VideoConfig()
        self._last: dict[Box, tuple[tuple[int, ...], VideoState]] = {}

    def of(self, frame: Frame) -> "VideoState | None":
        """Return the state with which to segment a frame; None if it stands alone."""
        # Imported here, in a worker thread: torch takes seconds to load.
        from napari_car.video import VideoState

        if not self._is_video:
            return None
        plane, state = self._last.get(frame.box, ((), VideoState()))
        if not is_next(plane, frame.plane):
            state = VideoState()
        self._last[frame.box] = frame.plane, state
        return state


def is_next(before: Sequence[int], plane: Sequence[int]) -> bool:
    """Tell whether a plane is one slice after another, along one axis."""
    return len(before) == len(plane) and [b - a for a, b in zip(before, plane, strict=True) if a != b] == [1]
