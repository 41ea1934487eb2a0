"""The dock widget for a folder of images: one after another, saved as one goes, and runs over many of them."""

from collections.abc import Sequence
from pathlib import Path

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_car.annotation.project import PROJECT_FILE, Project, ProjectImage
from napari_car.annotation.project_index import FILTERS, ImageState, Order, arrange
from napari_car.annotation.project_run import ImageDone, ProjectRun
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import CaRError
from napari_car.gui.accent import AccentButton, ProgressLine
from napari_car.gui.close_watch import CloseWatch
from napari_car.gui.commands import PLUGIN, WIDGET
from napari_car.gui.dock import CarWidget
from napari_car.gui.latest_job import LatestJob
from napari_car.gui.run_worker import in_window
from napari_car.gui.sentence import Sentence, warned

from .background_run import BackgroundRun
from .data_sets import DataSets
from .desk import ProjectDesk, adopt_ontology
from .image_list import ImageList
from .prefetch import Prefetch
from .thumbnail_work import Looked, look_at_each

_EMPTY = "Open a folder of images. Their labels are kept in a folder beside it; the images stay as they are."
_ORDERS: dict[Order, str] = {"name": "by name", "doubt": "in doubt first"}
_FILTER_WORDS = {"all": "all images", "absent": "nothing found"}


