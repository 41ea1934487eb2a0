"""Find an image in a data set by its name."""

import threading
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from napari_car.io.slugs import slug

from .image_choice import ImageChoice

_SAME, _SIMILAR = 0, 1


class ReadingStopped(Exception):  # noqa: N818  # it is no error: a person wanted it
    """Reading was stopped on purpose."""


class OneImage(ImageChoice):
    """The image that is called as another program calls it.

    Names are the same if they are equal, or that of the file is, without folders and ending. They are similar if they
    differ only in case, in blanks, and in signs that are left out of names of files.

    Parameters
    ----------
    names : iterable of str
        What it may be called, without ending.
    number : int or None
        Its place among all images, if a person has chosen it; names do not count then.
    is_stopped : threading.Event
        Looked at before each image and piece of a file.
    """

    def __init__(self, names: Iterable[str], number: int | None, is_stopped: threading.Event) -> None:
        self._exact = frozenset(names)
        self._slugs = {slug(name) for name in self._exact}
        self._number, self._is_stopped = number, is_stopped
        self.names: list[str] = []
        """All images of the data set that were asked about."""
        self.fraction = 0.0
        """How much of the file that is read now, where it is a large one; any thread may ask."""
        self._ranks: list[tuple[int, int]] = []

    @property
    def taken(self) -> tuple[int, ...]:
        """Places of the images that were read, in order; those of similar names are before it is known of a better."""
        return tuple(number for _, number in self._ranks)

    @property
    def matches(self) -> tuple[int, ...]:
        """Places of the images that are called so: those of the same name or, if there are none, of similar names."""
        best = min((rank for rank, _ in self._ranks), default=_SAME)
        return tuple(number for rank, number in self._ranks if rank == best)

    def takes(self, name: str, file: str = "") -> bool:
        """Tell whether an image is called so; ReadingStopped if nobody wants to know any more."""
        self._check()
        number = len(self.names)
        self.names.append(name)
        rank = self._rank(name, file) if self._number is None else _SAME if number == self._number else None
        if rank is not None:
            self._ranks.append((rank, number))
        return rank is not None

    def note(self, fraction: float) -> None:
        """Keep how far it is; ReadingStopped if nobody wants to know any more."""
        self._check()
        self.fraction = fraction

    def _check(self) -> None:
        """Raise ReadingStopped if it was."""
        if self._is_stopped.is_set():
            raise ReadingStopped

    def _rank(self, name: str, file: str) -> int | None:
        """Tell how much a name is like the one that is looked for; None: not at all."""
        found = {name, PurePosixPath(name).name, *([PurePosixPath(file).stem] if file else ())}
        if not self._exact.isdisjoint(found):
            return _SAME
        return _SIMILAR if not self._slugs.isdisjoint(map(slug, found)) else None


def names_of(title: str, path: str | None) -> frozenset[str]:
    """Return what an open image may be called in a data set.

    Parameters
    ----------
    title : str
        Of the layer.
    path : str or None
        Its file or folder, if it has one.
    """
    names = {title, Path(title).stem}
    if path:
        parts = Path(path).parts
        names |= {Path(path).stem, *(part.removesuffix(".zarr") for part in parts if part.endswith(".zarr"))}
    return frozenset(filter(None, names))
