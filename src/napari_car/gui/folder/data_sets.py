"""Export of the open project, and import of other programs' data sets, in a worker thread."""

import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TypeVar

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QInputDialog, QWidget

from napari_car.annotation.project import Project
from napari_car.dataset.export import export
from napari_car.dataset.format import Exporter, Reader
from napari_car.dataset.formats import FORMATS, READERS
from napari_car.dataset.import_project import import_data_set
from napari_car.dataset.project_images import ProjectImages
from napari_car.errors import OutputError
from napari_car.gui.latest_job import LatestJob

F = TypeVar("F", Exporter, Reader)


class DataSets(QObject):
    """Asks for formats and folders, and works on them.

    Parameters
    ----------
    parent : QWidget
        Dialogs stand before it.
    """

    said = Signal(str)
    failed = Signal(str)
    imported = Signal(object)
    """The folder of a new project."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self._exports, self._imports = LatestJob(_export, 0, self), LatestJob(_import, 0, self)
        self._exports.yielded.connect(lambda sentence: self.said.emit(sentence))
        self._imports.yielded.connect(self.imported)
        for job in (self._exports, self._imports):
            job.failed.connect(self.failed)

    @property
    def is_busy(self) -> bool:
        """Whether one is being written or read."""
        return self._exports.is_busy or self._imports.is_busy

    def ask_to_export(self, project: Project) -> None:
        """Ask for a format and a folder, and export a project."""
        fmt = self._ask_format("Export", FORMATS)
        folder = self._ask_folder("Empty folder for the data set") if fmt is not None else None
        if fmt is not None and folder is not None:
            self.export(project, fmt, folder)

    def ask_to_import(self) -> None:
        """Ask for a format and folders, and make a project of a data set."""
        fmt = self._ask_format("Import", READERS)
        source = self._ask_folder("Folder of the data set") if fmt is not None else None
        folder = self._ask_folder("Empty folder for the new project") if source is not None else None
        if fmt is not None and source is not None and folder is not None:
            self.import_(source, fmt, folder)

    def export(self, project: Project, fmt: Exporter, folder: Path) -> None:
        """Export a project; what is lost by it is said."""
        self.said.emit(f"Exporting: {fmt.title}")
        self._exports.ask(project, fmt, folder)

    def import_(self, source: Path, fmt: Reader, folder: Path) -> None:
        """Make a project of a data set."""
        self.said.emit(f"Importing: {fmt.title}")
        self._imports.ask(source, fmt, folder)

    def close(self) -> None:
        """Say nothing any more."""
        self._exports.close()
        self._imports.close()

    def _ask_format(self, title: str, formats: Mapping[str, F]) -> F | None:
        """Ask for one of some formats; None if a person gives up."""
        titles = {fmt.title: fmt for fmt in formats.values()}
        chosen, is_chosen = QInputDialog.getItem(self._parent, title, "Format", list(titles), 0, editable=False)
        return titles[chosen] if is_chosen else None

    def _ask_folder(self, title: str) -> Path | None:
        """Ask for a folder; None if a person gives up."""
        folder = QFileDialog.getExistingDirectory(self._parent, title)
        return Path(folder) if folder else None


def _export(project: Project, fmt: Exporter, folder: Path, _: threading.Event) -> Generator[str, None, None]:
    """Export a project, and yield what became of it."""
    images = ProjectImages(project)
    if not images:
        raise OutputError("There is nothing to export: no image has labels yet.")
    ontology = project.ontology
    report = export(images, ontology, fmt, folder)
    loss = report.describe_loss({entry.id: entry.class_name for entry in ontology.entries})
    said = f"{fmt.title}: {report.n_images} images with {report.n_objects} objects are in {folder}. {loss}"
    if images.failed:
        said += f" Left out, since their labels cannot be used: {', '.join(key for key, _ in images.failed)}."
    yield said


def _import(source: Path, fmt: Reader, folder: Path, _: threading.Event) -> Generator[Path, None, None]:
    """Make a project, and yield its folder."""
    project, _n_images = import_data_set(source, fmt, folder)
    yield project.folder
