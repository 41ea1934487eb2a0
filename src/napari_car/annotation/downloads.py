"""Downloads of the checkpoints that are missing, told in a few lines a second instead of piece by piece."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_car.checkpoints.registry import Checkpoint

from .sizes import say_duration, say_size

if TYPE_CHECKING:
    from napari_car.checkpoints.download import DownloadProgress

INTERVAL_S = 0.1
"""Least time between two lines; pieces arrive thousands of times a second."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class DownloadStatus:
    """What a download is doing.

    Parameters
    ----------
    title : str
        What is being done to which checkpoint.
    detail : str
        How far it is, how fast, and how long it will take.
    fraction : float
        Share of this file, and of receiving or verifying it, that is done, in [0, 1].
    """

    title: str
    detail: str
    fraction: float


def download_missing(
    checkpoints: Sequence[Checkpoint], folder: Path, is_stopped: threading.Event, *, clock: Clock = time.monotonic
) -> Generator[DownloadStatus, None, None]:
    """Download and verify checkpoints, one after the other.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Those on disk already are passed over.
    folder : pathlib.Path
        The models folder.
    is_stopped : threading.Event
        Ends the download before its next piece once it is set; what was received is kept for the next time.
    clock : callable, optional
        Returns the time in s.

    Yields
    ------
    DownloadStatus
        At the start, at most every ``INTERVAL_S``, and at the end of each stage.

    Raises
    ------
    CheckpointError
        See :func:`napari_car.checkpoints.download.download`.
    """
    # Imported here, in the thread of the download, because the network client takes long to load.
    from napari_car.checkpoints.download import download

    for number, checkpoint in enumerate(checkpoints, 1):
        place = f" ({number} of {len(checkpoints)})" if len(checkpoints) > 1 else ""
        yield DownloadStatus(f"Asking the hub for {checkpoint.name}{place}", "", 0.0)
        if is_stopped.is_set():
            return
        line = _StatusLine(checkpoint.name, place, clock)
        with closing(download(checkpoint, folder)) as steps:  # frees its lock when it is left
            for step in steps:
                if is_stopped.is_set():
                    return
                if status := line.follow(step):
                    yield status


class TransferRate:
    """How fast bytes have been arriving lately.

    Parameters
    ----------
    clock : callable, optional
        Returns the time in s.
    """

    _WINDOW_S, _SHORTEST_S = 5.0, 1.0

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def follow(self, n_bytes: int) -> float | None:
        """Return the rate in bytes per s, None until it can be told; a server may start again from the beginning."""
        now = self._clock()
        if self._seen and n_bytes < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, n_bytes))
        while now - self._seen[0][0] > self._WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()
        since, n_before = self._seen[0]
        return (n_bytes - n_before) / (now - since) if now - since >= self._SHORTEST_S else None


class _StatusLine:
    """Follows the download of one checkpoint."""

    def __init__(self, name: str, place: str, clock: Clock) -> None:
        self._name, self._place, self._clock = name, place, clock
        self._stage = ""
        self._rate = TransferRate(clock)
        self._said_at = 0.0

    def follow(self, step: "DownloadProgress") -> DownloadStatus | None:
        """Return what to say after a step; None if that would be too soon."""
        now = self._clock()
        is_edge = step.stage != self._stage or step.n_bytes == step.total_bytes
        if not is_edge and now - self._said_at < INTERVAL_S:
            return None
        if step.stage != self._stage:
            self._stage, self._rate = step.stage, TransferRate(self._clock)
        self._said_at = now
        verb = {"downloading": "Downloading", "verifying": "Verifying"}[step.stage]
        return DownloadStatus(
            f"{verb} {self._name}{self._place}", self._describe(step), step.n_bytes / max(1, step.total_bytes)
        )

    def _describe(self, step: "DownloadProgress") -> str:
        """Say how far the step is, and, while bytes are received, how fast."""
        rate = self._rate.follow(step.n_bytes)
        parts = [f"{say_size(step.n_bytes)} of {say_size(step.total_bytes)}"]
        if rate is not None and step.stage == "downloading":
            parts.append(f"{rate / 1e6:.1f} MB/s")
        if rate and step.n_bytes < step.total_bytes:
            parts.append(f"{say_duration((step.total_bytes - step.n_bytes) / rate)} left")
        return ", ".join(parts)
