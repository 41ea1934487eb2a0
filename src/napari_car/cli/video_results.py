"""The files of one video's result, written frame by frame."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_car.io.colours import query_colours
from napari_car.io.outputs import write_json, write_label_map, write_picture
from napari_car.io.overlay import paint_labels
from napari_car.io.video import SourceFrame
from napari_car.io.video_writing import LabelStack, VideoFile
from napari_car.segmentation import Segmentation

from .folders import SUMMARY, whole_folder
from .record import read_summary
from .results import draw_result

LabelFormat = Literal["tiff", "png"]
OverlayFormat = Literal["none", "png", "mp4"]

STACK, OVERLAY_VIDEO = "labels.tif", "overlay.mp4"
LABEL_FOLDER, OVERLAY_FOLDER = "labels", "overlay"


class VideoWriter:
    """Writes label maps and overlays of frames as they come, and the summary at the end.

    Parameters
    ----------
    folder : Path
    labels : {"tiff", "png"}
        One file with a page for each frame, or one file for each frame.
    overlay : {"none", "png", "mp4"}
    rate_hz : float
        Frames per second of an overlay video.
    caption : str
        Text under the legends of overlays.
    """

    def __init__(
        self, folder: Path, labels: LabelFormat, overlay: OverlayFormat, rate_hz: float, caption: str = ""
    ) -> None:
        self._folder, self._labels, self._overlay, self._caption = folder, labels, overlay, caption
        self._frames: list[dict[str, Any]] = []
        self._files: list[str] = []
        self._last: Segmentation | None = None
        self._open = ExitStack()
        folder.mkdir(parents=True)
        if labels == "tiff":
            self._stack = self._open.enter_context(LabelStack(folder / STACK))
            self._files.append(STACK)
        if overlay == "mp4":
            self._video = self._open.enter_context(VideoFile(folder / OVERLAY_VIDEO, rate_hz))
            self._files.append(OVERLAY_VIDEO)

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frame: SourceFrame, segmentation: Segmentation) -> None:
        """Write a frame.

        Raises
        ------
        OutputError
            If a file cannot be written.
        """
        name, labels = f"{frame.index:05d}.png", segmentation.label_map
        if self._labels == "tiff":
            self._stack.append(labels)
        else:
            write_label_map(self._folder / LABEL_FOLDER / name, labels)
            self._files.append(f"{LABEL_FOLDER}/{name}")
        if self._overlay == "png":
            write_picture(self._folder / OVERLAY_FOLDER / name, draw_result(segmentation, self._caption))
            self._files.append(f"{OVERLAY_FOLDER}/{name}")
        elif self._overlay == "mp4":
            self._video.append(_painted(segmentation))
        self._last = segmentation
        self._frames.append(_describe_frame(frame, segmentation, labels))

    def finish(self, request: Mapping[str, Any], stopped: str) -> None:
        """End the files and write the summary.

        Parameters
        ----------
        request : mapping
            What was asked for.
        stopped : str
            Why there are no further frames; empty if all are done.
        """
        self._open.close()
        if self._last is None:
            return
        last = self._last.to_dict()
        summary = {
            "queries": [{key: query[key] for key in ("text", "synonyms", "group", "id")} for query in last["queries"]],
            "frames": self._frames,
            "is_whole": not stopped,
            "stopped": stopped,
            "config": last["config"],
            "provenance": last["provenance"],
            "files": self._files,
            "request": dict(request),
        }
        write_json(self._folder / SUMMARY, summary)

    def abandon(self) -> None:
        """Let go of the files."""
        self._open.close()


@contextmanager
def writing(
    folder: Path, labels: LabelFormat, overlay: OverlayFormat, rate_hz: float, caption: str = ""
) -> Iterator[VideoWriter]:
    """Open the files of a video's result; they get their place when all is written, and replace an earlier result.

    Arguments are those of :class:`VideoWriter`.
    """
    earlier = read_summary(folder)
    ours = {folder / name for name in [SUMMARY, *(earlier["files"] if earlier else [])]}
    with whole_folder(folder, ours.__contains__) as part:
        writer = VideoWriter(part, labels, overlay, rate_hz, caption)
        try:
            yield writer
        finally:
            writer.abandon()


def _describe_frame(frame: SourceFrame, segmentation: Segmentation, labels: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return what the summary says of a frame."""
    areas = np.bincount(labels.ravel(), minlength=1 + max(query.id for query in segmentation.queries))
    return {
        "index": frame.index,
        "name": frame.name,
        "time_s": frame.time_s,
        "seconds": sum(segmentation.provenance.seconds.values()),
        "notes": [*frame.notes, *segmentation.provenance.notes],
        "queries": [
            {
                "id": query.id,
                "verdict": query.verdict,
                "has_mask": query.has_mask,
                "score": query.score,
                "frames_ago": query.frames_ago,
                "area_px": int(areas[query.id]),
            }
            for query in segmentation.queries
        ],
    }


def _painted(segmentation: Segmentation) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw masks over their frame, without a legend, so that all pictures are of one size."""
    image = segmentation.image
    working = segmentation.sized((image.shape[0], image.shape[1]))
    colours = dict(enumerate(query_colours(len(segmentation.queries)), start=1))
    return paint_labels(image, working.label_map, colours, side_px=max(image.shape[:2]))
