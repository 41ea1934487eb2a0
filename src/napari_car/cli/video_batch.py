"""Segment videos one after another; of one that is damaged or stopped, what is done is kept."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_car.config import CaRConfig
from napari_car.errors import CaRError, OutputError
from napari_car.io.video import FrameRange, Video
from napari_car.queries import Query

from .checkpoints import Networks
from .display import Display, describe_result
from .folders import check_writable
from .record import read_summary
from .video_results import LabelFormat, OverlayFormat, VideoWriter, writing

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

FRAMES_PER_SECOND = 10.0
"""Of overlay videos made from folders, which say nothing of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoBatch:
    """Videos that share queries, networks, parameters and an output folder.

    Parameters
    ----------
    videos : dict of Path to str
        Name of each one's folder in ``out``.
    queries : tuple of Query
    networks : Networks
    config : CaRConfig
    chosen : FrameRange
    out : Path
    labels, overlay : str
        See :class:`~napari_car.cli.video_results.VideoWriter`.
    """

    videos: dict[Path, str]
    queries: tuple[Query, ...]
    networks: Networks
    config: CaRConfig
    chosen: FrameRange
    out: Path
    labels: LabelFormat
    overlay: OverlayFormat

    def run(self, *, overwrite: bool) -> list[CaRError]:
        """Segment the videos; return why some could not be, or not to their end.

        Raises
        ------
        OutputError
            If the output folder cannot be written to, or holds a result and ``overwrite`` is off.
        KeyboardInterrupt
            If the user stops it; what is done of the video is kept.
        """
        self.networks.check_on_disk()
        check_writable(self.out)
        for name in self.videos.values():
            if read_summary(self.out / name) and not overwrite:
                raise OutputError(f"{self.out / name} holds a result: give --overwrite, or choose another --out.")
        videos = [Video(path) for path in self.videos]
        segmenter = self.networks.load()
        failures: list[CaRError] = []
        for video in videos:
            try:
                self._segment(video, segmenter)
            except CaRError as error:
                if len(videos) == 1:
                    raise
                failures.append(error)
        return failures

    def _segment(self, video: Video, segmenter: "Segmenter") -> None:
        """Segment a video into its folder."""
        rate_hz = (video.rate_hz or FRAMES_PER_SECOND) / self.chosen.every
        caption = " ".join(self.networks.notices)
        folder = self.out / self.videos[video.path]
        request = {
            "video": str(video.path),
            "frames": asdict(self.chosen),
            "precision": self.networks.precision,
            "labels": self.labels,
            "overlay": self.overlay,
        }
        stopped: BaseException | None = None
        with writing(folder, self.labels, self.overlay, rate_hz, caption) as writer:
            try:
                self._follow(video, segmenter, writer)
            except (CaRError, KeyboardInterrupt) as error:
                if not len(writer):
                    raise
                stopped = error
            writer.finish(request, str(stopped) or "Stopped by the user." if stopped is not None else "")
        if isinstance(stopped, CaRError):
            raise type(stopped)(f"{stopped} The {_counted(len(writer))} before are in {folder}.") from stopped
        if stopped is not None:
            raise VideoStopped(folder, len(writer)) from stopped

    def _follow(self, video: Video, segmenter: "Segmenter", writer: VideoWriter) -> None:
        """Segment the frames of a video, and write each."""
        from napari_car.video import VideoState

        state = VideoState()
        n_frames = None if video.n_frames is None else self.chosen.count(video.n_frames)
        with Display(n_frames) as display:
            for frame in video.frames(self.chosen):
                name = f"{video.path.name}, frame {frame.index}"
                run = segmenter.run(frame.rgb, self.queries, self.config, state)
                segmentation = display.follow(run, name, len(self.queries))
                with _unbroken():
                    writer.append(frame, segmentation)
                display.say(f"{name}: {describe_result(segmentation)}")
                display.advance()
        if not len(writer):
            raise OutputError(f"{video.path} has no frame between --start and --end: nothing was segmented.")


class VideoStopped(KeyboardInterrupt):
    """The user stopped a video of which some frames are done."""

    def __init__(self, folder: Path, n_frames: int) -> None:
        super().__init__(f"Stopped. The {_counted(n_frames)} that are done are in {folder}.")


@contextmanager
def _unbroken() -> Iterator[None]:
    """Let Ctrl-C wait until a frame is written: half a page would spoil the pages before it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


def _counted(n_frames: int) -> str:
    """Say how many frames."""
    return f"{n_frames} frame{'s' if n_frames > 1 else ''}"
