"""Segment the images of a project: skip what is done or corrected, go on after a bad one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from napari_car.annotation.ontology_file import read_ontology
from napari_car.annotation.project import PROJECT_FILE, Project, ProjectImage, Stamp
from napari_car.annotation.sheet import QuerySheet
from napari_car.config import CaRConfig
from napari_car.errors import CaRError, ConfigError, DocumentError, ImageError, OutputError, QueryError, ResourceError

from .checkpoints import Networks

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

    from .display import Display

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
    """

    project: Project
    sheet: QuerySheet
    networks: Networks
    config: CaRConfig
    preset: str
    overwrite: Overwrite = "nothing"

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
        """
        from .display import Display  # array and image libraries take longer to load than the help takes to print

        if not self.sheet.queries:
            raise QueryError("The ontology holds nothing to look for: add a class, or switch one on.")
        if self.config.mode == "referring":
            raise ConfigError("A batch segments classes: referring expressions are for napari-car segment --refer.")
        self.networks.check_on_disk()
        outcome = ProjectOutcome()
        pending = list(self._find_pending(outcome))
        if pending:
            with Display(len(pending)) as display:
                segmenter = self.networks.load()
                for image, seen in pending:
                    self._try(image, segmenter, display, outcome, seen)
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
                if document is not None and any(layer.is_corrected for layer in document.layers):
                    outcome.corrected.append(image.key)
                else:
                    yield image, seen

    def _try(
        self,
        image: ProjectImage,
        segmenter: "Segmenter",
        display: "Display",
        outcome: ProjectOutcome,
        seen: Stamp | None,
    ) -> None:
        """Segment an image and save its labels, unless that fails, or somebody has saved others meanwhile."""
        try:
            self._segment(image, segmenter, display, seen)
            outcome.segmented.append(image.key)
        except (ImageError, ResourceError, DocumentError, OutputError) as error:
            outcome.failed.append((image.key, error))
        display.advance()

    def _segment(self, image: ProjectImage, segmenter: "Segmenter", display: "Display", seen: Stamp | None) -> None:
        """Read, segment and save one image."""
        from napari_car.annotation.segmented_document import make_document
        from napari_car.io import read_image
        from napari_car.io.bounds import bounded

        from .display import describe_result

        read = read_image(image.path)
        picture, notes = bounded(read.rgb, self.config.compute.max_side_px)
        run = segmenter.run(picture, self.sheet.queries, self.config)
        result = display.follow(run, image.key, len(self.sheet.queries)).noted((*read.notes, *notes))
        # napari names an image after its file without the ending, and labels find their image by its name.
        about: dict[str, Any] = {"name": image.path.stem, "path": image.key, "shape": list(read.rgb.shape[:2])}
        document, _ = make_document(
            result,
            size_px=(read.rgb.shape[0], read.rgb.shape[1]),
            sheet=self.sheet,
            config=self.config,
            preset=self.preset,
            image=about,
        )
        self.project.save(image, document, seen)
        display.say(f"{image.key}: {describe_result(result)}")


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
