"""DAVIS: videos with a mask for each frame, of one object (2016) or of several (2017)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from napari_car.errors import DocumentError

from .publication import Publication
from .truth import BACKGROUND, IGNORED, TruthCode
from .video import VideoBenchmark, VideoSample

Year = Literal["2016", "2017"]

_VOID = 255
_CODES: Mapping[str, TruthCode] = MappingProxyType(
    {
        "2016": TruthCode(
            labels={0: BACKGROUND, 1: 1, 255: 1},
            stored_as="a PNG in which the object is 255, as published for DAVIS 2016",
        ),
        "2017": TruthCode(
            labels={0: BACKGROUND, **{id_: id_ for id_ in range(1, _VOID)}, _VOID: IGNORED},
            stored_as="a palette PNG whose indices are the objects as published, not converted to RGB",
        ),
    }
)


def open_davis(
    root: Path,
    *,
    year: Year = "2017",
    split: str = "val",
    sequences: Sequence[str] | None = None,
    annotations: str = "Annotations",
    publication: Publication | None = None,
) -> VideoBenchmark:
    """Open DAVIS without expressions.

    Parameters
    ----------
    root : Path
        The folder ``DAVIS``: it holds ``JPEGImages``, ``Annotations`` and ``ImageSets``.
    year : {"2016", "2017"}
        In 2016, all objects of a video are one.
    split : str
        A list of ``ImageSets/{year}``.
    sequences : sequence of str, optional
        Names of videos. None: those of the list.
    annotations : str
        Folder of the masks. ``Annotations_unsupervised`` holds those of the DAVIS challenge without a first mask.
    publication : Publication, optional
        What is said of files that are missing.

    Raises
    ------
    DocumentError
        If a folder, the list, a video that it names, or a mask of a frame is missing.
    """
    publication = publication or Publication(
        title=f"DAVIS {year}",
        holds=f"JPEGImages/480p, {annotations}/480p and ImageSets/{year}",
        site="davischallenge.org",
    )
    if sequences is None:
        sequences = publication.read_names(root / "ImageSets" / year / f"{split}.txt")
    samples = (_read_sequence(root, name, annotations, publication, _CODES[year]) for name in sequences)
    return VideoBenchmark(
        name=f"davis-{year}", title=publication.title, site=publication.site, split=split, samples=tuple(samples)
    )


def _read_sequence(root: Path, name: str, annotations: str, publication: Publication, code: TruthCode) -> VideoSample:
    """Return a video by the names of its files."""
    folder, masks = root / "JPEGImages" / "480p" / name, root / annotations / "480p" / name
    stems = [file.removesuffix(".jpg") for file in publication.list_files(folder) if file.endswith(".jpg")]
    if not stems:
        raise DocumentError(f"{folder} holds no .jpg file: {publication.layout}.")
    publication.check_listed(masks, [f"{stem}.png" for stem in stems])
    return VideoSample(
        key=name,
        frames=tuple(folder / f"{stem}.jpg" for stem in stems),
        truths=tuple(masks / f"{stem}.png" for stem in stems),
        code=code,
    )