def default_project_folder(images_folder: Path) -> Path:
    """Return where the labels of a folder of images are kept: beside it."""
    return images_folder.with_name(f"{images_folder.name} labels")


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
        self.list = ImageList()
        self.states: dict[str, ImageState] = {}
        self._images: tuple[ProjectImage, ...] = ()
        self._asked: list[str] = []
        self._problems: list[str] = []
        self._n_done = 0
        self._unseen: set[str] = set()
        self._failure = ""
        self._is_open = True
        self._looks = LatestJob(look_at_each, 0, self)
        self._prefetch = Prefetch(self)
        self.data_sets = DataSets(self)
        self._car: CarWidget | None = None
        self._lay_out()
        self._connect()
        self._show_project()
        CloseWatch(self, self.close_session)

    @property
    def viewer(self) -> Viewer:
        """The viewer that images are shown in."""
        return self._viewer

    @property
    def text(self) -> str:
        """The line of text."""
        return self._line.text

    @property
    def is_looking(self) -> bool:
        """Whether it is still to be found out how far the work on some images is."""
        return self._looks.is_busy

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
            self._warn("A run over the folder is going on: cancel it first.")
            return False
        try:
            car = self._find_car()
            project = _open_project(folder, project_folder, car.queries.sheet)
            images = project.images()
            self.desk.open(project)
            sheet = adopt_ontology(project, car.queries.sheet) if self.desk.can_save else project.ontology
        except CaRError as error:
            self._warn(str(error))
            return False
        self._images = images
        self.states = {image.key: ImageState(progress="unprocessed") for image in images}
        self.list.forget_pictures()
        if sheet != car.queries.sheet:
            car.adopt(sheet)
        self._show_project()
        self._look(images)
        self._show_list()
        self.go_to(images[0].key)
        if self.desk.notice:
            self._warn(self.desk.notice)
        return True

    def go_to(self, key: str) -> None:
        """Show an image, after the labels of the one that is shown are saved."""
        image = next((image for image in self._images if image.key == key), None)
        if image is None or (self.desk.image is not None and self.desk.image.key == key):
            return
        try:
            self.desk.show(image, self._prefetch.take(image.path))
        except CaRError as error:
            self._warn(str(error))
            self._give_up.setVisible(self.desk.is_dirty)

    def step(self, by: int) -> None:
        """Go to the next image of the list, or to the one before."""
        keys = self.list.keys
        if not keys:
            return
        shown = self.desk.image.key if self.desk.image is not None else ""
        place = keys.index(shown) + by if shown in keys else 0
        if 0 <= place < len(keys):
            self.go_to(keys[place])
        else:
            self._line.say("This is the last image." if by > 0 else "This is the first image.")

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
            self._warn(self.desk.notice)
            return
        chosen = {"all": self.list.keys, "selected": self.list.selected, "rest": self._rest()}[which]
        images = [image for image in self._images if image.key in set(chosen)]
        if not images:
            self._line.say("There is nothing to segment: " + _NOTHING[which])
            return
        try:
            sheet, config, networks = car.choose_run()
            run = ProjectRun(
                project=project, sheet=sheet, config=in_window(config, sheet), preset=car.options.preset.name
            )
        except CaRError as error:
            self._warn(str(error))
            return
        self._asked, self._problems, self._n_done, self._failure = [image.key for image in images], [], 0, ""
        self.run.start(run, networks, images, self.desk.is_worked_on)

    def export(self) -> None:
        """Ask how and where to, and export what is saved; the labels that are shown are saved before."""
        if self.desk.project is None:
            self._line.say("Open a folder first.")
            return
        try:
            self.desk.save()
        except CaRError as error:
            self._warn(str(error))
            return
        self.data_sets.ask_to_export(self.desk.project)

    def close_session(self) -> None:
        """Save, stop a run, and let go of the viewer; layers stay."""
        if self._is_open:
            self._is_open = False
            self.run.close()
            self._looks.close()
            self._prefetch.close()
            self.data_sets.close()
            self.desk.close()

    def _lay_out(self) -> None:
        """Put the folder above, its images below, and what can be done with them at the bottom."""
        self._open = QPushButton("Open folder…")
        self._open.setToolTip("A folder of images, or a project that is there already")
        self._more = QPushButton("Data set")
        self._more.setToolTip("Export what is labelled, or go on with labels of another program")
        menu = QMenu(self._more)
        menu.addAction("Import data set…", self.data_sets.ask_to_import)
        menu.addAction("Export data set…", self.export)
        self._more.setMenu(menu)
        self._name = QLabel()
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._progress = ProgressLine()
        self._filter, self._order = QComboBox(), QComboBox()
        for name in FILTERS:
            self._filter.addItem(_FILTER_WORDS.get(name, name), name)
        for order, words in _ORDERS.items():
            self._order.addItem(words, order)
        self._filter.setAccessibleName("Which images are listed")
        self._order.setAccessibleName("Order of the images")
        self._previous, self._next = QPushButton("◀ Previous"), AccentButton("Next ▶")
        self._previous.setToolTip("Save, and go to the image above (Ctrl+PgUp)")
        self._next.setToolTip("Save, and go to the image below (Ctrl+PgDown)")
        self._segment = {
            "rest": _button("The rest", "Segment the listed images that have no labels yet"),
            "selected": _button("Selected", "Segment the selected images; corrected ones are left as they are"),
            "all": _button("All", "Segment all listed images anew; corrected ones are left as they are"),
        }
        self._cancel = _button("Cancel", "Stop the run; images that are finished stay")
        self._line = Sentence("Status of the folder")
        self._give_up = _button("Leave my changes unsaved", "Go on without what was changed in the labels shown")
        self._give_up.hide()
        top, steps, runs = QHBoxLayout(), QHBoxLayout(), QGridLayout()
        top.addWidget(self._open)
        top.addWidget(self._name, stretch=1)
        top.addWidget(self._more)
        chosen = QHBoxLayout()
        chosen.addWidget(self._filter, stretch=1)
        chosen.addWidget(self._order, stretch=1)
        steps.addWidget(self._previous)
        steps.addWidget(self._next)
        runs.addWidget(QLabel("Segment"), 0, 0)
        for column, button in enumerate(self._segment.values(), start=1):
            runs.addWidget(button, 0, column)
        runs.addWidget(self._cancel, 0, len(self._segment) + 1)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addLayout(chosen)
        layout.addWidget(self.list, stretch=1)
        layout.addWidget(self._progress)
        layout.addLayout(steps)
        layout.addLayout(runs)
        layout.addWidget(self._line)
        layout.addWidget(self._give_up)

    def _connect(self) -> None:
        """Join the parts."""
        self._open.clicked.connect(self._choose_folder)
        self._filter.currentIndexChanged.connect(lambda _: self._show_list())
        self._order.currentIndexChanged.connect(lambda _: self._show_list())
        self._previous.clicked.connect(lambda: self.step(-1))
        self._next.clicked.connect(lambda: self.step(1))
        for keys, by in (("Ctrl+PgUp", -1), ("Ctrl+PgDown", 1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(lambda by=by: self.step(by))
        for which, button in self._segment.items():
            button.clicked.connect(lambda _=False, which=which: self.segment(which))
        self._cancel.clicked.connect(self._stop)
        self._give_up.clicked.connect(self._leave_unsaved)
        self.list.wanted.connect(self.go_to)
        self.desk.shown.connect(self._on_shown)
        self.desk.saved.connect(self._on_saved)
        self.desk.failed.connect(self._warn)
        self.run.image_started.connect(lambda key: self._line.say(f"Segmenting {key}"))
        self.run.image_done.connect(self._on_image_done)
        self.run.running_changed.connect(self._on_running)
        self.run.failed.connect(self._on_run_failed)
        self.data_sets.said.connect(self._line.say)
        self.data_sets.failed.connect(self._warn)
        self.data_sets.imported.connect(self.open_folder)
        self._looks.yielded.connect(self._on_looked)
        self._looks.failed.connect(self._warn)

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

    def _rest(self) -> list[str]:
        """Return the listed images without labels."""
        return [key for key in self.list.keys if self.states[key].progress == "unprocessed"]

    def _look(self, images: Sequence[ProjectImage]) -> None:
        """Find out how far the work on images is, in the order in which they are listed."""
        if self.desk.project is not None:
            self._looks.ask(self.desk.project, tuple(images))

    def _on_looked(self, looked: Looked) -> None:
        """Show what was found out of an image."""
        if looked.key not in self.states:
            return
        self._unseen.discard(looked.key)
        self.states[looked.key] = looked.state
        self.list.describe(looked.key, looked.state)
        if looked.picture is not None:
            self.list.set_picture(looked.key, looked.picture)
        self._show_progress()
        if not self._unseen and (self._filter.currentIndex() or self._order.currentIndex()):
            self._show_list()

    def _on_shown(self, key: str) -> None:
        """Mark the image that is shown, and read the next one ahead."""
        self.list.mark(key)
        self._give_up.hide()
        keys = self.list.keys
        if key in keys:
            self._line.say("")
            after = keys[keys.index(key) + 1 :][:1]
            self._prefetch.read([image.path for image in self._images if image.key in after])

    def _on_saved(self, key: str) -> None:
        """Show how far the image is now."""
        self._refresh([key])

    def _refresh(self, keys: Sequence[str]) -> None:
        """Look at images again whose labels were written; those that were still to be looked at are, too."""
        self._unseen |= set(keys)
        self._look([image for image in self._images if image.key in self._unseen])

    def _on_image_done(self, done: ImageDone) -> None:
        """Count an image, and show its labels if it is open without any."""
        self._n_done += 1
        if done.problem is not None:
            self._problems.append(f"{done.key}: {done.problem}")
        self._refresh([done.key])
        self._progress.setValue(self._n_done)
        if done.problem is None and self.desk.image is not None and self.desk.image.key == done.key:
            try:
                self.desk.reload()
            except CaRError as error:
                self._warn(str(error))

    def _on_running(self, is_running: bool) -> None:  # a signal gives it
        """Say what can be done while a run goes on, and what became of it."""
        self._enable()
        if is_running:
            self._progress.setRange(0, len(self._asked))
            self._progress.setValue(0)
            self._line.say("Loading the networks")
            return
        self._show_progress()
        if self._failure:
            return
        n, total = self._n_done, len(self._asked)
        said = f"Stopped after {n} of {total} images." if n < total else f"{n} image{'s' if n != 1 else ''} done."
        if self._problems:
            self._warn(f"{said} Not segmented: " + " ".join(self._problems[:3]))
        else:
            self._line.say(said)

    def _on_run_failed(self, reason: str) -> None:
        self._failure = reason
        self._warn(reason)

    def _on_sheet(self, sheet: QuerySheet) -> None:
        """Keep the classes of the project as the list has them."""
        if self.desk.project is not None and self.desk.can_save:
            try:
                self.desk.project.write_ontology(sheet)
            except CaRError as error:
                self._warn(str(error))

    def _leave_unsaved(self) -> None:
        """Go on without what could not be saved."""
        self.desk.give_up()
        self._give_up.hide()
        self._line.say("Not saved. Choose another image.")

    def _stop(self) -> None:
        """Stop the run."""
        self.run.cancel()
        self._line.say("Stopping")

    def _show_project(self) -> None:
        """Show which project is open."""
        project = self.desk.project
        self._unseen = {image.key for image in self._images}
        self._name.setText("" if project is None else project.images_folder.name)
        self._name.setToolTip("" if project is None else f"Labels are kept in {project.folder}")
        self._line.say(_EMPTY if project is None else "")
        self._enable()
        self._show_progress()

    def _enable(self) -> None:
        """Offer what can be done."""
        is_open, is_running = self.desk.project is not None, self.run.is_running
        for part in (self._filter, self._order, self._previous, self._next):
            part.setEnabled(is_open)
        for button in self._segment.values():
            button.setEnabled(is_open and not is_running)
        self._open.setEnabled(not is_running)
        self._cancel.setEnabled(is_running)

    def _show_list(self) -> None:
        """List the images that the filter lets through, in order."""
        images = arrange(self._images, self.states, self._filter.currentData(), self._order.currentData())
        self.list.show_images(images, self.states, self.desk.image.key if self.desk.image is not None else "")

    def _show_progress(self) -> None:
        """Say how far the work on the folder is."""
        if self.run.is_running:
            return
        states = [state.progress for state in self.states.values()]
        n_done = len(states) - states.count("unprocessed")
        self._progress.setRange(0, max(1, len(states)))
        self._progress.setValue(n_done)
        self._progress.setToolTip(
            f"{n_done} of {len(states)} segmented, {states.count('edited')} edited, {states.count('checked')} checked"
        )

    def _warn(self, reason: str) -> None:
        self._line.say(warned(reason))


_NOTHING = {
    "all": "no image is listed.",
    "selected": "select images in the list.",
    "rest": "all listed images have labels.",
}


def _open_project(folder: Path, project_folder: Path | None, sheet: QuerySheet) -> Project:
    """Return the project that a folder is, or that of a folder of images, which is made if there is none."""
    if (folder / PROJECT_FILE).exists():
        return Project.open(folder)
    own = project_folder or default_project_folder(folder)
    return Project.open(own) if (own / PROJECT_FILE).exists() else Project.create(own, folder, sheet)


def _button(text: str, tip: str) -> QPushButton:
    """Return a button."""
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
