"""DAVIS as images: each frame by itself, with what its video is of as the class of all its objects."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from napari_car.errors import ConfigError, DocumentError
from napari_car.queries import parse_query

from .davis import Year, open_davis
from .semantic import BenchmarkClass, SemanticBenchmark, SemanticSample
from .truth import BACKGROUND, IGNORED, TruthCode
from .video import VideoSample

SPLITS = ("val", "train", "all")
"""Lists of ``ImageSets``; ``all`` is what lies in the folder, which then needs no list."""


def open_davis_frames(
    root: Path, *, split: str = "val", year: Year = "2016", names: Path | None = None, every: int = 1
) -> SemanticBenchmark:
    """Open the frames of DAVIS.

    Background is scored. What the objects of a video are is not part of DAVIS: it is read off the name of the
    sequence, without digits and with blanks for hyphens ("car-shadow" is asked for as "car shadow"), unless a file
    says better.

    Parameters
    ----------
    root : Path
        The folder ``DAVIS``; see :func:`~.davis.open_davis`.
    split : str
        One of :data:`SPLITS`.
    year : {"2016", "2017"}
        Whose masks they are; in 2017's, too, all objects of a video are of one class.
    names : Path, optional
        TOML with what to ask for by sequence, such as ``car-shadow = "car | automobile"``. Sequences that have the
        same name are one class.
    every : int
        Only the first of so many frames of each video, which hardly differ.

    Raises
    ------
    ConfigError
        If ``every`` is less than 1.
    DocumentError
        If files are missing, or the file of names is none.
    """
    if every < 1:
        raise ConfigError(f"every is {every}, but must be at least 1: every=10 takes each tenth frame.")
    given = {} if names is None else _read_names(names)
    sequences = _list_sequences(root) if split == "all" else None
    videos = open_davis(root, year=year, split=split, sequences=sequences)
    asked = {video.key: parse_query(given.get(video.key) or name_objects(video.key)) for video in videos.samples}
    ids = {key: number for number, key in enumerate(sorted({query.key for query in asked.values()}), start=1)}
    by_id = {ids[query.key]: query for query in asked.values()}
    return SemanticBenchmark(
        name="davis-frames",
        title=videos.title,
        site=videos.site,
        split=split,
        classes=tuple(BenchmarkClass(id=id_, name=by_id[id_].text, query=by_id[id_]) for id_ in sorted(by_id)),
        stuff_order=tuple(id_ for id_ in sorted(by_id) if by_id[id_].group == "stuff"),
        has_background=True,
        samples=tuple(
            sample for video in videos.samples for sample in _frames(video, ids[asked[video.key].key])[::every]
        ),
    )


def name_objects(sequence: str) -> str:
    """Return the name of a sequence as words; the name itself where no word is left."""
    return " ".join(re.sub(r"[\d_-]+", " ", sequence).split()) or sequence


def _frames(video: VideoSample, class_id: int) -> tuple[SemanticSample, ...]:
    """Return the frames of a video as images in which all objects are of one class."""
    labels = {value: class_id if id_ > 0 else id_ for value, id_ in video.code.labels.items()}
    assert {BACKGROUND, class_id} <= set(labels.values()) <= {BACKGROUND, IGNORED, class_id}
    code = TruthCode(labels=labels, stored_as=video.code.stored_as, unlisted=video.code.unlisted)
    return tuple(
        SemanticSample(key=f"{video.key}-{frame.stem}", image=frame, truth=truth, code=code)
        for frame, truth in zip(video.frames, video.truths, strict=True)
    )


def _list_sequences(root: Path) -> list[str]:
    """Return the folders of frames."""
    folder = root / "JPEGImages" / "480p"
    try:
        found = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DocumentError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    if not found:
        raise DocumentError(f"{folder} holds no folder of frames.")
    return found


def _read_names(path: Path) -> Mapping[str, str]:
    """Read what to ask for by sequence."""
    try:
        names = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"The file of names {path} cannot be read: {reason.rstrip('.')}.") from error
    for sequence, text in names.items():
        if not isinstance(text, str) or not parse_query(text).text:
            raise DocumentError(f'{path}: write each name as a text, such as {sequence} = "car".')
    return names
