"""Write a data set, read it back, and report every pixel that differs."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int32

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import OutputError
from napari_car.io.outputs import explained

from .format import Exporter, Format, ReadImage
from .labelled_image import LabelledImage


@dataclass(frozen=True, slots=True)
class Loss:
    """Pixels of a class in an image that are not what they were when they are read back.

    Parameters
    ----------
    image : str
        Name of the image.
    class_id : int
        Class that they had; 0: background.
    n_px : int
        Pixels whose class is another one, or that belong to an object of another shape.
    """

    image: str
    class_id: int
    n_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written, and what was lost by it."""

    files: tuple[Path, ...] = ()
    """All files of the data set."""
    n_images: int = 0
    n_objects: int = 0
    losses: tuple[Loss, ...] = ()
    """Empty: what was read back is to the pixel what was written."""
    is_compared: bool = True
    """False: the format holds no masks that could be read back."""

    @property
    def is_lossless(self) -> bool:
        """Whether nothing was lost."""
        return self.is_compared and not self.losses

    def lost_px(self) -> dict[int, int]:
        """Return the pixels that were lost, by class."""
        lost: Counter[int] = Counter()
        for loss in self.losses:
            lost[loss.class_id] += loss.n_px
        return dict(sorted(lost.items()))

    def describe_loss(self, class_names: Mapping[int, str]) -> str:
        """Say what is not as it was when it is read back, by class."""
        if not self.is_compared:
            return "It holds no masks, so nothing was read back."
        if self.is_lossless:
            return "Read back: every pixel is as it was."
        names = {0: "background", **class_names}
        lost = ", ".join(f"{names.get(id_, id_)} {n:,} px" for id_, n in self.lost_px().items())
        return f"Read back, these pixels differ: {lost}."


def export(images: Mapping[str, LabelledImage], ontology: QuerySheet, fmt: Exporter, folder: Path) -> ExportReport:
    """Write a data set into a new folder, read it back, and compare.

    Parameters
    ----------
    images : mapping of str to LabelledImage
        By name. Each is asked for twice, and may be loaded then, so that a data set need not fit into memory.
    ontology : QuerySheet
        Names and ids of the classes.
    fmt : Exporter
        One that is no :class:`Format` cannot be read back, and so is not compared.
    folder : Path
        Must not exist yet, or be empty. Nothing stays in it if the data set cannot be written.

    Raises
    ------
    OutputError
        If the folder is not empty, two names differ only in case, or the data set cannot be written.
    """
    _check_names(images)
    with explained(folder):
        was_there = folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty: choose a new folder for the data set.")
    try:
        counted = _Counted(images)
        files = fmt.write(counted, ontology, folder)
        losses = tuple(_find_losses(images, fmt, folder, ontology)) if isinstance(fmt, Format) else None
    except BaseException:
        _empty(folder, keep=was_there)
        raise
    return ExportReport(
        files=files,
        n_images=len(images),
        n_objects=counted.n_objects,
        losses=losses or (),
        is_compared=losses is not None,
    )


def compare(written: LabelledImage, found: ReadImage) -> tuple[Loss, ...]:
    """Return what differs between an image as it was written and as it is read back, by class.

    A pixel is lost if its class is another one. Where objects are told apart, so is each pixel of an instance that does
    not come back as one object of its own, the largest piece of it excepted.
    """
    before = written.semantic
    if found.classes.shape != before.shape:
        return _all_of(written)
    differs = found.classes != before
    if found.objects is not None:
        differs |= _moved(written.labels, found.objects) & (written.labels >= FIRST_ID)
    counts = np.bincount(before[differs], minlength=1)
    return tuple(Loss(written.name, int(id_), int(n)) for id_, n in enumerate(counts) if n)


def _moved(labels: Int32[np.ndarray, "H W"], objects: Int32[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Return which pixels are not of the object that most of their label is, or share theirs with another label."""
    # One number for each pair: numbers are sorted many times faster than pairs.
    n_objects = int(objects.max(initial=0)) + 1
    codes, inverse, counts = np.unique(
        labels.ravel().astype(np.int64) * n_objects + objects.ravel(), return_inverse=True, return_counts=True
    )
    pairs = np.stack(np.divmod(codes, n_objects))
    best_of_label: dict[int, int] = {}
    best_of_object: dict[int, int] = {}
    for index in np.argsort(-counts, kind="stable").tolist():
        best_of_label.setdefault(int(pairs[0, index]), index)
        best_of_object.setdefault(int(pairs[1, index]), index)
    is_match = [
        best_of_label[int(label)] == index == best_of_object[int(number)]
        for index, (label, number) in enumerate(pairs.T)
    ]
    return np.asarray(~np.array(is_match, dtype=bool)[inverse.ravel()].reshape(labels.shape))


def _all_of(image: LabelledImage) -> tuple[Loss, ...]:
    """Return the loss of a whole image."""
    counts = np.bincount(image.semantic.ravel())
    return tuple(Loss(image.name, int(id_), int(n)) for id_, n in enumerate(counts) if n)


class _Counted:
    """Images one after another, and how many objects they held."""

    def __init__(self, images: Mapping[str, LabelledImage]) -> None:
        self._images = images
        self.n_objects = 0

    def __iter__(self) -> Iterator[LabelledImage]:
        for name in self._images:
            image = self._images[name]
            self.n_objects += image.n_objects
            yield image


def _find_losses(
    images: Mapping[str, LabelledImage], fmt: Format, folder: Path, ontology: QuerySheet
) -> Iterator[Loss]:
    """Read a data set back, and yield what differs."""
    missing = set(images)
    for found in fmt.read(folder, ontology):
        if found.name not in missing:
            raise OutputError(f"{fmt.title} gave back {found.name}, which was not written, or twice.")
        missing.remove(found.name)
        yield from compare(images[found.name], found)
    for name in sorted(missing):
        yield from _all_of(images[name])


def _check_names(names: Iterable[str]) -> None:
    """Refuse names that some file systems take for the same."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            raise OutputError(f"The images {other} and {name} differ only in case: give one of them another name.")


def _empty(folder: Path, *, keep: bool) -> None:
    """Remove what was written before it failed."""
    with suppress(OSError):
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not keep:
            folder.rmdir()
