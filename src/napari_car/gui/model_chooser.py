"""Which networks are used: a list of pairs, what is installed of them, and the download of what is missing."""

from pathlib import Path

from qtpy.QtCore import QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_car.annotation.network_offers import list_offers, suggest_networks
from napari_car.annotation.networks import NetworkChoice, NetworkState, default_choice, describe, name_choice
from napari_car.presets import Preset

from .custom_networks import CustomNetworks
from .downloads import DownloadBar
from .menu_button import MenuButton
from .offer_list import OfferList
from .sentence import Sentence, warned

_TYPING_MS = 400


class ModelChooser(QWidget):
    """Chooses f and g.

    Parameters
    ----------
    models_folder : Path
        Where checkpoints are looked for, and downloaded to.
    parent : QWidget, optional
    """

    changed = Signal()
    """Other networks were chosen, or those chosen became ready for a run, or ceased to be."""

    def __init__(self, models_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = models_folder
        self._choice = default_choice(models_folder)
        self._state = describe(self._choice, models_folder)
        self._offers = OfferList()
        self._custom = CustomNetworks()
        self._status, self._message = Sentence("State of the networks"), Sentence("Message about the networks")
        self._downloads = DownloadBar()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._lay_out()
        self._offers.about_to_open.connect(self.refresh)
        self._offers.chosen.connect(self._on_offer)
        self._custom.edited.connect(self._typing.start)
        self._typing.timeout.connect(self._on_typed)
        self._downloads.wanted.connect(self._on_download_wanted)
        self._downloads.ended.connect(self._on_download_ended)
        self.refresh()

    @property
    def choice(self) -> NetworkChoice:
        """The networks chosen now."""
        self._settle()
        return self._choice

    @property
    def state(self) -> NetworkState:
        """What of them is on this machine, when it was last looked at."""
        self._settle()
        return self._state

    @property
    def is_ready(self) -> bool:
        """Whether a run can start."""
        return self.state.is_ready

    @property
    def reason(self) -> str:
        """Why a run cannot start, as a sentence for users; empty if it can."""
        state = self.state
        if state.is_ready or state.problem:
            return state.problem
        name = name_choice(state.choice)
        if set(state.missing) <= set(self._downloads.checkpoints):
            return f"{name} is being downloaded: wait for the end of the download, or choose other networks."
        first = "wait for the download that is running, then " if self._downloads.is_running else ""
        return f"{name} is not installed: {first}press Download, or choose other networks."

    @property
    def models_folder(self) -> Path:
        """Where checkpoints are looked for, and downloaded to; a download under way keeps its folder."""
        return self._folder

    @models_folder.setter
    def models_folder(self, folder: Path) -> None:
        self._folder = folder
        self.refresh()

    def set_choice(self, choice: NetworkChoice) -> None:
        """Choose networks, whether they are in the list or not."""
        self._typing.stop()
        self._message.say("")
        self._custom.show_choice(choice)
        self._choose(choice, is_custom=False)

    def suggest(self, preset: Preset) -> None:
        """Choose the networks of a preset if they are installed; else say in a sentence why they are not.

        A preset never makes a run impossible, and never starts a download.
        """
        suggestion = suggest_networks(preset, self.choice, self._folder)
        self.set_choice(suggestion.choice)
        self._message.say(suggestion.sentence)

    def refresh(self) -> None:
        """Look again at what is on disk."""
        self._settle()
        self._choose(self._choice, is_custom=self._offers.is_custom)

    def stop(self) -> None:
        """Stop a download, as the window is closing; what was received is kept."""
        self._typing.stop()
        self._downloads.stop()

    def open_folder(self) -> None:
        """Show the models folder in the file manager, made if need be."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._message.say(warned(f"The models folder {self._folder} cannot be made ({error.strerror})."))
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def _lay_out(self) -> None:
        """Place the parts."""
        more = MenuButton("…", "More about networks", "Models folder, web pages of the networks, look again")
        self._menu = more.entries
        self._menu.aboutToShow.connect(self._fill_menu)
        row = QHBoxLayout()
        row.addWidget(self._offers, stretch=1)
        row.addWidget(more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        for part in (self._custom, self._status, self._downloads, self._message):
            layout.addWidget(part)

    def _fill_menu(self) -> None:
        """List what can be done, and the web pages of the checkpoints chosen."""
        self._menu.clear()
        self._menu.addAction("Open models folder", self.open_folder)
        self._menu.addAction("Look again at what is installed", self.refresh)
        for checkpoint in self.state.checkpoints:
            if checkpoint.hub_repo:
                url = QUrl(f"https://huggingface.co/{checkpoint.hub_repo}")
                text = f"Web page and licence of {checkpoint.name}"
                self._menu.addAction(text, lambda url=url: QDesktopServices.openUrl(url))

    def _choose(self, choice: NetworkChoice, *, is_custom: bool) -> None:
        """Take over a choice, and show what is known of it."""
        before = self._choice, self._state.is_ready
        self._choice, self._state = choice, describe(choice, self._folder)
        self._offers.show_offers(list_offers(self._folder), choice, is_custom=is_custom)
        self._custom.setVisible(self._offers.is_custom)
        self._show_state()
        if before != (choice, self._state.is_ready):
            self.changed.emit()

    def _show_state(self) -> None:
        """Say what is installed, what the networks are good for, and under which licence they are."""
        state = self._state
        first = warned(state.sentence) if state.problem or state.damaged else state.sentence
        licence = warned(state.licence) if state.is_restricted else state.licence
        known = () if state.problem else (state.note, licence)
        self._status.say("\n".join(part for part in (first, *known) if part))
        self._downloads.offer(state)

    def _on_offer(self, choice: NetworkChoice | None) -> None:
        """Take over an entry of the list; None stands for names that are typed, which start from those chosen."""
        self._message.say("")
        if choice is None:
            self._custom.show_choice(self._choice)
        self._choose(choice or self._choice, is_custom=choice is None)

    def _settle(self) -> None:
        """Take over what was typed a moment ago."""
        if self._typing.isActive():
            self._typing.stop()
            self._on_typed()

    def _on_typed(self) -> None:
        self._message.say("")
        self._choose(self._custom.choice, is_custom=True)

    def _on_download_wanted(self) -> None:
        """Download what is missing of the networks chosen."""
        self._message.say("")
        state = self.state
        if state.can_be_downloaded:
            self._downloads.start(state.missing, self._folder)
            self.changed.emit()  # the reason why no run can start is another one now

    def _on_download_ended(self, failure: str) -> None:
        """Look at what has arrived, and say what went wrong."""
        self.refresh()
        if failure:
            self._message.say(warned(failure))
