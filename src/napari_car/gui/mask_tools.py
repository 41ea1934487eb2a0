"""Tools that correct a label as a whole: fill, remove, smooth, grow, shrink, give to another query."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_car.annotation.correction.growth import grow, shrink
from napari_car.annotation.correction.holes import fill_holes
from napari_car.annotation.correction.plane_edit import place_change
from napari_car.annotation.correction.relabelling import reassign
from napari_car.annotation.correction.small_parts import keep_largest_part, remove_small_parts
from napari_car.annotation.correction.smoothing import smooth
from napari_car.annotation.proposal import Change
from napari_car.errors import CaRError, PromptError

from .label_target import LabelTarget, find_target, label_layer, label_names
from .result_layers import is_result
from .sentence import Sentence, warned
from .tracking import track, write_blocks

Edit = Callable[..., Change | None]
"""Takes a plane, the labels in question and ``protected``; returns what changes."""

_HIGHEST_PX = 1_000_000


@dataclass(frozen=True, slots=True)
class Tool:
    """A button, and the number beside it.

    Parameters
    ----------
    text, tip : str
        What it is called, and what it does, for users.
    edit : callable
    amount : str
        Which argument of ``edit`` the number is; empty for none.
    default, highest : int
        Of the number, in px.
    none : str
        What 0 means, if it stands for no limit.
    """

    text: str
    tip: str
    edit: Edit
    amount: str = ""
    default: int = 0
    highest: int = _HIGHEST_PX
    none: str = ""


TOOLS = (
    Tool(
        "Fill holes",
        "Fill the background inside the label, up to an area.",
        fill_holes,
        amount="max_area_px",
        none="of any size",
    ),
    Tool(
        "Remove parts below",
        "Turn parts that are smaller than an area into background.",
        remove_small_parts,
        amount="min_area_px",
        default=64,
    ),
    Tool("Keep the largest part", "Turn all other parts into background.", keep_largest_part),
    Tool(
        "Smooth",
        "Smooth outlines: what is about as small as this vanishes. Other labels are left alone.",
        smooth,
        amount="radius_px",
        default=2,
        highest=50,
    ),
    Tool(
        "Grow by",
        "Add the background around the label, up to a distance. Other labels are left alone.",
        grow,
        amount="distance_px",
        default=1,
        highest=500,
    ),
    Tool(
        "Shrink by",
        "Turn what is near the outline into background, up to a distance.",
        shrink,
        amount="distance_px",
        default=1,
        highest=500,
    ),
)


class MaskTools(QWidget):
    """Corrects the chosen label of the layer that is worked in, on the plane that is shown.

    Each press of a button is one undo step of the layer, and what it changes counts as a person's.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._watched = viewer, None
        self._target, self._said = Sentence("Label that is corrected"), Sentence("What a tool did")
        self._all = QCheckBox("All labels of the layer")
        self._all.setToolTip("Off: the chosen label only. A click on a row of the results chooses one.")
        self._protect = QCheckBox("Leave what I painted alone")
        self._protect.setToolTip("Pixels that you changed by hand stay as they are.")
        self._others = QComboBox()
        self._others.setAccessibleName("Query that gets the label")
        self._others.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        layout = QVBoxLayout(self)
        layout.addWidget(self._target)
        layout.addLayout(self._lay_out_tools())
        for part in (self._all, self._protect, self._said):
            layout.addWidget(part)
        layout.addStretch(1)
        viewer.layers.selection.events.active.connect(self._on_active)
        viewer.layers.events.removed.connect(self._on_active)
        self._on_active()

    @property
    def text(self) -> str:
        """What was said last."""
        return self._said.text

    def apply(self, tool: Tool, amount: int | None = None) -> None:
        """Use a tool, as its button does; says what it did."""
        arguments: dict[str, Any] = {}
        if tool.amount and not (tool.none and not amount):
            arguments[tool.amount] = amount
        self._edit(tool.text.removesuffix(" by").removesuffix(" below"), tool.edit, arguments)

    def give_to(self, id_: int) -> None:
        """Give the chosen label to another query."""

        def edit(labels: Any, ids: list[int] | None, **options: Any) -> Change | None:
            if ids is None:
                raise PromptError("All labels cannot be given to one query: choose one label.")
            return reassign(labels, ids[0], to=id_, **options)

        name = self._others.itemText(self._others.findData(id_)) or f"label {id_}"
        self._edit(f"Give to {name}", edit, {})

    def close_connections(self) -> None:
        """Let go of the viewer."""
        self._watch(None)
        self._viewer.layers.selection.events.active.disconnect(self._on_active)
        self._viewer.layers.events.removed.disconnect(self._on_active)

    def _lay_out_tools(self) -> QGridLayout:
        """Return buttons with their numbers."""
        grid = QGridLayout()
        for row, tool in enumerate(TOOLS):
            button = QPushButton(tool.text)
            button.setToolTip(f"{tool.tip} One undo step.")
            grid.addWidget(button, row, 0)
            if not tool.amount:
                button.clicked.connect(lambda _=False, tool=tool: self.apply(tool))
                continue
            box = QSpinBox()
            box.setAccessibleName(f"{tool.text}, px")
            box.setRange(0 if tool.none else 1, tool.highest)
            box.setValue(tool.default)
            box.setSuffix(" px²" if tool.amount.endswith("area_px") else " px")
            box.setSpecialValueText(tool.none)
            box.setToolTip(tool.tip)
            button.clicked.connect(lambda _=False, tool=tool, box=box: self.apply(tool, box.value()))
            grid.addWidget(box, row, 1)
        button = QPushButton("Give to")
        button.setToolTip("Give all pixels of the label on this plane to another query. One undo step.")
        button.clicked.connect(lambda: self.give_to(self._others.currentData() or 0))
        grid.addWidget(button, len(TOOLS), 0)
        grid.addWidget(self._others, len(TOOLS), 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _edit(self, what: str, edit: Edit, arguments: dict[str, Any]) -> None:
        """Change the plane that is shown, as one undo step, and say what was done."""
        try:
            target = find_target(self._viewer)
            ids = None if self._all.isChecked() else [target.id_]
            change = edit(target.labels, ids, protected=self._protected(target), **arguments)
        except CaRError as error:
            self._said.say(warned(str(error)))
            return
        if change is None:
            self._said.say(f"{what}: there is nothing to change.")
            return
        write_blocks(target.layer, [place_change(change, target.axes, target.plane)])
        self._said.say(f"{what}: {np.count_nonzero(change.where):,} px changed. Undo (Ctrl+Z) takes it back.")

    def _protected(self, target: LabelTarget) -> np.ndarray | None:
        """Return a person's pixels of the plane, if they are to be left alone; only results know them."""
        if not self._protect.isChecked() or not is_result(target.layer):
            return None
        index = target.axes.index(target.plane)
        return np.asarray(target.axes.plane_of(track(target.layer).ledger.human(target.layer.data, index)))

    def _on_active(self) -> None:
        """Watch the layer that is worked in now."""
        self._watch(label_layer(self._viewer))
        self._show()

    def _watch(self, layer: Labels | None) -> None:
        """Follow the chosen label of one layer and no other."""
        if self._watched is not None:
            self._watched.events.selected_label.disconnect(self._show)
            self._watched.events.features.disconnect(self._show)
        self._watched = layer
        if layer is not None:
            layer.events.selected_label.connect(self._show)
            layer.events.features.connect(self._show)

    def _show(self) -> None:
        """Say which label is meant, and list the others."""
        layer = self._watched
        if layer is None:
            self._target.say("No labels yet: segment an image, or select a layer of labels.")
            names: dict[int, str] = {}
        else:
            names = label_names(layer)
            chosen = int(layer.selected_label)
            self._target.say(f"{names.pop(chosen, f'label {chosen}')} in {layer.name}")
        with QSignalBlocker(self._others):
            before = self._others.currentData()
            self._others.clear()
            for id_, name in names.items():
                self._others.addItem(name, id_)
            self._others.setCurrentIndex(max(0, self._others.findData(before)))
        self._others.setEnabled(bool(names))
