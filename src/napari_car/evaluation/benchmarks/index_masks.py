"""Published semantic benchmarks: pairs of images and index masks in two folders."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_car.errors import DocumentError

from .class_data import ClassSet, load_class_data
from .publication import Publication
from .semantic import SemanticBenchmark, SemanticSample


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFolders:
    """Where images and masks of a split are."""

    images: Path
    image_ending: str
    masks: Path
    mask_ending: str
    stored_as: str
    """How the masks are stored, for a sentence."""


def open_pairs(
    name: str,
    publication: Publication,
    split: str,
    folders: MaskFolders,
    class_set: ClassSet,
    *,
    has_background: bool,
    keys: Iterable[str] | None = None,
) -> SemanticBenchmark:
    """Return a benchmark of images and masks that have the same names up to their endings.

    Parameters
    ----------
    name : str
        Of the benchmark.
    publication : Publication
    split : str
    folders : MaskFolders
    class_set : str
    has_background : bool
        Whether background is scored.
    keys : iterable of str, optional
        Names without ending, from a list of the data set. None: all images of the folder.

    Raises
    ------
    DocumentError
        If a folder or a file is missing.
    """
    data = load_class_data(class_set)
    code = data.truth_code(folders.stored_as, has_background=has_background)
    if keys is None:
        names = publication.list_files(folders.images)
        keys = [file.removesuffix(folders.image_ending) for file in names if file.endswith(folders.image_ending)]
        if not keys:
            raise DocumentError(f"{folders.images} holds no {folders.image_ending} file: {publication.layout}.")
    else:
        keys = list(keys)
        publication.check_listed(folders.images, (key + folders.image_ending for key in keys))
    publication.check_listed(folders.masks, (key + folders.mask_ending for key in keys))
    samples = tuple(
        SemanticSample(
            key=key,
            image=folders.images / (key + folders.image_ending),
            truth=folders.masks / (key + folders.mask_ending),
            code=code,
        )
        for key in keys
    )
    return SemanticBenchmark(
        name=name,
        title=publication.title,
        site=publication.site,
        split=split,
        classes=data.classes,
        stuff_order=data.stuff_order,
        has_background=has_background,
        samples=samples,
    )
