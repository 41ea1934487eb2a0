"""Two lines in which f and g are named freely."""

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCompleter,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QWidget,
)

from napari_car.annotation.networks import NetworkChoice
from napari_car.checkpoints.folder import CONFIG_FILE
from napari_car.checkpoints.registry import WEIGHTS_FILES, load_registry

from .menu_button import MenuButton

_TIP = (
    "A name that the list of completions offers, hf-hub:owner/repository, a folder in open_clip's format, or "
    "ARCHITECTURE:FILE for one file of weights, such as ViT-B-16:/data/mine.pt."
)
_ARCHITECTURE = "ARCHITECTURE"


class CustomNetworks(QWidget):
    """Names f and g.

    Parameters
    ----------
    parent : QWidget, optional
    """

    edited = Signal()
    """A person changed a name; it may not be complete yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._f, self._g = (
            _NetworkEdit("Network that proposes masks"),
            _NetworkEdit("Network that tells what they show"),
        )
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        form.addRow("&f, proposes masks", self._f)
        form.addRow("&g, tells what they show", self._g)
        for edit in (self._f, self._g):
            edit.edited.connect(self.edited)

    @property
    def choice(self) -> NetworkChoice:
        """What is typed now."""
        return NetworkChoice(self._f.name, self._g.name)

    def show_choice(self, choice: NetworkChoice) -> None:
        """Write two names, without saying so."""
        self._f.show_name(choice.f)
        self._g.show_name(choice.g)


class _NetworkEdit(QWidget):
    """A line with the name of a network, and a button that picks a file or folder."""

    edited = Signal()

    def __init__(self, accessible_name: str) -> None:
        super().__init__()
        self._line = QLineEdit()
        self._line.setAccessibleName(accessible_name)
        self._line.setToolTip(_TIP)
        self._line.setPlaceholderText("Name, folder, or ARCHITECTURE:FILE")
        completer = QCompleter(list(load_registry("clip")), self._line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._line.setCompleter(completer)
        self._line.textChanged.connect(self.edited)
        pick = MenuButton("…", f"{accessible_name}: pick a file or folder", "Pick a folder or a file of weights")
        pick.entries.addAction("Folder in open_clip's format…", self._pick_folder)
        pick.entries.addAction("File of weights…", self._pick_file)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._line, stretch=1)
        row.addWidget(pick)
        self.setFocusProxy(self._line)

    @property
    def name(self) -> str:
        """What is typed."""
        return self._line.text().strip()

    def show_name(self, name: str) -> None:
        """Write a name, without saying so."""
        with QSignalBlocker(self._line):
            self._line.setText(name)
        self._line.setCursorPosition(0)

    def _pick_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, f"Folder with {CONFIG_FILE}")
        if folder:
            self._line.setText(folder)

    def _pick_file(self) -> None:
        """Write a file; its architecture is in the configuration beside it, or typed by the user."""
        suffixes = " ".join(f"*{Path(name).suffix}" for name in (*WEIGHTS_FILES, "a.pt", "a.pth"))
        file, _ = QFileDialog.getOpenFileName(self, "File of weights", "", f"Weights ({suffixes});;All files (*)")
        if not file:
            return
        path = Path(file)
        if path.name in WEIGHTS_FILES and (path.parent / CONFIG_FILE).is_file():
            self._line.setText(str(path.parent))
            return
        before, colon, _ = self.name.partition(":")
        architecture = before if colon and before != "hf-hub" else _ARCHITECTURE
        self._line.setText(f"{architecture}:{file}")
        if architecture == _ARCHITECTURE:
            self._line.setFocus()
            self._line.setSelection(0, len(_ARCHITECTURE))
