"""The images of a project as a data set."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from napari_car.annotation.project import Project, ProjectImage
from napari_car.errors import CaRError, DocumentError
from napari_car.io.slugs import unique_slugs

from .document_labels import DocumentLabels, merge_layers
from .labelled_image import LabelledImage, Split
from .split import Fractions, split_images


class ProjectImages(Mapping[str, LabelledImage]):
    """Labelled images of a project, by name; each is read from its document when it is asked for.

    Each plane of a stack is an image, whose name carries its index: ``brain_p0007``. All are for the same part of the
    data set.

    Parameters
    ----------
    project : Project
    only_checked : bool
        Leave out images of which a person has not marked all classes that are there, or were looked for, as checked.
    with_empty : bool
        Take images without any label, too: they show trainers what is no object.
    fractions : Fractions, optional
        Shares of training, validation and test; all is for training by default.
    seed : int
        Of the division.

    Raises
    ------
    ImageError
        If the project has no images.
    """

    def __init__(
        self,
        project: Project,
        *,
        only_checked: bool = False,
        with_empty: bool = True,
        fractions: Fractions | None = None,
        seed: int = 0,
    ) -> None:
        self._ontology = project.ontology
        self._project = project
        images = project.images()
        names = unique_slugs(
            [PurePosixPath(image.key).with_suffix("").as_posix().replace("/", " ") for image in images]
        )
        self._planes: dict[str, tuple[ProjectImage, _Plane]] = {}
        self._last: tuple[ProjectImage, tuple[int, ...], DocumentLabels] | None = None
        self.unlabelled: list[str] = []
        """Images that have no labels yet."""
        self.unchecked: list[str] = []
        """Images, and planes of stacks, that were left out since a person has not checked them."""
        self.empty: list[str] = []
        """Images, and planes of stacks, that were left out since nothing is labelled in them."""
        self.failed: list[tuple[str, CaRError]] = []
        """Images whose labels cannot be used, and why."""
        classes: dict[str, list[int]] = {}
        stacks: dict[str, str] = {}
        for name, image in zip(names, images, strict=True):
            for plane in self._look_at(image):
                full_name, key = plane.name_in(name, names), f"{image.key}{plane.title}"
                if only_checked and not plane.is_checked:
                    self.unchecked.append(key)
                elif not plane.class_ids and not with_empty:
                    self.empty.append(key)
                else:
                    self._planes[full_name] = image, plane
                    classes[full_name] = plane.class_ids
                    stacks[full_name] = name
        self._splits: dict[str, Split] = dict.fromkeys(classes, "train")
        if fractions is not None:
            self._splits = split_images(classes, fractions, seed, stacks)

    def __getitem__(self, name: str) -> LabelledImage:
        """Return an image with its labels as they are now; DocumentError if they cannot be read any more."""
        image, plane = self._planes[name]
        labels = self._read(image)
        if labels is None:
            raise DocumentError(f"The labels of {image.key} are gone.")
        return replace(labels.plane(name, image, plane.index), split=self._splits[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._planes)

    def __len__(self) -> int:
        return len(self._planes)

    def _look_at(self, image: ProjectImage) -> list["_Plane"]:
        """Return the planes of an image, or note why there are none."""
        try:
            labels = self._read(image)
            if labels is not None:
                labels.check_stack()
                return [
                    _Plane(index, plane.is_checked, [id_ for id_ in np.unique(plane.semantic).tolist() if id_])
                    for index in np.ndindex(labels.labels.shape[:-2])
                    if (plane := labels.plane(image.key, image, index))
                ]
            self.unlabelled.append(image.key)
        except CaRError as error:
            self.failed.append((image.key, error))
        return []

    def _read(self, image: ProjectImage) -> DocumentLabels | None:
        """Return the labels of an image, those of the last one from memory if they are the same; None without any."""
        seen: tuple[int, ...] = ()
        with suppress(OSError):  # reading tells why
            status = image.document.stat()
            seen = status.st_ino, status.st_mtime_ns, status.st_size
        if self._last is None or not seen or self._last[:2] != (image, seen):
            document, _ = self._project.load(image)
            if document is None:
                return None
            self._last = image, seen, merge_layers(image, document, self._ontology)
        return self._last[2]


@dataclass(frozen=True, slots=True)
class _Plane:
    """A plane of an image, of which it is the only one if its index is empty."""

    index: tuple[int, ...]
    is_checked: bool
    class_ids: list[int]

    @property
    def title(self) -> str:
        """What is added to the name of the image where people read it."""
        return f", plane {', '.join(map(str, self.index))}" if self.index else ""

    def name_in(self, name: str, names: Collection[str]) -> str:
        """Return the name of the plane of an image, other than those of all images."""
        if not self.index:
            return name
        ending = "".join(f"_p{place:04d}" for place in self.index)
        while f"{name}{ending}" in names:
            name += "_"
        return f"{name}{ending}"
