"""The bar that starts and stops a run, and says what it is doing."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_car.annotation.progress import Status

from .accent import AccentButton, ProgressLine
from .sentence import Sentence, warned

_SCALE = 1000


class RunBar(QWidget):
    """A button that is Segment or Cancel, a progress bar, and a line of text.

    Parameters
    ----------
    parent : QWidget, optional
    """

    run_wanted = Signal()
    cancel_wanted = Signal()
    help_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_running = self._gives_way = False
        self._button = AccentButton()
        self._button.setDefault(True)
        self._button.clicked.connect(self._on_clicked)
        help_button = QPushButton("?")
        help_button.setToolTip("How to use this, and all keys")
        help_button.setAccessibleName("Help")
        help_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        help_button.clicked.connect(self.help_wanted)
        self._progress = ProgressLine()
        self._progress.setRange(0, _SCALE)
        self._line = Sentence("Status")
        buttons = QHBoxLayout()
        buttons.addWidget(self._button, stretch=1)
        buttons.addWidget(help_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self._progress)
        layout.addWidget(self._line)
        self.set_running(False)

    @property
    def text(self) -> str:
        """The line of text."""
        return self._line.text

    def set_running(self, is_running: bool) -> None:
        """Be the button that stops, or the one that starts."""
        self._is_running = is_running
        self._button.setText("Cancel" if is_running else "Segment")
        self._button.setToolTip("Stop after the present piece of work (Ctrl+.)" if is_running else _RUN_TIP)
        self._button.setEnabled(True)
        self._button.set_accented(not is_running and not self._gives_way)
        self._progress.setValue(0)
        self._progress.setVisible(is_running)

    def give_way(self, gives_way: bool) -> None:
        """Stand out no more while something else is to be done first."""
        self._gives_way = gives_way
        self._button.set_accented(not self._is_running and not gives_way)

    def show_status(self, status: Status) -> None:
        """Show what a run is doing."""
        if status.text == self._line.text and not status.fraction:
            return
        self._progress.setValue(max(self._progress.value(), round(status.fraction * _SCALE)))
        self._say(status.text)

    def say(self, text: str) -> None:
        """Say something that is no error."""
        self._say(text)

    def warn(self, text: str) -> None:
        """Say what went wrong."""
        self._say(warned(text))

    def forget_warning(self) -> None:
        """Take back what went wrong, since something was changed."""
        if self._line.text.startswith(warned("")):
            self._say("")

    def _say(self, text: str) -> None:
        self._line.say(text)

    def _on_clicked(self) -> None:
        """Start or stop; a run that is stopping cannot be stopped twice."""
        if self._is_running:
            self._button.setEnabled(False)
            self._button.setText("Stopping")
            self.cancel_wanted.emit()
        else:
            self.run_wanted.emit()


_RUN_TIP = "Look for the queries in the image (Ctrl+Return)"
