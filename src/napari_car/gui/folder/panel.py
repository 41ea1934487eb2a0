"""The dock widget for a folder of images: one after another, saved as one goes, and runs over many of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari.viewer import Viewer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_car.annotation.label_image import Recipe
from napari_car.annotation.project import ProjectImage
from napari_car.annotation.project_index import ImageState, arrange
from napari_car.annotation.project_run import ImageDone, ProjectRun
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import CaRError
from napari_car.gui.close_watch import CloseWatch
from napari_car.gui.commands import PLUGIN, WIDGET
from napari_car.gui.dock import CarWidget
from napari_car.gui.run_worker import in_window

from .background_run import NOTHING, BackgroundRun
from .controls import FolderControls
from .data_sets import DataSets
from .desk import ProjectDesk
from .image_list import ImageList
from .opening import adopt_ontology, open_project
from .prefetch import Prefetch
from .state_watch import StateWatch
from .thumbnail_work import Looked


class FolderPanel(QWidget):
    """Opens a folder of images in the viewer, image by image.

    Parameters
    ----------
    napari_viewer : Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        # napari hands a proxy to plugins, which makes a new one of each layer it is asked for: those have no identity.
        self._viewer = viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self.desk = ProjectDesk(viewer, lambda: viewer.screenshot(flash=False), self)
        self.run = BackgroundRun(parent=self)
        self.controls = FolderControls()
        self._images: tuple[ProjectImage, ...] = ()
        self._is_open = True
        self._watch = StateWatch(self)
        self._prefetch = Prefetch(self)
        self.data_sets = DataSets(self)
        self._car: CarWidget | None = None
        self._connect()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.controls)
        CloseWatch(self, self.close_session)

    @property
    def viewer(self) -> Viewer:
        """The viewer that images are shown in."""
        return self._viewer

    @property
    def text(self) -> str:
        """The line of text."""
        return self.controls.line.text

    @property
    def is_looking(self) -> bool:
        """Whether it is still to be found out how far the work on some images is."""
        return self._watch.is_busy

    @property
    def states(self) -> Mapping[str, ImageState]:
        """How far the work on each image is, by its key."""
        return self._watch.states

    @property
    def list(self) -> ImageList:
        """The images that are listed."""
        return self.controls.list

    def open_folder(self, folder: Path, project_folder: Path | None = None) -> bool:
        """Open a project, or a folder of images, of which a project is made; return whether that could be done.

        Parameters
        ----------
        folder : Path
            That of a project, or of images.
        project_folder : Path, optional
            Where the labels of a folder of images are kept; by default beside it.
        """
        if self.run.is_running:
            self.controls.warn("A run over the folder is going on: cancel it first.")
            return False
        try:
            car = self._find_car()
            project = open_project(folder, project_folder, car.queries.sheet)
            images = project.images()
            self.desk.open(project)
            sheet = adopt_ontology(project, car.queries.sheet) if self.desk.can_save else project.ontology
        except CaRError as error:
            self.controls.warn(str(error))
            return False
        self._images = images
        self._watch.start(project, images)
        self.controls.list.forget_pictures()
        if sheet != car.queries.sheet:
            car.adopt(sheet)
        self.controls.show_project(project)
        self._show_progress()
        self._show_list()
        self.go_to(images[0].key)
        if self.desk.notice:
            self.controls.warn(self.desk.notice)
        return True

    def go_to(self, key: str) -> None:
        """Show an image, after the labels of the one that is shown are saved."""
        image = next((image for image in self._images if image.key == key), None)
        if image is None or (self.desk.image is not None and self.desk.image.key == key):
            return
        if self._car is not None and self._car.session.has_proposal_for(self.desk.layer):
            self.controls.warn("New labels wait to be accepted or discarded: they would be lost with the next image.")
            return
        try:
            self.desk.show(image, self._prefetch.take(image.path))
        except CaRError as error:
            self.controls.warn(str(error))
            self.controls.give_up.setVisible(self.desk.is_dirty)

    def step(self, by: int) -> None:
        """Go to the next image of the list, or to the one before."""
        keys = self.controls.list.keys
        if not keys:
            return
        shown = self.desk.image.key if self.desk.image is not None else ""
        place = keys.index(shown) + by if shown in keys else 0
        if 0 <= place < len(keys):
            self.go_to(keys[place])
        else:
            self.controls.line.say("This is the last image." if by > 0 else "This is the first image.")

    def segment(self, which: str) -> None:
        """Run the queries on images in the background.

        Parameters
        ----------
        which : {"all", "rest", "selected"}
            All, those without labels, or those selected; what a person has corrected is always left as it is.
        """
        project, car = self.desk.project, self._find_car()
        if project is None or self.run.is_running or not car.queries.take_typed():
            return
        if not self.desk.can_save:
            self.controls.warn(self.desk.notice)
            return
        chosen = {"all": self.controls.list.keys, "selected": self.controls.list.selected, "rest": self._rest()}[which]
        images = [image for image in self._images if image.key in set(chosen)]
        if not images:
            self.controls.line.say(NOTHING[which])
            return
        try:
            sheet, config, networks = car.choose_run()
            recipe = Recipe(sheet=sheet, config=in_window(config, sheet), preset=car.options.preset.name)
        except CaRError as error:
            self.controls.warn(str(error))
            return
        self.run.start(ProjectRun(project=project, recipe=recipe), networks, images, self.desk.is_worked_on)

    def export(self) -> None:
        """Ask how and where to, and export what is saved; the labels that are shown are saved before."""
        if self.desk.project is None:
            self.controls.line.say("Open a folder first.")
            return
        try:
            self.desk.save()
        except CaRError as error:
            self.controls.warn(str(error))
            return
        self.data_sets.ask_to_export(self.desk.project)

    def close_session(self) -> None:
        """Save, stop a run, and let go of the viewer; layers stay."""
        if self._is_open:
            self._is_open = False
            for part in (self.run, self._watch, self._prefetch, self.data_sets, self.desk):
                part.close()

    def _connect(self) -> None:
        """Join the parts."""
        self.controls.open.clicked.connect(self._choose_folder)
        self.controls.data_sets.addAction("Import data set…", self.data_sets.ask_to_import)
        self.controls.data_sets.addAction("Import labels for this image…", lambda: self._find_car().label_import.ask())
        self.controls.data_sets.addAction("Export data set…", self.export)
        self.controls.filter.currentIndexChanged.connect(lambda _: self._show_list())
        self.controls.order.currentIndexChanged.connect(lambda _: self._show_list())
        self.controls.previous.clicked.connect(lambda: self.step(-1))
        self.controls.next.clicked.connect(lambda: self.step(1))
        for keys, by in (("Ctrl+PgUp", -1), ("Ctrl+PgDown", 1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(lambda by=by: self.step(by))
        for which, button in self.controls.segment.items():
            button.clicked.connect(lambda _=False, which=which: self.segment(which))
        self.controls.cancel.clicked.connect(self._stop)
        self.controls.give_up.clicked.connect(self._leave_unsaved)
        self.controls.list.wanted.connect(self.go_to)
        self.desk.shown.connect(self._on_shown)
        self.desk.saved.connect(lambda key: self._watch.refresh([key]))
        self.desk.failed.connect(self.controls.warn)
        self.run.image_started.connect(lambda key: self.controls.line.say(f"Segmenting {key}"))
        self.run.image_done.connect(self._on_image_done)
        self.run.running_changed.connect(self._on_running)
        self.data_sets.said.connect(self.controls.line.say)
        self.data_sets.failed.connect(self.controls.warn)
        self.data_sets.imported.connect(self.open_folder)
        self._watch.looked.connect(self._on_looked)
        self._watch.failed.connect(self.controls.warn)

    def _find_car(self) -> CarWidget:
        """Return the dock widget with the list of queries, opened if it is not there."""
        _, widget = self._viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
        assert isinstance(widget, CarWidget)
        if widget is not self._car:
            self._car = widget
            widget.queries.sheet_changed.connect(self._on_sheet)
        return widget

    def _choose_folder(self) -> None:
        """Ask for a folder, and open it."""
        folder = QFileDialog.getExistingDirectory(self, "Folder of images, or project")
        if folder:
            self.open_folder(Path(folder))

    def _rest(self) -> Sequence[str]:
        """Return the listed images without labels."""
        return [key for key in self.controls.list.keys if self.states[key].progress == "unprocessed"]

    def _on_looked(self, looked: Looked) -> None:
        """Show what was found out of an image."""
        self.controls.list.describe(looked.key, looked.state)
        if looked.picture is not None:
            self.controls.list.set_picture(looked.key, looked.picture)
        self._show_progress()
        if self._watch.is_complete and (self.controls.filter.currentIndex() or self.controls.order.currentIndex()):
            self._show_list()

    def _on_shown(self, key: str) -> None:
        """Mark the image that is shown, and read the next one ahead."""
        self.controls.list.mark(key)
        self.controls.give_up.hide()
        keys = self.controls.list.keys
        if key in keys:
            self.controls.line.say("")
            after = keys[keys.index(key) + 1 :][:1]
            self._prefetch.read([image.path for image in self._images if image.key in after])

    def _on_image_done(self, done: ImageDone) -> None:
        """Count an image, and show its labels if it is open without any."""
        self._watch.refresh([done.key])
        self.controls.progress.setValue(self.run.n_done)
        if done.problem is None and self.desk.image is not None and self.desk.image.key == done.key:
            try:
                self.desk.reload()
            except CaRError as error:
                self.controls.warn(str(error))

    def _on_running(self, is_running: bool) -> None:  # a signal gives it
        """Say what can be done while a run goes on, and what became of it."""
        self._enable()
        if is_running:
            self.controls.progress.setRange(0, self.run.n_images)
            self.controls.progress.setValue(0)
            self.controls.line.say("Loading the networks")
            return
        self._show_progress()
        said, is_good = self.run.describe()
        (self.controls.line.say if is_good else self.controls.warn)(said)

    def _on_sheet(self, sheet: QuerySheet) -> None:
        """Keep the classes of the project as the list has them."""
        if self.desk.project is not None and self.desk.can_save:
            try:
                self.desk.project.write_ontology(sheet)
            except CaRError as error:
                self.controls.warn(str(error))

    def _leave_unsaved(self) -> None:
        """Go on without what could not be saved."""
        self.desk.give_up()
        self.controls.give_up.hide()
        self.controls.line.say("Not saved. Choose another image.")

    def _stop(self) -> None:
        """Stop the run."""
        self.run.cancel()
        self.controls.line.say("Stopping")

    def _enable(self) -> None:
        """Offer what can be done."""
        self.controls.enable(is_open=self.desk.project is not None, is_running=self.run.is_running)

    def _show_progress(self) -> None:
        """Say how far the work on the folder is, while no run shows how far it is."""
        if not self.run.is_running:
            self.controls.show_progress(self.states.values())

    def _show_list(self) -> None:
        """List the images that the filter lets through, in order."""
        wanted, order = self.controls.filter.currentData(), self.controls.order.currentData()
        images = arrange(self._images, self.states, wanted, order)
        self.controls.list.show_images(images, self.states, self.desk.image.key if self.desk.image is not None else "")
