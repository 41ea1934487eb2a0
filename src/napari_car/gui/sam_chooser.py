"""Which SAM is used: a list, what is installed, and the download of what is missing."""

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_car.annotation.sams import SamState, default_sam, describe_sam, list_sams

from .downloads import DownloadBar
from .sentence import Sentence, warned

_BROWSE = "Checkpoint file…"


class SamChooser(QWidget):
    """Chooses a SAM.

    Parameters
    ----------
    models_folder : Path
        Where checkpoints are looked for, and downloaded to.
    parent : QWidget, optional
    """

    changed = Signal()
    """Another one was chosen, or the one chosen has become ready, or ceased to be."""

    def __init__(self, models_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = models_folder
        self._name = default_sam(models_folder)
        self._list = QComboBox()
        self._list.setAccessibleName("SAM")
        self._list.setToolTip("Larger ones draw better outlines and take longer. HQ-SAM's are finer than SAM's.")
        self._list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._list.setMinimumContentsLength(12)
        self._list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._status, self._downloads = Sentence("State of SAM"), DownloadBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._list, self._status, self._downloads):
            layout.addWidget(part)
        self._list.activated.connect(self._on_activated)
        self._downloads.wanted.connect(self._on_download_wanted)
        self._downloads.ended.connect(self._on_download_ended)
        self._show()

    @property
    def name(self) -> str:
        """The SAM chosen now: a name of the registry, or the path of a file."""
        return self._name

    @property
    def state(self) -> SamState:
        """What of it is on this machine now."""
        return describe_sam(self._name, self._folder)

    @property
    def reason(self) -> str:
        """Why it cannot be used, as a sentence for users; empty if it can."""
        state = self.state
        if state.is_ready or state.problem:
            return state.problem
        if self._downloads.is_running:
            return f"{self._name} is being downloaded: wait for the end of the download, or switch SAM off."
        return f"{self._name} is not installed: press Download below SAM, choose another, or switch SAM off."

    @property
    def models_folder(self) -> Path:
        """Where checkpoints are looked for, and downloaded to; a download under way keeps its folder."""
        return self._folder

    @models_folder.setter
    def models_folder(self, folder: Path) -> None:
        self._folder = folder
        self._show()

    def choose(self, name: str) -> None:
        """Choose a SAM by its name or path."""
        if name and name != self._name:
            self._name = name
            self._show()
            self.changed.emit()

    def stop(self) -> None:
        """Stop a download, as the window is closing; what was received is kept."""
        self._downloads.stop()

    def _show(self, failure: str = "") -> None:
        """List what there is, and say what is known of the one chosen."""
        states, chosen = list_sams(self._folder), self.state
        if self._name not in {state.name for state in states}:
            states = (chosen, *states)
        with QSignalBlocker(self._list):
            self._list.clear()
            for state in states:
                self._list.addItem(state.title, state.name)
            self._list.addItem(_BROWSE, "")
            self._list.setCurrentIndex(self._list.findData(self._name))
        first = warned(chosen.sentence) if chosen.problem or chosen.damaged else chosen.sentence
        self._status.say("\n".join(filter(None, (first, chosen.licence, warned(failure) if failure else ""))))
        self._downloads.offer(chosen)

    def _on_activated(self, index: int) -> None:
        """Take over an entry, or a file that is asked for."""
        name = self._list.itemData(index)
        if not name:
            name, _ = QFileDialog.getOpenFileName(
                self, "A checkpoint of SAM, HQ-SAM or MobileSAM", "", "Checkpoints (*.pth *.pt *.safetensors *.bin)"
            )
        self.choose(name)
        self._show()

    def _on_download_wanted(self) -> None:
        """Download the one chosen."""
        state = self.state
        if state.can_be_downloaded:
            self._downloads.start(state.missing, self._folder)
            self.changed.emit()

    def _on_download_ended(self, failure: str) -> None:
        """Look at what has arrived, and say what went wrong."""
        self._show(failure)
        self.changed.emit()
