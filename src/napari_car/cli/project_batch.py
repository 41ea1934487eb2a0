"""Segment the images of a project: skip what is done or corrected, go on after a bad one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from napari_car.annotation.ontology_file import read_ontology
from napari_car.annotation.project import PROJECT_FILE, Project, ProjectImage, Stamp
from napari_car.annotation.sheet import QuerySheet
from napari_car.config import CaRConfig
from napari_car.errors import (
    ONE_IMAGE_ERRORS,
    CaRError,
    ConfigError,
    DocumentError,
    OutputError,
    QueryError,
    ResourceError,
)

from .checkpoints import Networks

if TYPE_CHECKING:
    from napari_car.annotation.label_image import Recipe

    from .cluster import Workers
    from .display import Display
    from .label_image import ImageLabels

Pending = list[tuple[ProjectImage, Stamp | None]]
"""Images to be segmented, each with the labels that may be replaced."""

Overwrite = Literal["nothing", "automatic", "all"]
"""Which labels that are there are replaced: none, those that nobody has touched, or all."""


@dataclass(slots=True)
class ProjectOutcome:
    """What became of the images of a project."""

    segmented: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    """Skipped, since they have labels."""
    corrected: list[str] = field(default_factory=list)
    """Skipped, since a person has worked on their labels."""
    failed: list[tuple[str, CaRError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectBatch:
    """A run over a project.

    Parameters
    ----------
    project : Project
    sheet : QuerySheet
        Its ontology.
    networks : Networks
    config : CaRConfig
    preset : str
    overwrite : {"nothing", "automatic", "all"}
    workers : Workers, optional
        By default this process segments the images.
    """

    project: Project
    sheet: QuerySheet
    networks: Networks
    config: CaRConfig
    preset: str
    overwrite: Overwrite = "nothing"
    workers: "Workers | None" = None

    def run(self) -> ProjectOutcome:
        """Segment what is to be segmented; what concerns a single image is collected, all else ends the batch.

        Raises
        ------
        QueryError
            If the ontology has no query that is switched on.
        ImageError
            If the project has no images.
        CheckpointError, ConfigError
            If the networks are not to be had.
        ClusterError
            If workers are to do it that cannot be reached.
        """
        from .display import Display  # array and image libraries take longer to load than the help takes to print

        if not self.sheet.queries:
            raise QueryError("The ontology holds nothing to look for: add a class, or switch one on.")
        if self.config.mode == "referring":
            raise ConfigError("A batch segments classes: referring expressions are for napari-car segment --refer.")
        if self.workers is None or self.workers.are_local:
            self.networks.check_on_disk()
        outcome = ProjectOutcome()
        pending = list(self._find_pending(outcome))
        if pending:
            with Display(len(pending)) as display:
                if self.workers is None:
                    self._segment_here(pending, display, outcome)
                else:
                    self._segment_there(self.workers, pending, display, outcome)
        return outcome

    def _find_pending(self, outcome: ProjectOutcome) -> Iterator[tuple[ProjectImage, Stamp | None]]:
        """Yield the images to be segmented, each with the labels that may be replaced, and note why others are not."""
        for image in self.project.images():
            if self.overwrite == "all":
                yield image, None
            elif not image.document.exists():
                yield image, Stamp()
            elif self.overwrite == "nothing":
                outcome.done.append(image.key)
            else:
                try:
                    document, seen = self.project.load(image)
                except (DocumentError, ResourceError) as error:
                    outcome.failed.append((image.key, error))
                    continue
                if document is not None and document.is_corrected:
                    outcome.corrected.append(image.key)
                else:
                    yield image, seen

    def _segment_here(self, pending: Pending, display: "Display", outcome: ProjectOutcome) -> None:
        """Segment images one by one, in this process."""
        from .label_image import label_and_describe

        segmenter = self.networks.load()
        for image, seen in pending:
            with _collecting(image, display, outcome):
                run = label_and_describe(image, segmenter, self._recipe)
                self._save(image, display.follow(run, image.key, len(self.sheet.queries)), seen, display)

    def _segment_there(self, workers: "Workers", pending: Pending, display: "Display", outcome: ProjectOutcome) -> None:
        """Let workers segment images, and save what they send."""
        from .label_image import LabelWork

        seen = {image.key: stamp for image, stamp in pending}
        pieces = [
            (image, LabelWork(image=replace(image, path=image.path.absolute()), recipe=self._recipe))
            for image, _ in pending
        ]
        display.describe("starting the workers" if workers.are_local else "looking for workers")
        with workers.at_work(self.networks) as cluster:
            for answer in cluster.share(pieces, display):
                with _collecting(answer.key, display, outcome):
                    self._save(answer.key, answer.result(), seen[answer.key.key], display)

    @property
    def _recipe(self) -> "Recipe":
        """What the images have in common."""
        from napari_car.annotation.label_image import Recipe

        return Recipe(sheet=self.sheet, config=self.config, preset=self.preset)

    def _save(self, image: ProjectImage, labelled: "ImageLabels", seen: Stamp | None, display: "Display") -> None:
        """Save labels, unless somebody has saved others meanwhile."""
        self.project.save(image, labelled.document, seen)
        display.say(f"{image.key}: {labelled.line}")


@contextmanager
def _collecting(image: ProjectImage, display: "Display", outcome: ProjectOutcome) -> Iterator[None]:
    """Note whether an image was segmented or failed; other errors end the batch."""
    try:
        yield
        outcome.segmented.append(image.key)
    except ONE_IMAGE_ERRORS as error:
        outcome.failed.append((image.key, error))
    display.advance()


def open_project(project_folder: Path, folder: Path | None, ontology: Path | None) -> tuple[Project, QuerySheet]:
    """Return a project and its ontology.

    Parameters
    ----------
    project_folder : Path
        It is made if there is none.
    folder : Path, optional
        Of the images; needed for a new one.
    ontology : Path, optional
        File of the ontology; needed for a new one.

    Raises
    ------
    click.UsageError
        If a new one is to be made of nothing.
    OutputError
        If the project is one of other images, or of other classes.
    """
    given = read_ontology(ontology) if ontology is not None else None
    if not (project_folder / PROJECT_FILE).exists():
        if folder is None or given is None:
            raise click.UsageError(f"There is no project {project_folder} yet: a new one needs FOLDER and --ontology.")
        return Project.create(project_folder, folder, given), given
    project = Project.open(project_folder)
    if folder is not None and folder.resolve() != project.images_folder.resolve():
        raise OutputError(f"{project_folder} is a project of the images in {project.images_folder}, not in {folder}.")
    sheet = project.ontology
    if given is not None and given != sheet:
        raise OutputError(
            f"{ontology} differs from the ontology of {project_folder}: leave it out to go on with the project's, or "
            f"replace {project_folder / 'ontology.toml'} by it."
        )
    return project, sheet
