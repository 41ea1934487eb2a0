"""What the dock for folders shows: the folder above, its images below, and what can be done with them at the bottom."""

from collections.abc import Collection

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from napari_car.annotation.project import Project
from napari_car.annotation.project_index import FILTERS, ImageState, Order
from napari_car.gui.accent import AccentButton, ProgressLine
from napari_car.gui.sentence import Sentence, warned

from .image_list import ImageList

_EMPTY = "Open a folder of images. Their labels are kept in a folder beside it; the images stay as they are."
_ORDERS: dict[Order, str] = {"name": "by name", "doubt": "in doubt first"}
_FILTER_WORDS = {"all": "all images", "absent": "nothing found"}


class FolderControls(QWidget):
    """Buttons, lists and lines, without what they do.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.open = _button("Open folder…", "A folder of images, or a project that is there already")
        more = _button("Data set", "Export what is labelled, or go on with labels of another program")
        self.data_sets = QMenu(more)
        more.setMenu(self.data_sets)
        self._name = QLabel()
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.list = ImageList()
        self.progress = ProgressLine()
        self.filter, self.order = QComboBox(), QComboBox()
        for name in FILTERS:
            self.filter.addItem(_FILTER_WORDS.get(name, name), name)
        for order, words in _ORDERS.items():
            self.order.addItem(words, order)
        self.filter.setAccessibleName("Which images are listed")
        self.order.setAccessibleName("Order of the images")
        self.previous, self.next = _button("◀ Previous", _PREVIOUS_TIP), AccentButton("Next ▶")
        self.next.setToolTip("Save, and go to the image below (Ctrl+PgDown)")
        self.segment = {
            "rest": _button("The rest", "Segment the listed images that have no labels yet"),
            "selected": _button("Selected", "Segment the selected images; corrected ones are left as they are"),
            "all": _button("All", "Segment all listed images anew; corrected ones are left as they are"),
        }
        self.cancel = _button("Cancel", "Stop the run; images that are finished stay")
        self.line = Sentence("Status of the folder")
        self.give_up = _button("Leave my changes unsaved", "Go on without what was changed in the labels shown")
        self.give_up.hide()
        self._lay_out(more)
        self.show_project(None)

    def show_project(self, project: Project | None) -> None:
        """Show which project is open."""
        self._name.setText("" if project is None else project.images_folder.name)
        self._name.setToolTip("" if project is None else f"Labels are kept in {project.folder}")
        self.line.say(_EMPTY if project is None else "")
        self.enable(is_open=project is not None, is_running=False)

    def enable(self, *, is_open: bool, is_running: bool) -> None:
        """Offer what can be done."""
        for part in (self.filter, self.order, self.previous, self.next):
            part.setEnabled(is_open)
        for button in self.segment.values():
            button.setEnabled(is_open and not is_running)
        self.open.setEnabled(not is_running)
        self.cancel.setEnabled(is_running)

    def show_progress(self, states: Collection[ImageState]) -> None:
        """Say how far the work on the folder is."""
        kinds = [state.progress for state in states]
        n_done = len(kinds) - kinds.count("unprocessed")
        self.progress.setRange(0, max(1, len(kinds)))
        self.progress.setValue(n_done)
        self.progress.setToolTip(
            f"{n_done} of {len(kinds)} segmented, {kinds.count('edited')} edited, {kinds.count('checked')} checked"
        )

    def warn(self, reason: str) -> None:
        """Say what is wrong."""
        self.line.say(warned(reason))

    def _lay_out(self, more: QPushButton) -> None:
        """Put everything in its place."""
        top, chosen, steps, runs = QHBoxLayout(), QHBoxLayout(), QHBoxLayout(), QGridLayout()
        top.addWidget(self.open)
        top.addWidget(self._name, stretch=1)
        top.addWidget(more)
        chosen.addWidget(self.filter, stretch=1)
        chosen.addWidget(self.order, stretch=1)
        steps.addWidget(self.previous)
        steps.addWidget(self.next)
        runs.addWidget(QLabel("Segment"), 0, 0)
        for column, button in enumerate((*self.segment.values(), self.cancel), start=1):
            runs.addWidget(button, 0, column)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addLayout(chosen)
        layout.addWidget(self.list, stretch=1)
        layout.addWidget(self.progress)
        layout.addLayout(steps)
        layout.addLayout(runs)
        layout.addWidget(self.line)
        layout.addWidget(self.give_up)


_PREVIOUS_TIP = "Save, and go to the image above (Ctrl+PgUp)"


def _button(text: str, tip: str) -> QPushButton:
    """Return a button."""
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
