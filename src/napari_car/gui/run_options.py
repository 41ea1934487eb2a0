"""How a run is done: networks, preset, tiles, layers, and, folded away, all parameters."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, SpinBox
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_car.annotation.networks import DEMO, NetworkChoice, default_choice
from napari_car.annotation.survey import Grouping
from napari_car.config import CaRConfig
from napari_car.errors import ConfigError
from napari_car.presets import PRESETS, Preset

from .folding import Fold
from .model_chooser import ModelChooser
from .parameters import ParameterForm
from .sam_chooser import SamChooser

MAX_OVERLAP_PX = 64
_MAX_TILE_PX = 16384
_TILE_TIP = (
    "Cut large images into tiles of at most this many pixels a side, so that small things are seen; 0 for none. Each "
    "tile is a run of its own: it takes longer, and things larger than a tile are found in pieces."
)


class RunOptions(QWidget):
    """Networks, preset, parameters and output.

    Parameters
    ----------
    models_folder : Path
    parent : QWidget, optional
    """

    changed = Signal()
    """Anything was chosen anew."""

    def __init__(self, models_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preset = ComboBox(label="Preset", choices=list(PRESETS))
        self._tile = SpinBox(label="Tiles (px)", value=0, max=_MAX_TILE_PX, step=128, tooltip=_TILE_TIP)
        self._apart = CheckBox(
            text="One layer for each query",
            tooltip="Masks may overlap then. Off: one layer holds all labels, the most certain on top.",
        )
        self._referring = CheckBox(
            text="Referring expressions",
            tooltip="Queries are phrases such as: the man on the left. Each is looked for by itself, and masks may "
            "overlap. Off: queries compete for pixels.",
        )
        self._with_sam = CheckBox(
            text="Outlines by SAM",
            tooltip="Match each mask with the objects that SAM finds by itself, and take over their outlines where "
            "they agree. SAM is asked at 64 x 64 points, which takes long without a graphics card: fewer do, too.",
        )
        self._form = Container(widgets=[self._preset, self._referring, self._tile, self._apart, self._with_sam])
        self._form.margins = (0, 0, 0, 0)
        self.models = ModelChooser(models_folder)
        self.sams = SamChooser(models_folder)
        self.parameters = ParameterForm()
        layout = QVBoxLayout(self)
        layout.addWidget(self.models)
        layout.addWidget(self._form.native)
        layout.addWidget(self.sams)
        layout.addWidget(Fold("All parameters", self.parameters))
        layout.addStretch(1)
        choice = default_choice(models_folder)
        self.models.set_choice(choice)
        self._choose("demo" if choice == DEMO else "annotate")
        self._preset.changed.connect(self._on_preset)
        self._tile.changed.connect(lambda: self.changed.emit())
        self._apart.changed.connect(lambda: self.changed.emit())
        self.models.changed.connect(self._on_networks)
        self.sams.changed.connect(self.changed)
        self._referring.changed.connect(self._on_mode)
        self._with_sam.changed.connect(lambda is_on: self.parameters.set_value("sam.enabled", is_on))
        self.parameters.changed.connect(self._on_parameters)

    @property
    def preset(self) -> Preset:
        """The chosen preset."""
        return PRESETS[self._preset.value]

    @property
    def config(self) -> CaRConfig:
        """The preset's parameters with what was changed.

        Raises
        ------
        ConfigError
            If something that was typed is no valid value.
        """
        return self.parameters.config

    @property
    def grouping(self) -> Grouping:
        """Whether each query gets a layer of its own."""
        return "apart" if self._apart.value else "together"

    @property
    def tile_px(self) -> int:
        """Longest side of a tile; 0 for none."""
        return int(self._tile.value)

    @property
    def overlap_px(self) -> int:
        """By how much tiles overlap."""
        return min(MAX_OVERLAP_PX, self.tile_px // 4)

    def choose_preset(self, name: str) -> None:
        """Choose a preset, as a person would."""
        self._preset.value = name

    def choose_networks(self, f: str, g: str | None = None) -> None:
        """Choose networks by their names, as a person would; by default g is the same as f."""
        self.models.set_choice(NetworkChoice(f, g or f))

    def choose_grouping(self, grouping: Grouping) -> None:
        """Choose whether each query gets a layer of its own, as a person would."""
        self._apart.value = grouping == "apart"

    def choose_tiles(self, tile_px: int) -> None:
        """Choose the size of tiles, as a person would."""
        self._tile.value = tile_px

    def to_dict(self) -> dict[str, Any]:
        """Return what was chosen, fit for JSON."""
        choice = self.models.choice
        return {
            "preset": self.preset.name,
            "f": choice.f,
            "g": choice.g,
            "sam": self.sams.name,
            "changes": self.parameters.changes,
            "apart": self.grouping == "apart",
            "tile_px": self.tile_px,
        }

    def restore(self, choices: dict[str, Any]) -> None:
        """Choose what was chosen before; what is missing or not valid any more stays as it is."""
        with QSignalBlocker(self):
            if isinstance(choices.get("f"), str) and isinstance(choices.get("g"), str):
                self.models.set_choice(NetworkChoice(choices["f"], choices["g"]))
            if isinstance(choices.get("sam"), str):
                self.sams.choose(choices["sam"])
            if choices.get("preset") in PRESETS:
                self._choose(str(choices["preset"]))
            if isinstance(choices.get("changes"), dict):
                self.parameters.set_changes(choices["changes"])
            self.choose_grouping("apart" if choices.get("apart") is True else "together")
            if isinstance(choices.get("tile_px"), int) and 0 <= choices["tile_px"] <= _MAX_TILE_PX:
                self.choose_tiles(choices["tile_px"])
        self.changed.emit()

    def _choose(self, name: str) -> None:
        """Show a preset and its parameters, and leave the networks as they are."""
        with self._preset.changed.blocked():
            self._preset.value = name
        self.parameters.set_base(self.preset.config)
        self._preset.tooltip = self.preset.summary
        self._on_parameters()

    def _on_preset(self, name: str) -> None:
        """Take over a preset's parameters and, where they are on disk, its networks."""
        self._choose(name)
        self.models.suggest(self.preset)
        self.changed.emit()

    def _on_mode(self, is_referring: bool) -> None:
        """Take the mode into the parameters, of which it is one."""
        self.parameters.set_value("mode", "referring" if is_referring else "semantic")

    def _on_parameters(self) -> None:
        """Show the mode and whether SAM is asked, which a preset or a file may have changed."""
        with suppress(ConfigError), self._referring.changed.blocked(), self._with_sam.changed.blocked():
            config = self.parameters.config  # raises if parameters are half-typed
            self._referring.value = config.mode == "referring"
            self._with_sam.value = config.sam.enabled
            self.sams.setVisible(config.sam.enabled)
        self.changed.emit()

    def _on_networks(self) -> None:
        """Between the demo networks and others, change from the one general preset to the other."""
        is_demo = self.models.choice == DEMO
        if self.preset.name == ("annotate" if is_demo else "demo"):
            self._choose("demo" if is_demo else "annotate")
        self.changed.emit()
