"""What ``napari-car rerun`` works on: label documents, their images, and the networks of their runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from napari_car.annotation.document import SUFFIX, Document
from napari_car.annotation.project import LABELS_FOLDER, PROJECT_FILE, Project
from napari_car.annotation.recorded_run import RecordedRun
from napari_car.checkpoints.folder import models_folder
from napari_car.errors import CheckpointError, DocumentError
from napari_car.io.find import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from napari_car.results import CheckpointIdentity
    from napari_car.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class Source:
    """A document to be repeated.

    Parameters
    ----------
    key : str
        How it is called.
    document : Path
    image : Path or None
        None: to be looked for beside the document.
    """

    key: str
    document: Path
    image: Path | None


class RecordedNetworks:
    """Loads the networks of recorded runs; the last ones stay.

    Parameters
    ----------
    replacements : mapping of str to str
        What a checkpoint is called here that has another name in the record.
    models_folder : Path or None
    device, precision : str
    """

    def __init__(
        self, replacements: Mapping[str, str], *, models_folder: Path | None, device: str, precision: str
    ) -> None:
        self._replacements, self._folder = dict(replacements), models_folder
        self._device, self._precision = device, precision
        self._loaded: tuple[tuple[str, str, str | None], Segmenter] | None = None

    def find(self, run: RecordedRun) -> "Segmenter":
        """Return the segmenter of a run.

        Raises
        ------
        CheckpointError
            If a checkpoint is not to be had, or is another one than then.
        ConfigError
            If the device is not to be had.
        """
        from napari_car.segmenter import Segmenter

        f, g, sam = (None if network is None else self._name(network) for network in (run.f, run.g, run.sam))
        assert f is not None
        assert g is not None
        if self._loaded is None or self._loaded[0] != (f, g, sam):
            self._loaded = None  # both may not fit into memory
            folder = models_folder(self._folder)
            segmenter = Segmenter(f, g, sam=sam, models_folder=folder, device=self._device, precision=self._precision)
            self._loaded = (f, g, sam), segmenter
        segmenter = self._loaded[1]
        present = (segmenter.f.identity, segmenter.g.identity, segmenter.sam.identity if segmenter.sam else None)
        for then, now in zip((run.f, run.g, run.sam), present, strict=True):
            if then is not None and now is not None and then.sha256 != now.sha256:
                raise CheckpointError(
                    f"the checkpoint {now.name} is not the one of the run: its SHA-256 is {now.sha256[:12]}…, and was "
                    f"{then.sha256[:12]}…"
                )
        return segmenter

    def _name(self, network: "CheckpointIdentity") -> str:
        """Return what a checkpoint is called here."""
        return self._replacements.get(network.name, network.name)


def find_sources(labels: Sequence[Path], image: Path | None) -> list[Source]:
    """Return the documents that projects and files name.

    Raises
    ------
    DocumentError
        If one is neither, or a project cannot be opened or has no labels.
    click.UsageError
        If an image is named for more than one document.
    """
    sources: list[Source] = []
    for path in labels:
        if path.is_dir():
            project = Project.open(path)
            found = [Source(item.key, item.document, item.path) for item in project.images() if item.document.exists()]
            if not found:
                raise DocumentError(f"No image of {path} has labels yet: napari-car batch makes them.")
            sources += found
        else:
            sources.append(_in_project(path) or Source(str(path), path, None))
    if image is None:
        return sources
    if len(sources) != 1:
        raise click.UsageError("--image names the image of one document: name only one.")
    return [Source(sources[0].key, sources[0].document, image)]


def find_image(path: Path, document: Document) -> Path:
    """Return the image beside a document: the one by whose name the program knew it."""
    names = {str(layer.provenance.get("image", "")) for layer in document.layers} - {""}
    beside = [other for other in sorted(path.parent.iterdir()) if other.suffix.lower() in IMAGE_SUFFIXES]
    found = [other for other in beside if {other.stem, other.name} & names]
    if len(found) == 1:
        return found[0]
    what = f'image "{min(names)}"' if names else "image"
    how_many = "is not" if not found else f"is {len(found)} times"
    raise DocumentError(f"its {what} {how_many} beside it: name it by --image")


def _in_project(path: Path) -> Source | None:
    """Return a document as that of a project, if it is one's."""
    whole = path.resolve()
    for folder in whole.parents:
        if folder.name == LABELS_FOLDER and (folder.parent / PROJECT_FILE).is_file():
            key = whole.relative_to(folder).as_posix().removesuffix(SUFFIX)
            return Source(str(path), path, Project.open(folder.parent).image(key).path)
    return None
