"""The dialog that asks which labels are imported, and where they go."""

import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path

from napari.layers import Labels
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_car.dataset.formats import LABEL_READERS
from napari_car.dataset.image_names import ReadingStopped
from napari_car.dataset.import_labels import ImageQuestion, ImportedLabels, LabelRequest, Reading, import_labels
from napari_car.gui.accent import AccentButton, ProgressLine
from napari_car.gui.latest_job import LatestJob
from napari_car.gui.sentence import Sentence, warned

_POLL_MS = 100
_SCALE = 1000
_WIDTH_EM = 34
_HINT = (
    "The labels of this image are found in the data set by its name. The classes are found in the list of queries by "
    "theirs; those that it lacks are added."
)


class LabelImportDialog(QDialog):
    """Asks for a data set, reads it in a worker thread, and asks which of its images is meant if that is not clear.

    Parameters
    ----------
    image_name : str
        Of the image that labels are for.
    place : str
        Which plane of it, and how large it is.
    folder : Path or None
        Where a person begins to look.
    parent : QWidget, optional
    """

    wanted = Signal()
    """A person pressed Import."""
    imported = Signal(object)
    """The :class:`~napari_car.dataset.import_labels.ImportedLabels`."""

    def __init__(self, image_name: str, place: str, folder: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import labels")
        self._name, self._folder = image_name, folder
        self._reading: Reading | None = None
        self._is_waiting = False
        self._job = LatestJob(_read, 0, self)
        self._job.yielded.connect(self._on_yielded)
        self._job.failed.connect(self._on_failed)
        self._poll = QTimer(self)
        self._poll.setInterval(_POLL_MS)
        self._poll.timeout.connect(self._show_progress)
        self.path = QLineEdit()
        self.path.setAccessibleName("Data set")
        self.path.setPlaceholderText("A file of labels, or the folder of a data set")
        self.formats = _combo("Format", "Of the data set.")
        self.formats.addItem("found by its files", None)
        for fmt in LABEL_READERS.values():
            self.formats.addItem(fmt.title, fmt)
        self.images = _combo("Image in the data set", "The one whose labels are meant. Type to search.")
        self.images.setEditable(True)
        self.images.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        completer = self.images.completer()
        if completer is not None:
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.targets = _combo("Into", "What is replaced comes back with Ctrl+Z in the layer.")
        self.only_present = QCheckBox("Add only those that this image has labels of")
        self.only_present.setToolTip("Otherwise the list of queries gets all classes of the data set that it lacks.")
        self._said = Sentence("What is to be done, or what is wrong")
        self._progress = ProgressLine()
        self._progress.setRange(0, _SCALE)
        self._import = AccentButton("Import")
        self._import.setDefault(True)
        self._cancel = QPushButton("Cancel")
        self._lay_out(f"{image_name}{place}")
        self._connect()
        self._set_waiting(False)
        self.forget_images()

    @property
    def text(self) -> str:
        """What was said last."""
        return self._said.text

    @property
    def is_waiting(self) -> bool:
        """Whether a data set is being read."""
        return self._is_waiting

    @property
    def into(self) -> Labels | None:
        """The layer that labels go into; None: a new one."""
        layer: Labels | None = self.targets.currentData()
        return layer

    @property
    def number(self) -> int | None:
        """Place of the image that was chosen in the data set; None: none had to be."""
        return None if self.images.isHidden() else self.images.findText(self.images.currentText())

    def offer_targets(self, layer: Labels | None, *, is_empty: bool) -> None:
        """Offer a new layer, and the one that there is; an empty one is taken first, since nothing is lost by it."""
        self.targets.addItem("a new layer", None)
        if layer is not None:
            what = "which is empty" if is_empty else "in place of what is there"
            self.targets.addItem(f"{layer.name}, {what}", layer)
            self.targets.setCurrentIndex(int(is_empty))

    def read(self, request: LabelRequest) -> None:
        """Read a data set."""
        self._reading = None
        self._said.say("Looking at the data set")
        self._set_waiting(True)
        self._job.ask(request)

    def warn(self, text: str) -> None:
        """Say what went wrong; the dialog stays, so that something else can be chosen."""
        self._set_waiting(False)
        self._said.say(warned(text))

    def forget_images(self) -> None:
        """Ask for no image any more, since another data set is meant."""
        self.images.clear()
        self._form.setRowVisible(self.images, False)
        self._said.say(_HINT)

    def reject(self) -> None:
        """Stop reading; close if nothing is being read."""
        if self._is_waiting:
            self._job.stop()
            self._set_waiting(False)
            self._said.say("Stopped. Nothing was imported.")
        else:
            super().reject()

    def done(self, result: int) -> None:
        """Close, and say nothing any more."""
        self._poll.stop()
        self._job.close()
        super().done(result)

    def _lay_out(self, title: str) -> None:
        """Put what is asked for above, and buttons below."""
        place = QWidget()
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.path, stretch=1)
        for text, tip, act in (
            (
                "File…",
                "Choose a file of labels: a JSON file of COCO or labelme, or any file of a data set.",
                self._ask_file,
            ),
            ("Folder…", "Choose the folder of a data set.", self._ask_folder),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(act)
            row.addWidget(button)
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.addRow("Labels for", _line(title))
        self._form.addRow("&From", place)
        self._form.addRow("F&ormat", self.formats)
        self._form.addRow("I&mage in it", self.images)
        self._form.addRow("In&to", self.targets)
        self._form.addRow("Classes", self.only_present)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._import)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self._said)
        layout.addWidget(self._progress)
        layout.addLayout(buttons)
        self.setMinimumWidth(_WIDTH_EM * self.fontMetrics().height())

    def _connect(self) -> None:
        """Join the parts."""
        self._import.clicked.connect(self.wanted)
        self._cancel.clicked.connect(self.reject)
        self.path.textChanged.connect(self.forget_images)
        self.formats.currentIndexChanged.connect(self.forget_images)

    def _ask_file(self) -> None:
        """Ask for a file."""
        name, _ = QFileDialog.getOpenFileName(self, "File of labels", self._start())
        if name:
            self.path.setText(name)

    def _ask_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self, "Folder of the data set", self._start())
        if name:
            self.path.setText(name)

    def _start(self) -> str:
        """Return where a person begins to look."""
        return self.path.text() or str(self._folder or "")

    def _set_waiting(self, is_waiting: bool) -> None:
        """Offer what can be done while a data set is read, or else."""
        self._is_waiting = is_waiting
        for part in (self.path, self.formats, self.images, self.targets, self.only_present, self._import):
            part.setEnabled(not is_waiting)
        self._cancel.setText("Stop" if is_waiting else "Cancel")
        self._progress.setVisible(is_waiting)
        self._progress.setValue(0)
        (self._poll.start if is_waiting else self._poll.stop)()

    def _show_progress(self) -> None:
        """Show how far the reading is."""
        if self._reading is None:
            return
        choice, title = self._reading.choice, self._reading.fmt.title
        what = f"Reading {len(choice.names):,} images" if choice.names else "Reading the classes"
        self._said.say(f"{what}: {title}")
        self._progress.setValue(round(choice.fraction * _SCALE))

    def _on_yielded(self, event: Reading | ImageQuestion | ImportedLabels) -> None:
        """Follow the reading."""
        if isinstance(event, Reading):
            self._reading = event
        elif isinstance(event, ImageQuestion):
            self._ask_image(event)
        else:
            self._set_waiting(False)
            self.imported.emit(event)

    def _ask_image(self, question: ImageQuestion) -> None:
        """Ask which image is meant."""
        if not question.names:
            self.warn(f"The data set holds no images of {question.fmt.title}.")
            return
        self._set_waiting(False)
        self.images.clear()
        self.images.addItems(_distinct(question.names))
        self.images.setCurrentIndex(question.matches[0] if question.matches else 0)
        self._form.setRowVisible(self.images, True)
        several = f"{len(question.matches)} images of the data set are called {self._name}"
        none = f"None of the {len(question.names):,} images of the data set is called {self._name}"
        only = f"The only image of the data set is called {question.names[0]}, not {self._name}"
        what = several if question.matches else none if len(question.names) > 1 else only
        self._said.say(f"{what}: choose the one whose labels are meant, and press Import again.")

    def _on_failed(self, sentence: str) -> None:
        self.warn(sentence)


def _read(
    request: LabelRequest, is_stopped: threading.Event
) -> Generator[Reading | ImageQuestion | ImportedLabels, None, None]:
    """Read a data set, until it is stopped."""
    with suppress(ReadingStopped):
        yield from import_labels(request, is_stopped)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that all differ: the second of several equal ones has its number behind it."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _combo(name: str, tip: str) -> QComboBox:
    """Return a box to choose from, which long entries do not widen."""
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return combo


def _line(text: str) -> Sentence:
    """Return a text that wraps."""
    line = Sentence("Image")
    line.say(text)
    return line
